// The authentication clients: logging in, staying so, and what becomes of a login that ends.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'
import authentication from '@feathersjs/authentication-client'
import { CLIENTS, appOf, connected, once, settled, socketOf } from './clients.mjs'
import { startServer, test } from './server.mjs'

const bundle = createRequire(import.meta.url)('@feathersjs/client')
const BOTH = CLIENTS.map((client, at) => ({ ...client, authentication: at ? bundle.authentication : authentication }))
const ANN = { strategy: 'local', email: 'ann@example.com', password: 'secret1' }
const BOB = { strategy: 'local', email: 'bob@example.com', password: 'secret2' }
const KEY = 'feathers-jwt'

/** What a page keeps from visit to visit. */
function storage() {
  const kept = new Map()
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key)
  }
}

function client(t, server, { client = BOTH[0], kept = storage(), ...options } = {}) {
  const app = appOf(t, server, { client, transports: ['websocket'], ...options })
  return app.configure(client.authentication({ storage: kept }))
}

/** A token of the fixture (FIXTURE.md, section 6) with other claims. */
function token(change = {}, secret = 'golden-fixture-secret') {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iat: 1700000000, exp: 4102444800, aud: 'https://yourdomain.com', iss: 'feathers', sub: '1', ...change }
  const message = `${encode({ alg: 'HS256', typ: 'access' })}.${encode(claims)}`
  return `${message}.${createHmac('sha256', secret).update(message).digest('base64url')}`
}

const who = async (app) => (await app.service('secure').find()).user.name
const refused = (message) => ({ name: 'NotAuthenticated', code: 401, message })

for (const each of BOTH) {
  test(`a_client_logs_in_and_out (${each.name})`, async (t) => {
    const kept = storage()
    const app = client(t, await startServer(t), { client: each, kept })
    const events = []
    for (const name of ['login', 'authenticated', 'logout']) app.on(name, () => events.push(name))
    const result = await app.authenticate(ANN)
    assert.deepEqual(result.user, { id: 1, email: 'ann@example.com', name: 'Ann' })
    assert.equal(result.authentication.strategy, 'local')
    assert.equal(kept.kept.get(KEY), result.accessToken)
    assert.equal(await who(app), 'Ann')
    assert.equal((await app.reAuthenticate()).accessToken, result.accessToken)

    assert.equal((await app.logout()).user.name, 'Ann')
    assert.equal(kept.kept.size, 0)
    await assert.rejects(app.service('secure').find(), refused('Not authenticated'))
    assert.equal(await app.logout(), null, 'logging out twice is no error')
    assert.deepEqual(events, ['login', 'authenticated', 'logout'])
  })

  test(`a_wrong_password_is_an_error_of_its_class_and_keeps_nothing (${each.name})`, async (t) => {
    const kept = storage()
    const app = client(t, await startServer(t), { client: each, kept })
    const error = await app.authenticate({ ...ANN, password: 'nope' }).catch((error) => error)
    assert.ok(error instanceof each.errors.NotAuthenticated)
    assert.equal(error.message, 'Invalid login')
    assert.equal(kept.kept.size, 0)
    await app.authenticate(ANN)
    assert.equal(await who(app), 'Ann')
  })
}

test('a_failed_login_leaves_the_connection_as_it_was', async (t) => {
  const app = client(t, await startServer(t))
  await app.authenticate(ANN)
  const attempt = app.service('authentication').create({ ...BOB, password: 'nope' })
  await assert.rejects(attempt, refused('Invalid login'))
  assert.equal(await who(app), 'Ann')
})

test('a_stored_token_logs_in_after_a_reload', async (t) => {
  const [server, kept] = [await startServer(t), storage()]
  const first = client(t, server, { kept })
  await first.authenticate(ANN)
  first.io.disconnect()
  const second = client(t, server, { kept })
  const result = await second.reAuthenticate()
  assert.equal(result.authentication.strategy, 'jwt')
  assert.equal(result.user.name, 'Ann')
  assert.equal(await who(second), 'Ann')
})

