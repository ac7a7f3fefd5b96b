// The reference's own client against the engine alone (crates/wingbeat-engine/examples/raw.rs): by JSON and by
// MessagePack, over both transports.
import assert from 'node:assert/strict'
import msgpack from 'socket.io-msgpack-parser'
import { connected, once, settled, socketOf } from './clients.mjs'
import { startRaw } from './raw.mjs'
import { test } from './server.mjs'

const PARSERS = [
  { name: 'JSON', state: 'plain', options: {} },
  { name: 'MessagePack', state: 'msgpack', options: { parser: msgpack } }
]
const TRANSPORTS = [['polling', 'websocket'], ['polling'], ['websocket']]

for (const parser of PARSERS) {
  for (const transports of TRANSPORTS) {
    const open = async (t, options = {}, namespace = '') => {
      const server = await startRaw(t, parser.state)
      const socket = socketOf(t, { url: server.url + namespace }, { transports, ...parser.options, ...options })
      return { server, socket }
    }
    const named = (fact) => `${parser.name} over ${transports.join(' and ')}: ${fact}`

    test(named('values come back as they were'), async (t) => {
      const { socket } = await open(t)
      const values = [null, true, -1.5, 2 ** 40, 'é😀', [], { a: { b: [1, 'x'] } }, '', 'x'.repeat(70_000)]
      assert.deepEqual(await socket.timeout(5000).emitWithAck('echo', ...values), values[0])
      const back = once(socket, 'back')
      socket.emit('back', { all: values })
      assert.deepEqual(await back, { all: values })
    })

    test(named('bytes come back as they were, nested and several'), async (t) => {
      const { socket } = await open(t)
      const value = { first: Buffer.from([0, 255, 128]), list: [{ second: Buffer.alloc(5000, 7) }], text: 'between' }
      const back = new Promise((resolve) => socket.once('back', (...all) => resolve(all)))
      socket.emit('back', value, 'second', Buffer.from('third'))
      const [got, second, third] = await back
      assert.deepEqual(Buffer.from(got.first), value.first)
      assert.deepEqual(Buffer.from(got.list[0].second), value.list[0].second)
      assert.deepEqual([got.text, second, Buffer.from(third).toString()], ['between', 'second', 'third'])
      assert.deepEqual(Buffer.from(await socket.timeout(5000).emitWithAck('echo', Buffer.from('ack'))).toString(), 'ack')
    })

    test(named('the server asks and is answered, or waits in vain'), async (t) => {
      const { socket } = await open(t)
      assert.equal(await socket.timeout(5000).emitWithAck('ask me', 1), 'operation has timed out')
      socket.on('question', (question, answer) => answer({ question, bytes: Buffer.from('b') }))
      const reply = await socket.timeout(5000).emitWithAck('ask me', 2)
      assert.deepEqual([reply.question, Buffer.from(reply.bytes).toString()], [2, 'b'])
    })

    test(named('namespaces share a connection, and rooms are in one of them'), async (t) => {
      const { server, socket: one } = await open(t, { forceNew: false }, '/chat')
      const two = socketOf(t, { url: `${server.url}/room-7` }, { transports, ...parser.options })
      const three = socketOf(t, { url: `${server.url}/chat` }, { transports, ...parser.options })
      await Promise.all([one, two, three].map((socket) => socket.timeout(5000).emitWithAck('join', 'r')))
      const stray = []
      two.on('said', (text) => stray.push(text))
      const said = once(three, 'said')
      await one.timeout(5000).emitWithAck('say', 'r', 'hello')
      assert.equal(await said, 'hello')
      await two.timeout(5000).emitWithAck('echo', 1)
      assert.deepEqual(stray, [])
    })

    test(named('a refusal has message and data, an unknown namespace a message'), async (t) => {
      const { server, socket } = await open(t, { query: { deny: 1 } })
      const refused = await once(socket, 'connect_error')
      assert.deepEqual([refused.message, refused.data], ['not you', { code: 7 }])
      const nowhere = socketOf(t, { url: `${server.url}/nowhere` }, { transports, ...parser.options })
      assert.equal((await once(nowhere, 'connect_error')).message, 'Invalid namespace')
    })

    test(named('the client learns why it is gone, and comes back after a crash'), async (t) => {
      const { server, socket } = await open(t, { auth: { token: 'x' } })
      assert.deepEqual(await socket.timeout(5000).emitWithAck('auth'), { token: 'x' })
      const first = once(socket, 'disconnect')
      socket.emit('leave', false)
      assert.equal(await first, 'io server disconnect')
      socket.connect()
      await settled(socket)
      const second = once(socket, 'disconnect')
      await server.kill()
      assert.match(await second, /^transport (close|error)$/)
      await server.start()
      await connected(socket)
      assert.equal(await socket.timeout(5000).emitWithAck('echo', 'again'), 'again')
    })
  }
}
