// Every method of a service, through both Feathers clients.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { appOf, CLIENTS } from './clients.mjs'
import { startServer, test } from './server.mjs'

const ids = (records) => records.map(({ id }) => id)

for (const client of CLIENTS) {
  describe(client.name, () => {
    const start = async (t) => appOf(t, await startServer(t), { client })

    test('find_answers_the_records_that_match', async (t) => {
      const messages = (await start(t)).service('messages')
      assert.equal((await messages.find()).length, 3)
      const of = async (query) => ids(await messages.find({ query }))
      assert.deepEqual(await of({ userId: 1 }), [1, 3])
      assert.deepEqual(await of({ n: { $gt: 10, $lte: 30 } }), [2, 3])
      assert.deepEqual(await of({ n: { $lt: 20 } }), [1])
      assert.deepEqual(await of({ n: { $gte: 30 } }), [3])
      assert.deepEqual(await of({ text: { $in: ['one', 'two'] } }), [1, 2])
      assert.deepEqual(await of({ text: { $nin: ['one', 'two'] } }), [3])
      assert.deepEqual(await of({ read: { $ne: false } }), [2])
      assert.deepEqual(await of({ $or: [{ n: 10 }, { read: true }] }), [1, 2])
      assert.deepEqual(await of({ $and: [{ userId: 1 }, { n: 30 }] }), [3])
      assert.deepEqual(await of({ $sort: { n: -1 }, $limit: 2, $skip: 1 }), [2, 1])
      assert.deepEqual(await of({ text: 'none' }), [])
      assert.deepEqual(await messages.find({ query: { id: 1, $select: ['text'] } }), [{ text: 'one', id: 1 }])
    })

    test('a_paginated_service_answers_pages', async (t) => {
      const paged = (await start(t)).service('paged')
      const page = async (query) => {
        const { data, ...rest } = await paged.find({ query })
        return { ...rest, ids: ids(data) }
      }
      assert.deepEqual(await page({}), { total: 5, limit: 2, skip: 0, ids: [1, 2] })
      assert.deepEqual(await page({ $skip: 4 }), { total: 5, limit: 2, skip: 4, ids: [5] })
      assert.deepEqual(await page({ $limit: 100 }), { total: 5, limit: 3, skip: 0, ids: [1, 2, 3] })
      assert.deepEqual(await page({ $limit: 0 }), { total: 5, limit: 0, skip: 0, ids: [] })
      assert.deepEqual(await page({ n: { $lt: 4 }, $sort: { n: 1 } }), { total: 3, limit: 2, skip: 0, ids: [5, 4] })
    })

    test('get_finds_a_record_by_number_and_by_text', async (t) => {
      const messages = (await start(t)).service('messages')
      assert.deepEqual(await messages.get(2), { id: 2, text: 'two', userId: 2, read: true, n: 20 })
      assert.equal((await messages.get('2')).id, 2)
      await assert.rejects(messages.get(99), { name: 'NotFound', code: 404, message: "No record found for id '99'" })
    })

    test('create_answers_the_record_with_its_id', async (t) => {
      const messages = (await start(t)).service('messages')
      assert.deepEqual(await messages.create({ text: 'new' }), { id: 4, text: 'new' })
      assert.deepEqual(await messages.get(4), { id: 4, text: 'new' })
    })

    test('create_takes_a_list_where_multi_is_on', async (t) => {
      const app = await start(t)
      const made = await app.service('messages').create([{ text: 'a' }, { text: 'b' }])
      assert.deepEqual(made, [{ id: 4, text: 'a' }, { id: 5, text: 'b' }])
      assert.deepEqual(await app.service('messages').create([]), [])
      await assert.rejects(app.service('paged').create([{ text: 'a' }]), { name: 'MethodNotAllowed', code: 405 })
    })

    test('update_replaces_and_patch_merges', async (t) => {
      const messages = (await start(t)).service('messages')
      assert.deepEqual(await messages.patch(1, { text: 'ONE' }), { id: 1, text: 'ONE', userId: 1, read: false, n: 10 })
      assert.deepEqual(await messages.update(1, { text: 'bare' }), { id: 1, text: 'bare' })
      assert.deepEqual(await messages.get(1), { id: 1, text: 'bare' })
      await assert.rejects(messages.update(null, { text: 'all' }), { name: 'BadRequest', code: 400 })
      await assert.rejects(messages.update(99, { text: 'none' }), { name: 'NotFound', code: 404 })
      await assert.rejects(messages.patch(99, { text: 'none' }), { name: 'NotFound', code: 404 })
    })

    test('a_null_id_patches_and_removes_what_the_query_selects', async (t) => {
      const app = await start(t)
      const messages = app.service('messages')
      const patched = await messages.patch(null, { read: true }, { query: { userId: 1 } })
      assert.deepEqual(patched.map(({ id, read }) => [id, read]), [[1, true], [3, true]])
      assert.deepEqual(ids(await messages.remove(null, { query: { userId: 1 } })), [1, 3])
      assert.deepEqual(ids(await messages.find()), [2])
      assert.deepEqual(await messages.remove(null, { query: { userId: 1 } }), [])
      await assert.rejects(app.service('paged').remove(null), { name: 'MethodNotAllowed', code: 405 })
      await assert.rejects(app.service('paged').patch(null, {}), { name: 'MethodNotAllowed', code: 405 })
    })

    test('remove_answers_the_record_that_is_gone', async (t) => {
      const messages = (await start(t)).service('messages')
      assert.equal((await messages.remove(3)).text, 'three')
      await assert.rejects(messages.remove(3), { name: 'NotFound', code: 404 })
    })

    test('only_the_query_travels_beside_id_and_data', async (t) => {
      const echo = (await start(t)).service('echo')
      const query = { a: 1, nested: { list: [null, true, 'x'] } }
      const { args, keys, ...rest } = await echo.update(5, { x: 1 }, { query, user: { admin: true }, provider: undefined })
      assert.deepEqual(rest.query, query)
      assert.deepEqual(args, [5, { x: 1 }])
      assert.equal(rest.provider, 'socketio')
      assert.deepEqual(keys, ['connection', 'headers', 'provider', 'query', 'route'])
    })

    test('custom_methods_take_data_and_a_query', async (t) => {
      const app = await start(t)
      const tools = app.service('tools')
      assert.deepEqual(await tools.reverse({ text: 'abc' }), { text: 'cba' })
      assert.deepEqual(await tools.batch({ items: [1, 2] }), [1, 2])
      const echoed = await app.service('echo').shout({ loud: true }, { query: { q: 1 } })
      assert.deepEqual([echoed.method, echoed.args, echoed.query], ['shout', [{ loud: true }], { q: 1 }])
      await assert.rejects(tools.fail({}), { name: 'BadRequest', message: 'Tool failed', data: { tool: 'hammer' } })
    })

    test('placeholders_of_a_path_become_the_route', async (t) => {
      const app = await start(t)
      const route = { userId: 2 }
      const found = await app.service('users/:userId/messages').find({ route, query: { a: 'b' } })
      assert.deepEqual(found, [{ userId: '2', route: { userId: '2' }, query: { a: 'b' } }])
      assert.deepEqual(await app.service('users/7/messages').get('x'), { id: 'x', userId: '7', route: { userId: '7' } })
      const made = await app.service('users/:userId/messages').create({ text: 'hi' }, { route: { userId: 'ann' } })
      assert.deepEqual(made, { text: 'hi', userId: 'ann' })
    })

    test('nested_paths_are_found_with_and_without_outer_slashes', async (t) => {
      const app = await start(t)
      await app.service('my/messages').create({ text: 'mine' })
      assert.deepEqual(await app.service('/my/messages/').find(), [{ id: 1, text: 'mine' }])
    })

    test('what_a_service_does_not_offer_is_refused', async (t) => {
      const app = await start(t)
      await assert.rejects(app.service('readonly').create({}), {
        name: 'MethodNotAllowed',
        code: 405,
        message: "Method 'create' not allowed on service 'readonly'"
      })
      await assert.rejects(app.service('nope').find(), { name: 'NotFound', message: "Service 'nope' not found" })
    })

    test('calls_in_flight_are_answered_each_with_its_own', async (t) => {
      const tools = (await start(t)).service('tools')
      const asked = Array.from({ length: 200 }, (_, n) => n)
      const answers = await Promise.all(asked.map((n) => (n % 2 ? tools.get(n) : tools.create({ n }))))
      assert.deepEqual(answers, asked.map((n) => (n % 2 ? { id: n } : { made: { n } })))
    })

    test('services_come_and_go_while_the_server_runs', async (t) => {
      const server = await startServer(t)
      const app = appOf(t, server, { client })
      await assert.rejects(app.service('late').find(), { name: 'NotFound' })
      await server.step("app.use('late', service with find -> 'late' and custom method zap, methods ['find','zap'])")
      assert.equal(await app.service('late').find(), 'late')
      assert.equal((await app.service('readonly').find()).length, 1)
      await server.step("app.unuse('readonly')")
      await assert.rejects(app.service('readonly').find(), { name: 'NotFound' })
    })
  })
}
