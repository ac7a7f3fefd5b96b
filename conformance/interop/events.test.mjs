// Who hears what, through both Feathers clients.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { CLIENTS, connected, connectedApps, eventually, heard, listen, once, appOf } from './clients.mjs'
import { startServer, test } from './server.mjs'

for (const client of CLIENTS) {
  describe(client.name, () => {
    const start = async (t, count) => connectedApps(t, await startServer(t), count, { client })

    test('other_connections_hear_created_updated_patched_and_removed', async (t) => {
      const [writer, reader] = await start(t, 2)
      const theirs = listen(reader.service('messages'), 'created', 'updated', 'patched', 'removed')
      const own = listen(writer.service('messages'), 'created', 'updated', 'patched', 'removed')
      const messages = writer.service('messages')
      await messages.create({ text: 'a' })
      await messages.update(4, { text: 'b' })
      await messages.patch(4, { extra: true })
      await messages.remove(4)
      const expected = [
        ['created', { id: 4, text: 'a' }],
        ['updated', { id: 4, text: 'b' }],
        ['patched', { id: 4, text: 'b', extra: true }],
        ['removed', { id: 4, text: 'b', extra: true }]
      ]
      assert.deepEqual(own.seen, expected)
      await theirs.until((_data, seen) => seen.length === expected.length)
      assert.deepEqual(theirs.seen, expected)
    })

    test('the_caller_hears_its_event_before_its_answer', async (t) => {
      const [app] = await start(t, 1)
      const { seen } = listen(app.service('messages'), 'created')
      for (let n = 1; n <= 20; n++) {
        await app.service('messages').create({ n })
        assert.equal(seen.length, n)
      }
    })

    test('a_batch_is_one_event_for_each_record', async (t) => {
      const [writer, reader] = await start(t, 2)
      const created = heard(reader.service('messages'), 'created', 2)
      const patched = heard(reader.service('messages'), 'patched', 3)
      const removed = heard(reader.service('messages'), 'removed', 3)
      const messages = writer.service('messages')
      await messages.create([{ text: 'a' }, { text: 'b' }])
      await messages.patch(null, { read: true }, { query: { n: { $gt: 0 } } })
      await messages.remove(null, { query: { n: { $gt: 0 } } })
      assert.deepEqual((await created).map(({ text }) => text), ['a', 'b'])
      assert.deepEqual((await patched).map(({ id, read }) => [id, read]), [[1, true], [2, true], [3, true]])
      assert.deepEqual((await removed).map(({ id }) => id), [1, 2, 3])
    })

    test('reading_and_failing_emit_nothing', async (t) => {
      const [writer, reader] = await start(t, 2)
      const { seen, until } = listen(reader.service('messages'), 'created', 'updated', 'patched', 'removed')
      const messages = writer.service('messages')
      await messages.find()
      await messages.get(1)
      await messages.create([])
      await assert.rejects(messages.patch(99, {}))
      await assert.rejects(messages.update(null, {}))
      await messages.create({ last: true })
      await until(({ last }) => last)
      assert.deepEqual(seen, [['created', { id: 4, last: true }]])
    })

    test('custom_events_come_before_the_answer_of_their_method', async (t) => {
      const [caller, other] = await start(t, 2)
      const { seen } = listen(caller.service('tools'), 'progress')
      const theirs = heard(other.service('tools'), 'progress', 2)
      await caller.service('tools').reverse({ text: 'abc' })
      assert.deepEqual(seen, [['progress', { step: 1, of: 2 }], ['progress', { step: 2, of: 2 }]])
      assert.deepEqual(await theirs, [{ step: 1, of: 2 }, { step: 2, of: 2 }])
    })

    test('an_event_that_a_service_emits_itself_is_left_to_it', async (t) => {
      const [app] = await start(t, 1)
      const created = once(app.service('own'), 'created')
      assert.deepEqual(await app.service('own').create({ a: 1 }), { returned: true, a: 1 })
      assert.deepEqual(await created, { own: true, a: 1 })
    })

    test('events_of_a_placeholder_path_carry_the_path_as_registered', async (t) => {
      const [writer, reader] = await start(t, 2)
      const created = once(reader.service('users/:userId/messages'), 'created')
      await writer.service('users/:userId/messages').create({ text: 'hi' }, { route: { userId: 2 } })
      assert.deepEqual(await created, { text: 'hi', userId: '2' })
    })

    test('a_room_reaches_those_who_joined_it', async (t) => {
      const [ann, bob, eve] = await start(t, 3)
      assert.deepEqual(await ann.service('rooms').join({ id: 7 }), { joined: 7, size: 1 })
      assert.deepEqual(await bob.service('rooms').join({ id: 7 }), { joined: 7, size: 2 })
      assert.deepEqual(await eve.service('rooms').join({ id: 8 }), { joined: 8, size: 1 })
      const [anns, bobs, eves] = [ann, bob, eve].map((app) => listen(app.service('chat'), 'created'))
      await ann.service('chat').create([{ roomId: 7, text: 'to 7' }, { roomId: 8, text: 'to 8' }])
      assert.deepEqual(await bob.service('rooms').leave({ id: 7 }), { left: 7, size: 1 })
      await ann.service('chat').create([{ roomId: 7, text: 'last' }, { roomId: 8, text: 'last' }])
      await Promise.all([anns, eves].map(({ until }) => until(({ text }) => text === 'last')))
      const texts = ({ seen }) => seen.map(([, { text }]) => text)
      assert.deepEqual([texts(anns), texts(eves)], [['to 7', 'last'], ['to 8', 'last']])
      await bob.service('rooms').find()
      assert.deepEqual(texts(bobs), ['to 7'])
    })

    test('who_disconnects_leaves_the_rooms', async (t) => {
      const [ann, bob] = await start(t, 2)
      await bob.service('rooms').join({ id: 7 })
      assert.ok((await ann.service('rooms').find()).includes('rooms/7'))
      bob.io.disconnect()
      await eventually(() => ann.service('rooms').find(), (names) => !names.includes('rooms/7'))
    })

    test('hooks_silence_and_rename_events', async (t) => {
      const [writer, reader] = await start(t, 2)
      const { seen, until } = listen(reader.service('hooked'), 'created', 'updated', 'patched')
      const hooked = writer.service('hooked')
      await hooked.create({ quiet: true })
      await hooked.create({ rename: true })
      assert.deepEqual(await hooked.create({ dispatch: true }), { id: 1, safe: true })
      await hooked.patch(9, { last: true })
      await until(({ last }) => last)
      assert.deepEqual(seen, [
        ['updated', { id: 1, rename: true }],
        ['created', { id: 1, safe: true }],
        ['patched', { id: 9, last: true }]
      ])
    })

    test('listeners_are_removed_by_off_and_once', async (t) => {
      const [app] = await start(t, 1)
      const messages = app.service('messages')
      const calls = []
      const listener = () => calls.push('on')
      messages.on('created', listener)
      messages.once('created', () => calls.push('once'))
      await messages.create({})
      await messages.create({})
      messages.off('created', listener)
      await messages.create({})
      assert.deepEqual(calls, ['on', 'once', 'on'])
    })

    test('calls_from_inside_the_server_reach_everybody', async (t) => {
      const server = await startServer(t)
      const apps = await connectedApps(t, server, 5, { client })
      const created = apps.map((app) => once(app.service('messages'), 'created'))
      await server.step("service('messages').create({text:'internal'})")
      for (const event of created) assert.deepEqual(await event, { id: 4, text: 'internal' })
    })

    test('a_caller_that_is_cut_off_before_the_publication_is_published_nevertheless', async (t) => {
      const server = await startServer(t)
      const [reader] = await connectedApps(t, server, 1, { client })
      const writer = appOf(t, server, { client, transports: ['websocket'], reconnection: false })
      await connected(writer.io)
      const created = once(reader.service('slowpub'), 'created')
      // The publisher waits, so the answer comes first.
      await writer.service('slowpub').create({ text: 'farewell' })
      writer.io.io.engine.transport.ws.terminate()
      assert.equal((await created).text, 'farewell')
    })

    test('a_caller_that_leaves_between_write_and_publication_is_published_nevertheless', async (t) => {
      const server = await startServer(t)
      const [reader] = await connectedApps(t, server, 1, { client })
      const writer = appOf(t, server, { client, transports: ['websocket'], reconnection: false })
      await connected(writer.io)
      const created = once(reader.service('slowpub'), 'created')
      writer.io.emit('create', 'slowpub', { text: 'in passing' }, {})
      await eventually(() => reader.service('slowpub').find(), (found) => found.length === 1)
      writer.io.disconnect()
      assert.equal((await created).text, 'in passing')
    })
  })
}
