// Sockets on a port of their own, `socketio(port)` in Feathers: REST and pages stay on the application's.
import assert from 'node:assert/strict'
import { feathers } from '@feathersjs/feathers'
import authentication from '@feathersjs/authentication-client'
import rest from '@feathersjs/rest-client'
import { io } from 'socket.io-client'
import { CLIENTS, appOf, connected, once, settled, socketOf } from './clients.mjs'
import { startServer, test } from './server.mjs'

const start = (t) => startServer(t, 'two-ports')
const restOf = ({ url }) => feathers().configure(rest(url).fetch(fetch)).configure(authentication())

for (const client of CLIENTS) {
  test(`${client.name}: events_cross_from_one_port_to_the_other`, async (t) => {
    const server = await start(t)
    assert.notEqual(server.url, server.socketsUrl)
    const [sockets, plain] = [appOf(t, server, { client }), restOf(server)]
    await connected(sockets.io)
    const heard = once(sockets.service('messages'), 'created')
    const made = await plain.service('messages').create({ text: 'over REST' })
    assert.deepEqual(await heard, made)
    assert.deepEqual(await sockets.service('messages').get(made.id), made)
    const { id } = await sockets.service('messages').create({ text: 'over sockets' })
    assert.equal((await plain.service('messages').get(id)).text, 'over sockets')
  })
}

for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
  test(`${transports.join(' and ')}: sockets_come_in_on_their_port_alone`, async (t) => {
    const server = await start(t)
    await settled(socketOf(t, server, { transports }))
    const elsewhere = io(server.url, { transports, forceNew: true, reconnection: false })
    t.after(() => elsewhere.disconnect())
    assert.ok((await once(elsewhere, 'connect_error')) instanceof Error)
  })
}

test('each_port_answers_404_for_what_is_the_other_s', async (t) => {
  const server = await start(t)
  const status = async (url) => (await fetch(url)).status
  const handshake = '/socket.io/?EIO=4&transport=polling'
  for (const [path, here, there] of [
    ['/messages', server.url, server.socketsUrl],
    [handshake, server.socketsUrl, server.url],
    ['/socket.io/socket.io.js', server.socketsUrl, server.url]
  ]) {
    assert.deepEqual([await status(here + path), await status(there + path)], [200, 404], path)
  }
})

test('a_token_from_one_port_is_good_on_the_other', async (t) => {
  const server = await start(t)
  const { accessToken } = await restOf(server).authenticate({
    strategy: 'local', email: 'ann@example.com', password: 'secret1'
  })
  const sockets = appOf(t, server, { extraHeaders: { Authorization: `Bearer ${accessToken}` } })
  await connected(sockets.io)
  await sockets.service('secure').find()
})

test('both_ports_end_together', async (t) => {
  const server = await start(t)
  const socket = socketOf(t, server, { reconnection: false })
  await settled(socket)
  const gone = once(socket, 'disconnect')
  const urls = [server.url, server.socketsUrl]
  await server.terminate()
  await gone
  for (const url of urls) await assert.rejects(fetch(url), /fetch failed/)
})
