// Errors arrive as instances of their class, with everything that a client may know.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { appOf, CLIENTS, socketOf } from './clients.mjs'
import { startServer, test } from './server.mjs'

const CLASSES = [
  ['BadRequest', 400, 'bad-request'],
  ['NotAuthenticated', 401, 'not-authenticated'],
  ['PaymentError', 402, 'payment-error'],
  ['Forbidden', 403, 'forbidden'],
  ['NotFound', 404, 'not-found'],
  ['MethodNotAllowed', 405, 'method-not-allowed'],
  ['NotAcceptable', 406, 'not-acceptable'],
  ['Timeout', 408, 'timeout'],
  ['Conflict', 409, 'conflict'],
  ['Gone', 410, 'gone'],
  ['LengthRequired', 411, 'length-required'],
  ['Unprocessable', 422, 'unprocessable'],
  ['TooManyRequests', 429, 'too-many-requests'],
  ['GeneralError', 500, 'general-error'],
  ['NotImplemented', 501, 'not-implemented'],
  ['BadGateway', 502, 'bad-gateway'],
  ['Unavailable', 503, 'unavailable']
]

for (const client of CLIENTS) {
  describe(client.name, () => {
    const rejection = (promise) => promise.then(() => assert.fail('the call succeeded'), (error) => error)

    test('all_seventeen_classes_arrive_as_themselves', async (t) => {
      const app = appOf(t, await startServer(t), { client })
      for (const [name, code, className] of CLASSES) {
        const error = await rejection(app.service('errors').get(code))
        const { message } = error
        const told = { name: error.name, code: error.code, className: error.className, message }
        assert.deepEqual(told, { name, code, className, message: `error ${code}` })
        // The client's own table lacks the name Gone; it makes a plain error of it.
        const Class = name === 'Gone' ? Error : client.errors[name]
        assert.ok(error instanceof Class, `${name} is a ${error.constructor.name}`)
      }
    })

    test('data_and_errors_arrive_beside_the_message', async (t) => {
      const app = appOf(t, await startServer(t), { client })
      const of = async (id) => {
        const { name, message, data, errors } = await rejection(app.service('errors').get(id))
        return { name, message, data, errors }
      }
      assert.deepEqual(await of('data'), {
        name: 'BadRequest',
        message: 'with data',
        data: { field: 'text', n: 1 },
        errors: undefined
      })
      assert.deepEqual(await of('errors'), {
        name: 'BadRequest',
        message: 'with errors',
        data: { note: 'kept' },
        errors: { text: 'is required' }
      })
      assert.deepEqual((await of('arraydata')).data, [{ a: 1 }, { b: 2 }])
      assert.deepEqual((await of('nulldata')).data, { a: null })
      assert.deepEqual((await of('validation')).errors, [
        { instancePath: '/text', keyword: 'type', message: 'must be string' }
      ])
    })

    test('an_id_without_an_error_and_a_service_that_implements_nothing', async (t) => {
      const app = appOf(t, await startServer(t), { client })
      assert.deepEqual(await app.service('errors').get('fine'), { id: 'fine', ok: true })
      await assert.rejects(app.service('errors').find(), { name: 'NotImplemented', message: 'no listing' })
    })

    test('hooks_stop_swallow_and_transform', async (t) => {
      const app = appOf(t, await startServer(t), { client })
      const hooked = app.service('hooked')
      await assert.rejects(hooked.get('boom'), { name: 'GeneralError', message: 'boom' })
      await assert.rejects(hooked.get('throw-before'), { name: 'Forbidden', message: 'stopped before' })
      await assert.rejects(hooked.get('throw-after'), { name: 'Conflict', message: 'stopped after' })
      await assert.rejects(hooked.get('transform'), { message: 'transformed', data: { was: 'GeneralError' } })
      assert.deepEqual(await hooked.get('swallow'), { swallowed: true, code: 500, type: 'error' })
      assert.deepEqual(await hooked.get('preset'), { preset: true })
      assert.deepEqual(await hooked.get('rewrite'), { id: 'rewritten', from: 'method' })
    })

    test('a_missing_id_is_refused_by_the_client_itself', async (t) => {
      const app = appOf(t, await startServer(t), { client })
      await assert.rejects(app.service('messages').get(undefined), { name: 'BadRequest', code: 400 })
      await assert.rejects(app.service('messages').remove(''), { name: 'BadRequest', code: 400 })
    })
  })
}

test('an_error_on_the_wire_has_only_what_a_client_may_know', async (t) => {
  const socket = socketOf(t, await startServer(t))
  for (const [name, code, className] of CLASSES) {
    const error = await socket.emitWithAck('get', 'errors', code, {})
    assert.deepEqual(error, { name, message: `error ${code}`, code, className })
  }
})