test('without_a_stored_token_nothing_is_sent', async (t) => {
  const app = client(t, await startServer(t))
  await assert.rejects(app.reAuthenticate(), refused('No accessToken found in storage'))
  await assert.rejects(app.service('secure').find(), refused('Not authenticated'))
})

for (const [name, change, secret, message] of [
  ['expired', { exp: 1700000100 }, undefined, 'jwt expired'],
  ['forged', {}, 'another-secret', 'invalid signature'],
  ['foreign', { aud: 'https://other.example' }, undefined, 'jwt audience invalid. expected: https://yourdomain.com'],
  ['orphaned', { sub: '99' }, undefined, "No record found for id '99'"]
]) {
  test(`a_stored_token_that_is_${name}_is_refused_and_forgotten`, async (t) => {
    const kept = storage()
    kept.setItem(KEY, token(change, secret))
    const app = client(t, await startServer(t), { kept })
    const error = await app.reAuthenticate().catch((error) => error)
    assert.equal(error.message, message)
    assert.equal(error.code, 401)
    if (name === 'expired') assert.equal(error.data.expiredAt, '2023-11-14T22:15:00.000Z')
    assert.equal(kept.kept.size, 0, 'the client would send it again and again')
  })
}

test('calls_during_a_login_wait_for_it_and_are_those_of_the_user', async (t) => {
  const app = client(t, await startServer(t))
  const login = app.authenticate(ANN)
  const calls = [who(app), who(app), app.service('notes').create({ text: 'mine' })]
  await login
  const [one, two, note] = await Promise.all(calls)
  assert.deepEqual([one, two, note.text], ['Ann', 'Ann', 'mine'])
})

test('calls_during_a_login_that_fails_fail_with_it', async (t) => {
  const app = client(t, await startServer(t))
  const login = app.authenticate({ ...ANN, password: 'nope' })
  const call = app.service('messages').find()
  await assert.rejects(login, refused('Invalid login'))
  await assert.rejects(call, refused('Invalid login'))
  assert.equal((await app.service('messages').find()).length, 3)
})

for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
  test(`a_client_that_finds_its_server_again_logs_in_by_itself (${transports})`, async (t) => {
    const server = await startServer(t)
    const app = client(t, server, { transports })
    await app.authenticate(ANN)
    await settled(app.io)
    const gone = once(app.io, 'disconnect')
    await server.kill()
    await gone
    // Made while nobody listens: held back until the client is logged in again.
    const call = who(app)
    await server.start()
    assert.equal(await call, 'Ann')
  })
}

test('a_login_belongs_to_one_connection', async (t) => {
  const server = await startServer(t)
  const [ann, nobody] = [client(t, server), client(t, server)]
  await ann.authenticate(ANN)
  await assert.rejects(nobody.service('secure').find(), refused('Not authenticated'))
  const heard = []
  nobody.service('notes').on('created', (note) => heard.push(note))
  const created = once(ann.service('notes'), 'created')
  await ann.service('notes').create({ text: 'for members' })
  assert.equal((await created).text, 'for members')
  // An event that everybody hears comes after it, so the note would have come.
  const last = once(nobody.service('messages'), 'created')
  await ann.service('messages').create({ text: 'for all' })
  await last
  assert.deepEqual(heard, [])
})

test('who_has_logged_out_hears_no_more', async (t) => {
  const server = await startServer(t)
  const [ann, bob] = [client(t, server), client(t, server)]
  await Promise.all([ann.authenticate(ANN), bob.authenticate(BOB)])
  const heard = []
  ann.service('notes').on('created', (note) => heard.push(note))
  await ann.logout()
  await bob.service('notes').create({ text: 'without Ann' })
  await ann.service('messages').find()
  assert.deepEqual(heard, [])
})

