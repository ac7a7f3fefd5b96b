// How connections begin and end, and what survives.
import assert from 'node:assert/strict'
import { appOf, connected, connectedApps, heard, once, settled, socketOf } from './clients.mjs'
import { startServer, test } from './server.mjs'

const TRANSPORTS = { polling: ['polling'], websocket: ['websocket'], 'polling, then websocket': ['polling', 'websocket'] }

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`a_client_finds_a_restarted_server_again (${name})`, async (t) => {
    const server = await startServer(t)
    const [app] = await connectedApps(t, server, 1, { transports })
    await settled(app.io)
    const messages = app.service('messages')
    const sid = app.io.id
    await messages.create({ text: 'before' })
    const created = once(messages, 'created')

    const gone = once(app.io, 'disconnect')
    await server.stop()
    assert.match(await gone, /^transport (close|error)$/)
    assert.equal(app.io.active, true)
    // Made while nobody listens: sent after the reconnection, in this order.
    const offline = [messages.create({ text: 'first' }), messages.create({ text: 'second' }), messages.find()]
    const back = once(app.io, 'connect')
    await server.start()
    await back

    const [first, second, all] = await Promise.all(offline)
    assert.deepEqual([first.text, second.text], ['first', 'second'])
    assert.equal(first.id, 4, 'the fixture forgets what was before')
    assert.equal(all.length, 5)
    assert.equal((await created).text, 'first')
    assert.notEqual(app.io.id, sid)
    assert.ok(!app.io.recovered, 'nothing was recovered: the application has to fetch what it missed')
  })
}

test('a_server_that_is_told_to_end_does_so_while_its_input_is_open', async (t) => {
  const server = await startServer(t)
  const [app] = await connectedApps(t, server, 1)
  await settled(app.io)
  const gone = once(app.io, 'disconnect')
  await server.terminate()
  assert.match(await gone, /^transport (close|error)$/)
})

test('a_crashed_server_is_found_again', async (t) => {
  const server = await startServer(t)
  const apps = await connectedApps(t, server, 5, { transports: ['websocket'] })
  const gone = apps.map(({ io }) => once(io, 'disconnect'))
  const back = apps.map(({ io }) => once(io, 'connect'))
  await server.kill()
  assert.deepEqual(await Promise.all(gone), Array(5).fill('transport close'))
  await server.start()
  await Promise.all(back)
  const created = apps.map((app) => once(app.service('messages'), 'created'))
  await apps[0].service('messages').create({ text: 'back' })
  for (const event of created) assert.equal((await event).text, 'back')
})

test('calls_made_before_the_connection_are_sent_in_order', async (t) => {
  const app = appOf(t, await startServer(t))
  const messages = app.service('messages')
  assert.equal(app.io.connected, false)
  const [a, b, found] = await Promise.all([messages.create({ text: 'a' }), messages.create({ text: 'b' }), messages.find()])
  assert.deepEqual([a.id, b.id, found.length], [4, 5, 5])
})

test('a_client_that_disconnects_says_so_itself_and_may_come_back', async (t) => {
  const [app] = await connectedApps(t, await startServer(t), 1)
  const gone = once(app.io, 'disconnect')
  app.io.disconnect()
  assert.equal(await gone, 'io client disconnect')
  assert.equal(app.io.active, false)
  app.io.connect()
  await connected(app.io)
  assert.equal((await app.service('messages').find()).length, 3)
})

test('a_client_may_leave_and_join_on_one_transport', async (t) => {
  const server = await startServer(t)
  const [app] = await connectedApps(t, server, 1, { transports: ['websocket'] })
  const { engine } = app.io.io
  // A second namespace keeps the transport open.
  const other = app.io.io.socket('/other')
  t.after(() => other.disconnect())
  await connected(other)
  app.io.disconnect()
  // A round trip: the server has read the farewell by now.
  await once(app.io.io.socket('/nope'), 'connect_error')
  app.io.connect()
  await connected(app.io)
  assert.ok(app.io.io.engine === engine)
  assert.equal((await app.service('messages').find()).length, 3)
})

test('a_silent_server_is_noticed_by_its_missing_heartbeat', async (t) => {
  const server = await startServer(t, 'fast-ping')
  for (const transports of [['websocket'], ['polling']]) {
    const [app] = await connectedApps(t, server, 1, { transports, reconnection: false })
    const gone = once(app.io, 'disconnect')
    server.pause()
    assert.equal(await gone, 'ping timeout')
    server.resume()
  }
})

test('heartbeats_keep_an_idle_connection', async (t) => {
  const server = await startServer(t, 'fast-ping')
  for (const transports of [['websocket'], ['polling']]) {
    const [app] = await connectedApps(t, server, 1, { transports, reconnection: false })
    // Four intervals are longer than interval and timeout together.
    await heard(app.io.io, 'ping', 4)
    assert.equal((await app.service('messages').find()).length, 3)
  }
})

test('middleware_refuses_with_message_and_data', async (t) => {
  const server = await startServer(t)
  for (const transports of Object.values(TRANSPORTS)) {
    const socket = socketOf(t, server, { transports, query: { deny: 'because' } })
    const error = await once(socket, 'connect_error')
    assert.equal(error.message, 'denied by middleware')
    assert.deepEqual(error.data, { reason: 'because' })
    assert.equal(socket.active, false, 'a refusal is final')
    assert.equal(socket.connected, false)
  }
})

test('what_middleware_attaches_is_a_param_of_every_call', async (t) => {
  const app = appOf(t, await startServer(t), { query: { tenant: 'acme' } })
  const { keys } = await app.service('echo').find()
  assert.ok(keys.includes('tenant'), `${keys}`)
})

test('an_unknown_namespace_is_refused_and_the_known_ones_go_on', async (t) => {
  const server = await startServer(t)
  const [app] = await connectedApps(t, server, 1)
  const nope = app.io.io.socket('/nope')
  assert.equal((await once(nope, 'connect_error')).message, 'Invalid namespace')
  assert.equal((await app.service('messages').find()).length, 3)
})

test('many_clients_come_and_go', async (t) => {
  const server = await startServer(t)
  const [stays] = await connectedApps(t, server, 1)
  for (let wave = 0; wave < 3; wave++) {
    const apps = await connectedApps(t, server, 20)
    const created = apps.map((app) => heard(app.service('messages'), 'created', 20))
    await Promise.all(apps.map((app, n) => app.service('messages').create({ wave, n })))
    const everyone = Array.from({ length: 20 }, (_, n) => n)
    const orders = (await Promise.all(created)).map((events) => events.map(({ n }) => n))
    for (const order of orders) assert.deepEqual(order, orders[0], 'every connection hears the same order')
    assert.deepEqual(orders[0].toSorted((a, b) => a - b), everyone)
    for (const app of apps) app.io.disconnect()
  }
  assert.equal((await stays.service('messages').find()).length, 63)
})
