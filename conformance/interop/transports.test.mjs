// The same conversation over every transport, and the passage from one to the other.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { appOf, CLIENTS, connected, heard, once, socketOf } from './clients.mjs'
import { startServer, test } from './server.mjs'

const POLLING = { transports: ['polling'] }
const WEBSOCKET = { transports: ['websocket'] }

// What two people do: everything that a transport has to carry.
async function converse(one, other) {
  const created = heard(other.service('messages'), 'created', 3)
  const messages = one.service('messages')
  await Promise.all([messages.create({ n: 1 }), messages.create({ n: 2 }), messages.create({ n: 3 })])
  assert.deepEqual((await created).map(({ n }) => n), [1, 2, 3])
  const answered = once(one.service('messages'), 'patched')
  await other.service('messages').patch(4, { n: 'one' })
  assert.deepEqual(await answered, { id: 4, n: 'one' })
  await assert.rejects(messages.get(99), { name: 'NotFound' })
}

async function pair(t, server, options) {
  const apps = [appOf(t, server, options), appOf(t, server, options)]
  await Promise.all(apps.map(({ io }) => connected(io)))
  return apps
}

const transportOf = ({ io }) => io.io.engine.transport.name

for (const client of CLIENTS) {
  describe(client.name, () => {
    test('everything_works_by_polling_alone', async (t) => {
      const apps = await pair(t, await startServer(t), { client, ...POLLING })
      await converse(...apps)
      assert.deepEqual(apps.map(transportOf), ['polling', 'polling'])
    })

    test('everything_works_by_websocket_alone', async (t) => {
      const apps = await pair(t, await startServer(t), { client, ...WEBSOCKET })
      await converse(...apps)
      assert.deepEqual(apps.map(transportOf), ['websocket', 'websocket'])
    })

    test('a_polling_client_upgrades_and_goes_on', async (t) => {
      const apps = await pair(t, await startServer(t), { client })
      for (const { io } of apps) if (transportOf({ io }) === 'polling') await once(io.io.engine, 'upgrade')
      assert.deepEqual(apps.map(transportOf), ['websocket', 'websocket'])
      await converse(...apps)
    })
  })
}

test('a_websocket_that_names_protocols_gets_the_first', async (t) => {
  const { io } = appOf(t, await startServer(t), { ...WEBSOCKET, protocols: ['v1', 'v2'] })
  await connected(io)
  assert.equal(io.io.engine.transport.ws.protocol, 'v1')
})

test('nothing_is_lost_or_reordered_while_the_transport_is_upgraded', async (t) => {
  const app = appOf(t, await startServer(t))
  await once(app.io.io, 'open')
  const { engine } = app.io.io
  assert.equal(engine.transport.name, 'polling')
  let upgraded = false
  engine.once('upgrade', () => (upgraded = true))
  const seen = []
  app.service('messages').on('created', ({ n }) => seen.push(n))
  let n = 0
  while (!upgraded) {
    const calls = Array.from({ length: 5 }, () => app.service('messages').create({ n: n++ }))
    await Promise.all(calls)
  }
  await app.service('messages').create({ n: n++ })
  assert.deepEqual(seen, Array.from({ length: n }, (_, i) => i))
})

test('an_upgraded_client_and_a_polling_one_hear_each_other', async (t) => {
  const server = await startServer(t)
  const [polling] = await pair(t, server, POLLING)
  const [websocket] = await pair(t, server, WEBSOCKET)
  await converse(polling, websocket)
})

test('a_server_for_polling_only_offers_no_upgrade', async (t) => {
  const server = await startServer(t, 'polling-only')
  const apps = await pair(t, server, {})
  await converse(...apps)
  assert.deepEqual(apps.map(transportOf), ['polling', 'polling'])
  assert.deepEqual(apps[0].io.io.engine.upgrades ?? [], [])
  const refused = socketOf(t, server, { ...WEBSOCKET, reconnection: false })
  assert.equal((await once(refused, 'connect_error')).type, 'TransportError')
})

test('a_server_for_websocket_only_refuses_polling', async (t) => {
  const server = await startServer(t, 'websocket-only')
  await converse(...(await pair(t, server, WEBSOCKET)))
  const refused = socketOf(t, server, { ...POLLING, reconnection: false })
  const error = await once(refused, 'connect_error')
  assert.equal(error.message, 'xhr poll error')
  assert.equal(error.description, 400)
})

test('the_path_can_be_another', async (t) => {
  const server = await startServer(t, 'path-ws')
  await converse(...(await pair(t, server, { path: '/ws/' })))
  await converse(...(await pair(t, server, { path: '/ws/', ...WEBSOCKET })))
})

test('the_default_path_is_not_served_beside_another', async (t) => {
  const server = await startServer(t, 'path-ws')
  const refused = socketOf(t, server, { ...POLLING, reconnection: false })
  assert.equal((await once(refused, 'connect_error')).description, 404)
})