test('at_the_end_of_its_token_the_client_is_disconnected_and_may_log_in_anew', async (t) => {
  const kept = storage()
  const app = client(t, await startServer(t, 'auth-1s'), { kept })
  const gone = once(app.io, 'disconnect')
  // As soon as it is back the client logs in by itself, and leaves it to nobody to hear that this has failed.
  const again = app.authentication.reAuthenticate.bind(app.authentication)
  const refusal = new Promise((resolve) => {
    app.authentication.reAuthenticate = (...args) => again(...args).catch(resolve)
  })
  await app.authenticate(ANN)
  const back = once(app.io, 'connect')
  assert.equal(await gone, 'io server disconnect')
  app.io.connect()
  await back
  assert.equal((await refusal).message, 'jwt expired')
  await app.authenticate(ANN)
})

for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']]) {
  test(`the_headers_of_the_handshake_log_in_or_refuse (${transports})`, async (t) => {
    const server = await startServer(t)
    const connect = (extraHeaders) => appOf(t, server, { transports, extraHeaders })
    const ann = connect({ Authorization: `Bearer ${token()}` })
    assert.equal(await who(ann), 'Ann')
    assert.equal(await who(connect({ 'X-API-Key': 'key-user-1' })), 'Ann')

    const bad = connect({ Authorization: `Bearer ${token({}, 'another-secret')}` })
    const error = await once(bad.io, 'connect_error')
    assert.deepEqual([error.message, error.data], ['invalid signature', { name: 'JsonWebTokenError' }])
    assert.equal(bad.io.connected, false)
  })
}

test('an_upgrade_takes_the_login_along_and_gives_none', async (t) => {
  const server = await startServer(t)
  for (const [headers, name] of [[{ Authorization: `Bearer ${token()}` }, 'Ann'], [{}, null]]) {
    // Node sends these with the first requests only: the upgrade comes with the headers of another user.
    const transportOptions = {
      polling: { extraHeaders: headers },
      websocket: { extraHeaders: { Authorization: `Bearer ${token({ sub: '2' })}` } }
    }
    const socket = socketOf(t, server, { transports: ['polling', 'websocket'], transportOptions })
    const upgraded = new Promise((resolve) => socket.io.engine.once('upgrade', resolve))
    await connected(socket)
    await upgraded
    const [error, found] = await new Promise((resolve) => socket.emit('find', 'secure', {}, (...answer) => resolve(answer)))
    assert.equal(found?.user.name ?? null, name, error?.message)
  }
})

test('odd_credentials_are_refused_and_harm_nothing', async (t) => {
  const app = client(t, await startServer(t))
  const attempts = [
    null, [], 'text', 7, {}, { strategy: null }, { strategy: 'oauth' }, { strategy: { $ne: 1 } }, { strategy: 'local' },
    { ...ANN, email: { $ne: null } }, { ...ANN, password: { $ne: null } }, { ...ANN, email: ['ann@example.com'] },
    { strategy: 'jwt' }, { strategy: 'jwt', accessToken: {} }, { strategy: 'jwt', accessToken: 'a.b.c' },
    { strategy: 'jwt', accessToken: 'x'.repeat(100_000) }, { strategy: 'apiKey', key: 'toString' }, { strategy: '__proto__' }
  ]
  for (const attempt of attempts) {
    const error = await app.service('authentication').create(attempt).catch((error) => error)
    assert.equal(error.code, 401, JSON.stringify(attempt))
    assert.equal(error.stack.includes('node_modules/bcryptjs'), false)
  }
  await assert.rejects(app.service('secure').find(), refused('Not authenticated'))
  await app.authenticate(ANN)
})

test('who_guesses_too_often_has_to_wait', async (t) => {
  const app = client(t, await startServer(t))
  const guesses = Array.from({ length: 40 }, () => app.service('authentication').create({ ...ANN, password: 'nope' }))
  const codes = (await Promise.allSettled(guesses)).map(({ reason }) => reason.code)
  assert.deepEqual([...new Set(codes)].sort(), [401, 429])
  assert.equal((await app.authenticate(BOB)).user.name, 'Bob', 'others can log in')
})
