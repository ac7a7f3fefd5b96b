// What the front end of the well-known Feathers chat does, call by call: plain JavaScript over the client bundle, the
// services `users`, `messages` and `authentication`, signing in by email.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { io } from 'socket.io-client'
import { once, settled } from './clients.mjs'
import { startServer, test } from './server.mjs'

const feathers = createRequire(import.meta.url)('@feathersjs/client')

/** $CHAT_BACKEND, or what `make interop` builds. */
function command() {
  if (process.env.CHAT_BACKEND) return process.env.CHAT_BACKEND
  const built = fileURLToPath(new URL('../../target/quick/feathers-chat', import.meta.url))
  if (!existsSync(built)) throw new Error('no chat: run `make interop`, or set CHAT_BACKEND to a command')
  return `"${built}"`
}

const startChat = (t) => startServer(t, 'chat', command())

/** One browser: its page may be reloaded, its storage stays. */
function browser(t, server) {
  const kept = new Map()
  const storage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key)
  }
  return {
    kept,
    load() {
      const socket = io(server.url, { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 100 })
      t.after(() => socket.disconnect())
      const client = feathers()
      client.configure(feathers.socketio(socket))
      client.configure(feathers.authentication({ storage }))
      return client
    }
  }
}

/** As its page begins: whoever has been here before need not sign in. */
async function login(client, credentials) {
  if (!credentials) return client.reAuthenticate()
  return client.authenticate({ strategy: 'local', ...credentials })
}

async function signup(client, credentials) {
  await client.service('users').create(credentials)
  return login(client, credentials)
}

/** As its page shows the chat: the newest messages, and who there is. */
async function showChat(client) {
  const messages = await client.service('messages').find({ query: { $sort: { createdAt: -1 }, $limit: 25 } })
  const users = await client.service('users').find()
  return { messages: messages.data.reverse().map(({ text, user }) => [user.email, text]), users: users.data.map(({ email }) => email) }
}

const DEMO = { email: 'demo@chat.example', password: 'demo password' }
const ANN = { email: 'ann@chat.example', password: 'correct horse' }
const BEN = { email: 'ben@chat.example', password: 'battery staple' }

test('the_pages_of_a_feathers_chat_find_all_they_ask_for', async (t) => {
  const server = await startChat(t)
  const [anns, bens] = [browser(t, server), browser(t, server)]
  const ann = anns.load()
  await assert.rejects(login(ann), { name: 'NotAuthenticated', message: 'No accessToken found in storage' })
  const { user, accessToken } = await signup(ann, ANN)
  assert.equal(user.email, ANN.email)
  assert.equal(user.password, undefined)
  assert.equal(anns.kept.get('feathers-jwt'), accessToken)
  assert.deepEqual(await showChat(ann), { messages: [], users: [DEMO.email, ANN.email] })

  const came = once(ann.service('users'), 'created')
  const ben = bens.load()
  await signup(ben, BEN)
  assert.equal((await came).email, BEN.email)
  assert.equal((await came).password, undefined)

  const heard = [once(ann.service('messages'), 'created'), once(ben.service('messages'), 'created')]
  const sent = await ben.service('messages').create({ text: 'Hello Ann' })
  assert.deepEqual(await Promise.all(heard), [sent, sent])
  assert.deepEqual([sent.text, sent.user.email, sent.user.password], ['Hello Ann', BEN.email, undefined])
  for (const field of ['userId', 'createdAt']) {
    const message = `Invalid data: '${field}' is written by the server alone`
    await assert.rejects(ann.service('messages').create({ text: 'I am Ben', [field]: 1 }), { name: 'BadRequest', message })
  }
  await ann.service('messages').create({ text: 'Hello Ben' })
  assert.deepEqual((await showChat(ben)).messages, [[BEN.email, 'Hello Ann'], [ANN.email, 'Hello Ben']])

  const reloaded = anns.load()
  ann.io.disconnect()
  assert.equal((await login(reloaded)).user.email, ANN.email)
  assert.equal((await showChat(reloaded)).messages.length, 2)
  const [older] = (await reloaded.service('messages').find({ query: { $sort: { createdAt: -1 }, $limit: 1, $skip: 1 } })).data
  assert.equal(older.text, 'Hello Ann')

  await reloaded.logout()
  assert.equal(anns.kept.size, 0)
  const silence = []
  reloaded.service('messages').on('created', (message) => silence.push(message))
  await ben.service('messages').create({ text: 'Are you still there?' })
  await assert.rejects(showChat(reloaded), { name: 'NotAuthenticated', code: 401 })
  assert.deepEqual(silence, [])
})

test('the_pages_of_a_feathers_chat_are_told_what_is_wrong', async (t) => {
  const server = await startChat(t)
  const ann = browser(t, server).load()
  await assert.rejects(ann.service('messages').find(), { name: 'NotAuthenticated', message: 'Not authenticated' })
  await assert.rejects(login(ann, ANN), { name: 'NotAuthenticated', message: 'Invalid login' })
  await signup(ann, ANN)
  await assert.rejects(signup(browser(t, server).load(), ANN), { name: 'Conflict', code: 409 })
  await assert.rejects(login(ann, { ...ANN, password: 'wrong' }), { name: 'NotAuthenticated', message: 'Invalid login' })
  // The client has forgotten its token over that, as it does with Feathers; the connection is still Ann's.
  await login(ann, ANN)
  for (const [path, method, ...args] of [['users', 'patch', 1, { email: 'x' }], ['messages', 'remove', 1]]) {
    await assert.rejects(ann.service(path)[method](...args), { name: 'MethodNotAllowed' })
  }
})

test('a_member_of_a_feathers_chat_is_still_one_when_the_server_is_back', async (t) => {
  const server = await startChat(t)
  const demo = browser(t, server).load()
  await login(demo, DEMO)
  await demo.service('messages').create({ text: 'Before' })
  await settled(demo.io)
  const gone = once(demo.io, 'disconnect')
  await server.kill()
  await gone
  const call = demo.service('messages').find({ query: { $limit: 1 } })
  await server.start()
  assert.equal((await call).limit, 1)
  const heard = once(demo.service('messages'), 'created')
  await demo.service('messages').create({ text: 'After' })
  assert.deepEqual([(await heard).text, (await heard).user.email], ['After', DEMO.email])
})
