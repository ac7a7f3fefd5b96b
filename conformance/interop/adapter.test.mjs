// The suite that Feathers holds its database adapters to (@feathersjs/adapter-tests), over sockets and over REST: the
// bundled client against the stores of `adapters`.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { io } from 'socket.io-client'
import { startServer } from './server.mjs'

const require = createRequire(import.meta.url)
// The suite is written for mocha, whose words node:test has as well.
Object.assign(globalThis, { after, afterEach, before, beforeEach, describe, it })
const adapterTests = require('@feathersjs/adapter-tests')
const feathers = require('@feathersjs/client')

/** What no client can ask: these look into the service object, or call its methods upon another. */
const NOT_FOR_CLIENTS = new Set([
  // They read members of the object.
  '.options',
  '.events',
  // The methods without hooks, which only the server has: `App::bare` here, unseen by clients.
  '._get',
  '._find',
  '._create',
  '._update',
  '._patch',
  '._remove',
  // The methods are called with another `this`.
  'internal .find',
  'internal .get',
  'internal .create',
  'internal .update',
  'internal .patch',
  'internal .remove'
])

/** The names of all tests of the suite, as it lists them itself. */
function namesOfTheSuite() {
  const names = []
  const source = ['basic', 'methods', 'syntax'].map((part) => require.resolve(`@feathersjs/adapter-tests/lib/${part}`))
  const kept = { describe: globalThis.describe, it: globalThis.it }
  const hooks = { after, afterEach, before, beforeEach }
  // Only the outline is run: each test says its name.
  Object.assign(globalThis, { describe: (_, body) => body.call({}), it: () => {} })
  for (const hook of Object.keys(hooks)) globalThis[hook] = () => {}
  for (const part of source) require(part).default((name) => names.push(name), {}, {}, 'x', 'id')
  Object.assign(globalThis, kept, hooks)
  return names
}

/** $ADAPTERS, or what `make interop` builds. */
function command() {
  if (process.env.ADAPTERS) return process.env.ADAPTERS
  const built = fileURLToPath(new URL('../../target/quick/adapters', import.meta.url))
  if (!existsSync(built)) throw new Error('no stores: run `make interop`, or set ADAPTERS to a command')
  return `"${built}"`
}

/** Where the params stand among the arguments of each method. */
const PARAMS = { find: 0, get: 1, create: 1, update: 2, patch: 2, remove: 1 }

/** A service as the suite wants it: it sets options, and passes params, that are the server's. Each call brings them. */
function withOptions(service, write = (options) => options) {
  const object = { id: 'id', options: { multi: false, paginate: {} } }
  for (const [method, at] of Object.entries(PARAMS)) {
    object[method] = (...args) => {
      const { query, paginate = object.options.paginate, adapter } = args[at] ?? {}
      const pages = paginate === false || Object.keys(paginate ?? {}).length > 0 ? { paginate } : {}
      const $adapter = write({ multi: object.options.multi ?? false, ...pages, ...adapter })
      return service[method](...Array.from({ length: at }, (_, i) => args[i]), { query: { ...query, $adapter } })
    }
  }
  return object
}

const services = {}
const stores = ['memory', 'sqlite']
// `scripts/postgres.sh` and `scripts/mariadb.sh` set these.
if (process.env.POSTGRES_URL) stores.push('postgres')
if (process.env.MARIADB_URL) stores.push('mariadb')
const stopping = []

before(async () => {
  const server = await startServer({ after: (stop) => stopping.push(stop) }, 'adapters', command())
  const socket = io(server.url, { forceNew: true })
  stopping.unshift(() => socket.disconnect())
  const client = feathers().configure(feathers.socketio(socket))
  const rest = feathers().configure(feathers.rest(server.url).fetch(fetch))
  for (const path of stores) {
    services[path] = withOptions(client.service(path))
    services[`${path} over REST`] = withOptions(rest.service(path), JSON.stringify)
  }
})

after(async () => {
  for (const stop of stopping) await stop()
})

const names = namesOfTheSuite()
const suite = adapterTests(names.filter((name) => !NOT_FOR_CLIENTS.has(name)))
for (const path of stores) {
  suite({ service: (name) => services[name] }, feathers.errors, path)
  suite({ service: (name) => services[name] }, feathers.errors, `${path} over REST`)
}

it('the_suite_has_the_tests_that_are_left_out', () => {
  assert.deepEqual([...NOT_FOR_CLIENTS].filter((name) => !names.includes(name)), [])
  assert.ok(names.length > 70, `${names.length}`)
})
