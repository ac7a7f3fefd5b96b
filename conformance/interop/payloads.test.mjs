// What messages may hold: much, and anything.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { appOf, connected, connectedApps, once } from './clients.mjs'
import { startServer, test } from './server.mjs'

const HALF_MEGABYTE = 500_000
const TRANSPORTS = { polling: ['polling'], websocket: ['websocket'] }

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  describe(name, () => {
    test('half_a_megabyte_goes_both_ways_and_to_others', async (t) => {
      const [writer, reader] = await connectedApps(t, await startServer(t), 2, { transports })
      // Not of one letter: a mistake in the order of fragments shows.
      const text = Array.from({ length: HALF_MEGABYTE / 10 }, (_, n) => String(n).padStart(10, '.')).join('')
      const created = once(reader.service('messages'), 'created')
      const answer = await writer.service('messages').create({ text })
      assert.ok(answer.text === text)
      assert.ok((await created).text === text)
      assert.ok((await reader.service('messages').get(4)).text === text)
    })

    test('large_and_small_messages_keep_their_order', async (t) => {
      const [writer, reader] = await connectedApps(t, await startServer(t), 2, { transports })
      const sizes = [200_000, 1, 126, 65_536, 0, 125, 65_535, 127, 300_000, 2]
      const heardSizes = []
      const all = new Promise((resolve) => {
        reader.service('messages').on('created', ({ text }) => {
          if (heardSizes.push(text.length) === sizes.length) resolve()
        })
      })
      const made = await Promise.all(sizes.map((size) => writer.service('messages').create({ text: 'x'.repeat(size) })))
      await all
      assert.deepEqual(made.map(({ text }) => text.length), sizes)
      assert.deepEqual(heardSizes, sizes)
    })

    test('odd_text_of_the_server_arrives_as_it_was', async (t) => {
      const [reader] = await connectedApps(t, await startServer(t), 1, { transports })
      const { s } = await reader.service('specials').get('unicode')
      assert.deepEqual([...s].map((char) => char.codePointAt(0)), [0x68, 0xe9, 0x20, 0x2028, 0x20, 0x1f600, 0x20, 0, 0x20, 0xd800])
    })

    test('any_text_arrives_as_it_was', async (t) => {
      const [writer, reader] = await connectedApps(t, await startServer(t), 2, { transports })
      const texts = [
        'grüße, 世界, مرحبا, 😀👩‍👩‍👧‍👦',
        '\u0000\u0001\u001e\u001f\u007f\u0080',
        'line\nbreak\r\n\u2028\u2029\ttab',
        '"quotes" \\backslash\\ /slash/ </script>',
        'e\u0301 is not \u00e9',
        '\ufeffbom, \uffff, \u{10ffff}',
        '{"_placeholder":true,"num":0}',
        ''
      ]
      for (const text of texts) {
        const created = once(reader.service('messages'), 'created')
        assert.equal((await writer.service('messages').create({ text, [text]: text })).text, text)
        assert.deepEqual(Object.values(await created).filter((value) => value === text).length, 2)
      }
    })

    test('any_json_arrives_as_it_was', async (t) => {
      const [app] = await connectedApps(t, await startServer(t), 1, { transports })
      const values = [null, true, false, 0, -1.5, 1e21, 5e-324, 2 ** 53, '', [], {}, [[[]]], { a: { b: [null, {}] } }]
      for (const value of values) assert.deepEqual(await app.service('tools').create(value), { made: value })
      const deep = JSON.parse('['.repeat(100) + ']'.repeat(100))
      assert.deepEqual(await app.service('tools').create(deep), { made: deep })
      const at = new Date(0)
      assert.deepEqual(await app.service('tools').create({ at, gone: undefined }), { made: { at: at.toISOString() } })
      const keys = JSON.parse('{"__proto__":{"x":1},"constructor":2,"toString":3}')
      assert.equal(JSON.stringify((await app.service('tools').create(keys)).made), JSON.stringify(keys))
    })
  })
}

test('too_large_a_message_ends_its_connection_and_no_other', async (t) => {
  const server = await startServer(t)
  const [sender, other] = await connectedApps(t, server, 2, { transports: ['websocket'] })
  const gone = once(sender.io, 'disconnect')
  sender.service('messages').create({ text: 'x'.repeat(1_000_001) }).catch(() => {})
  assert.equal(await gone, 'transport close')
  await connected(sender.io)
  assert.equal((await sender.service('messages').find()).length, 3)
  assert.equal((await other.service('messages').find()).length, 3)
})

test('a_message_just_within_the_limit_passes', async (t) => {
  const [app] = await connectedApps(t, await startServer(t), 1, { transports: ['websocket'] })
  // The frame: 420["create","tools",{"text":"…"},{}]
  const text = 'x'.repeat(1_000_000 - '420["create","tools",{"text":""},{}]'.length)
  assert.equal((await app.service('tools').create({ text })).made.text.length, text.length)
})

test('a_paused_reader_gets_everything_when_it_reads_again', async (t) => {
  const server = await startServer(t)
  const [writer] = await connectedApps(t, server, 1, { transports: ['websocket'] })
  const reader = appOf(t, server, { transports: ['websocket'] })
  await connected(reader.io)
  const received = []
  const all = new Promise((resolve) => {
    reader.service('messages').on('created', ({ n }) => {
      if (received.push(n) === 100) resolve()
    })
  })
  const { ws } = reader.io.io.engine.transport
  ws.pause()
  const text = 'x'.repeat(1000)
  for (let n = 0; n < 100; n++) await writer.service('messages').create({ n, text })
  ws.resume()
  await all
  assert.deepEqual(received, Array.from({ length: 100 }, (_, n) => n))
})
