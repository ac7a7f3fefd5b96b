// Services over REST, through the client that Feathers has for it, with each of the libraries that it takes.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { feathers } from '@feathersjs/feathers'
import authentication from '@feathersjs/authentication-client'
import rest from '@feathersjs/rest-client'
import axios from 'axios'
import superagent from 'superagent'
import { appOf, connected, once } from './clients.mjs'
import { startServer, test } from './server.mjs'

const LIBRARIES = {
  fetch: (connection) => connection.fetch(fetch),
  axios: (connection) => connection.axios(axios),
  superagent: (connection) => connection.superagent(superagent)
}

for (const [library, using] of Object.entries(LIBRARIES)) {
  describe(`@feathersjs/rest-client with ${library}`, () => {
    const clientOf = (server) => {
      const connection = using(rest(server.url))
      const app = feathers().configure(connection).configure(authentication())
      app.use('tools', connection.service('tools'), { methods: ['find', 'reverse'] })
      return app
    }
    const start = async (t) => clientOf(await startServer(t))

    test('all_methods_answer_what_they_answer_over_sockets', async (t) => {
      const messages = (await start(t)).service('messages')
      assert.deepEqual((await messages.find({ query: { text: { $in: ['one', 'two'] } } })).length, 2)
      assert.deepEqual(await messages.get(1, { query: { $select: ['text'] } }), { text: 'one', id: 1 })
      assert.deepEqual(await messages.create([{ text: 'a' }, { text: 'b' }]), [{ text: 'a', id: 4 }, { text: 'b', id: 5 }])
      assert.deepEqual(await messages.update(4, { text: 'c' }), { text: 'c', id: 4 })
      assert.deepEqual(await messages.patch(4, { n: 1 }), { text: 'c', n: 1, id: 4 })
      assert.deepEqual(await messages.patch(null, { n: 2 }, { query: { text: 'b' } }), [{ text: 'b', n: 2, id: 5 }])
      assert.deepEqual(await messages.remove(5), { text: 'b', n: 2, id: 5 })
      assert.deepEqual(await messages.remove(null, { query: { text: { $in: ['c', 'one'] } } }).then(({ length }) => length), 2)
    })

    test('ids_with_slashes_spaces_and_letters_arrive_as_they_are', async (t) => {
      const echo = (await start(t)).service('echo')
      for (const id of ['a/b', 'a b', '\u00e9', '100%', '?x=1']) assert.deepEqual((await echo.get(id)).args, [id])
    })

    test('long_lists_in_a_query_are_lists', async (t) => {
      const echo = (await start(t)).service('echo')
      const $in = Array.from({ length: 100 }, (_, n) => `${n}`)
      assert.deepEqual((await echo.find({ query: { id: { $in } } })).query, { id: { $in } })
    })

    test('methods_of_a_service_s_own_can_be_called', async (t) => {
      assert.equal(await (await start(t)).service('tools').reverse({ text: 'abc' }).then(JSON.stringify), '{"text":"cba"}')
    })

    test('errors_are_of_their_class', async (t) => {
      const app = await start(t)
      await assert.rejects(app.service('messages').get(99), { name: 'NotFound', code: 404, className: 'not-found' })
      await assert.rejects(app.service('errors').get('data'), { name: 'BadRequest', data: { field: 'text', n: 1 } })
      await assert.rejects(app.service('nowhere').find(), { name: 'NotFound' })
    })

    test('a_login_holds_for_the_calls_after_it', async (t) => {
      const app = await start(t)
      await assert.rejects(app.service('secure').find(), { name: 'NotAuthenticated' })
      const { user } = await app.authenticate({ strategy: 'local', email: 'ann@example.com', password: 'secret1' })
      assert.equal(user.name, 'Ann')
      await app.service('secure').find()
      await app.logout()
      await assert.rejects(app.service('secure').find(), { name: 'NotAuthenticated' })
    })

    test('what_is_made_over_rest_is_heard_over_sockets', async (t) => {
      const server = await startServer(t)
      const listener = appOf(t, server)
      await connected(listener.io)
      const heard = once(listener.service('messages'), 'created')
      await clientOf(server).service('messages').create({ text: 'hello' })
      assert.equal((await heard).text, 'hello')
    })
  })
}
