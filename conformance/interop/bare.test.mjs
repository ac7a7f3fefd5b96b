// socket.io-client without Feathers, as the documentation shows it.
import assert from 'node:assert/strict'
import { connected, once, socketOf } from './clients.mjs'
import { startServer, test } from './server.mjs'

const ONE = { id: 1, text: 'one', userId: 1, read: false, n: 10 }

const start = async (t, options) => {
  const socket = socketOf(t, await startServer(t), options)
  await connected(socket)
  return socket
}

test('acknowledgements_have_the_form_of_node_callbacks', async (t) => {
  const socket = await start(t)
  const call = (...args) => new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer)))
  assert.deepEqual(await call('get', 'messages', 1), [null, ONE])
  assert.deepEqual(await call('get', 'messages', 1, {}), [null, ONE])
  const [error, ...rest] = await call('get', 'messages', 99, {})
  assert.deepEqual(error, { name: 'NotFound', message: "No record found for id '99'", code: 404, className: 'not-found' })
  assert.deepEqual(rest, [])
  assert.deepEqual(await call('reverse', 'tools', { text: 'abc' }), [null, { text: 'cba' }])
})

test('emit_with_ack_answers_null_or_the_error', async (t) => {
  const socket = await start(t)
  assert.equal(await socket.emitWithAck('get', 'messages', 1, {}), null)
  assert.equal((await socket.emitWithAck('get', 'messages', 99, {})).name, 'NotFound')
  assert.equal(await socket.timeout(5000).emitWithAck('find', 'messages'), null)
})

test('a_call_without_an_acknowledgement_takes_effect', async (t) => {
  const socket = await start(t)
  const created = once(socket, 'messages created')
  socket.emit('create', 'messages', { text: 'unasked' }, {})
  assert.deepEqual(await created, { id: 4, text: 'unasked' })
})

test('events_come_before_the_acknowledgement_in_the_order_of_the_calls', async (t) => {
  const socket = await start(t, { transports: ['websocket'] })
  const log = []
  socket.on('messages created', ({ n }) => log.push(`event ${n}`))
  const calls = [1, 2, 3].map(
    (n) =>
      new Promise((resolve) => {
        socket.emit('create', 'messages', { n }, {}, () => {
          log.push(`ack ${n}`)
          resolve()
        })
      })
  )
  await Promise.all(calls)
  for (const n of [1, 2, 3]) assert.ok(log.indexOf(`event ${n}`) < log.indexOf(`ack ${n}`), `${log}`)
  assert.deepEqual(log.filter((entry) => entry.startsWith('event')), ['event 1', 'event 2', 'event 3'])
})

test('wrong_arguments_are_answered_with_errors', async (t) => {
  const socket = await start(t)
  const of = async (...args) => {
    const { name, message } = await socket.emitWithAck(...args)
    return [name, message]
  }
  assert.deepEqual(await of('find', 'messages', {}, 'more'), ['BadRequest', "Too many arguments for 'find' method"])
  assert.deepEqual(await of('find', 'nope', {}), ['NotFound', "Service 'nope' not found"])
  assert.deepEqual(await of('find', 5, {}), ['NotFound', 'Invalid service path'])
  assert.deepEqual(await of('reverse', 'messages', {}), [
    'MethodNotAllowed',
    "Method 'reverse' not allowed on service 'messages'"
  ])
})

test('a_client_cannot_send_service_events', async (t) => {
  const server = await startServer(t)
  const [sender, receiver] = [socketOf(t, server), socketOf(t, server)]
  await Promise.all([connected(sender), connected(receiver)])
  const created = once(receiver, 'messages created')
  sender.emit('messages created', { text: 'forged' })
  await new Promise((resolve) => sender.emit('create', 'messages', { text: 'real' }, {}, resolve))
  assert.equal((await created).text, 'real')
})

test('every_event_is_seen_by_a_catch_all_listener', async (t) => {
  const socket = await start(t)
  const seen = []
  socket.onAny((...event) => seen.push(event))
  await socket.emitWithAck('create', 'messages', { text: 'x' }, {})
  assert.deepEqual(seen, [['messages created', { id: 4, text: 'x' }]])
})

test('a_call_that_is_not_answered_in_time_fails_and_the_connection_goes_on', async (t) => {
  const server = await startServer(t)
  const socket = socketOf(t, server, { transports: ['websocket'] })
  await connected(socket)
  server.pause()
  await assert.rejects(socket.timeout(50).emitWithAck('find', 'messages', {}), { message: 'operation has timed out' })
  server.resume()
  const call = (...args) => new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer)))
  assert.deepEqual(await call('get', 'messages', 1, {}), [null, ONE])
})
