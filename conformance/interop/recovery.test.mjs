// Connection state recovery: a client that was away hears what it missed, once and in order, or is told that it does not.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { connected, once, settled, socketOf } from './clients.mjs'
import { startProxy } from './proxy.mjs'
import { startServer, test } from './server.mjs'

const feathers = createRequire(import.meta.url)('@feathersjs/client')

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

/** $RECOVERY, or what `make interop` builds. */
function wingbeat() {
  if (process.env.RECOVERY) return process.env.RECOVERY
  const built = here('../../target/quick/recovery')
  if (!existsSync(built)) throw new Error('no server: run `make interop`, or set RECOVERY to a command')
  return `"${built}"`
}

const SERVERS = { wingbeat, node: () => `node "${here('recovery-server.mjs')}"` }
const TRANSPORTS = { websocket: ['websocket'], polling: ['polling'], upgrade: ['polling', 'websocket'] }

const TICK = 'ticks created'
const AUTHENTICATION = ['authentication', { strategy: 'local', email: 'ann@example.com', password: 'secret' }, {}]
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Collects the numbers of `secrets`; `until` waits for one. */
function secretsOf(emitter, name) {
  const secrets = []
  const waiting = new Set()
  emitter.on(name, ({ n }) => {
    secrets.push(n)
    for (const check of waiting) check()
  })
  const until = (last) => new Promise((resolve) => {
    const check = () => secrets.includes(last) && resolve(waiting.delete(check))
    waiting.add(check)
    check()
  })
  return { secrets, until }
}

/** All that the server answers: an error or null, and the result. */
const call = (socket, ...args) => new Promise((resolve) => socket.emit(...args, (...all) => resolve(all)))

/** A server, with a network before it. */
async function start(t, { on = 'wingbeat', state = 'base' } = {}) {
  const server = await startServer(t, state, SERVERS[on]())
  return { server, proxy: await startProxy(t, server) }
}

/** A client through the network; `ticks` are the numbers that it has heard. */
function clientOf(t, proxy, options = {}) {
  const socket = socketOf(t, { url: proxy.url }, { transports: ['websocket'], reconnectionDelayMax: 40, ...options })
  const ticks = []
  socket.on(TICK, ({ n }) => ticks.push(n))
  /** Waits for an event with this number. */
  const until = (last) =>
    new Promise((resolve) => {
      const check = () => ticks.includes(last) && (socket.off(TICK, check), resolve())
      socket.on(TICK, check)
      check()
    })
  return { socket, ticks, until }
}

/** A client that is connected and has heard an event, so that it has an offset. */
async function settledClient(t, { server, proxy }, options) {
  const client = clientOf(t, proxy, options)
  await settled(client.socket)
  await server.step('publish 1 1')
  await client.until(1)
  return client
}

/** The client is away while `meanwhile` happens; whether it was recovered. */
async function away(proxy, socket, meanwhile, { how = 'destroyed' } = {}) {
  const gone = once(socket, 'disconnect')
  if (how === 'closed') {
    socket.io.engine.close()
    await gone
    proxy.refuse()
  } else {
    proxy.cut()
    await gone
  }
  await meanwhile()
  const back = once(socket, 'connect')
  proxy.restore()
  await back
  return socket.recovered === true
}

/** What the server answers to a CONNECT with this pid and offset. */
async function answered(t, proxy, pid, offset) {
  const { socket, ticks, until } = clientOf(t, proxy, { autoConnect: false })
  Object.assign(socket, { _pid: pid, _lastOffset: offset })
  socket.on('connect_error', (error) => assert.fail(error))
  socket.connect()
  await once(socket, 'connect')
  return { socket, ticks, until, recovered: socket.recovered === true }
}

for (const on of ['wingbeat', 'node']) {
  for (const how of ['closed', 'destroyed']) {
    for (const [name, transports] of Object.entries(TRANSPORTS)) {
      // Node notices the loss of a client on polling by its silence alone, and remembers it from then on.
      if (on === 'node' && name === 'polling') continue
      test(`what_was_published_while_away_comes_once_and_in_order (${on}, ${how}, ${name})`, async (t) => {
        const network = await start(t, { on })
        const { server, proxy } = network
        const { socket, ticks, until } = await settledClient(t, network, { transports })
        const { id } = socket
        for (let round = 0; round < 3; round++) {
          const first = ticks.length + 1
          assert.equal(await away(proxy, socket, () => server.step(`publish ${first} 5`), { how }), true)
          assert.equal(socket.id, id)
          await settled(socket)
          await server.step(`publish ${first + 5} 1`)
          await until(first + 5)
          assert.deepEqual(ticks, Array.from({ length: first + 5 }, (_, i) => i + 1))
        }
      })
    }
  }

  test(`who_was_away_too_long_is_told (${on})`, async (t) => {
    const network = await start(t, { on, state: 'short' })
    const { server, proxy } = network
    const { socket, ticks, until } = await settledClient(t, network)
    assert.equal(await away(proxy, socket, async () => { await server.step('publish 2 1'); await pause(1500) }), false)
    await server.step('publish 3 1')
    await until(3)
    assert.deepEqual(ticks, [1, 3])
  })

  test(`a_server_that_was_restarted_recovers_nothing (${on})`, async (t) => {
    const network = await start(t, { on })
    const { server, proxy } = network
    const { socket, ticks, until } = await settledClient(t, network)
    const restart = async () => {
      await server.kill()
      await server.start()
    }
    assert.equal(await away(proxy, socket, restart), false)
    await server.step('publish 2 1')
    await until(2)
    assert.deepEqual(ticks, [1, 2])
    // From there on it is as any other.
    assert.equal(await away(proxy, socket, () => server.step('publish 3 2')), true)
    await until(4)
    assert.deepEqual(ticks, [1, 2, 3, 4])
  })

  test(`pids_that_are_forged_cut_or_of_others_begin_a_new_session (${on})`, async (t) => {
    const network = await start(t, { on })
    const { server, proxy } = network
    const { socket } = await settledClient(t, network)
    const { _pid: pid, _lastOffset: offset } = socket
    const other = await start(t, { on })
    const { socket: foreign } = await settledClient(t, other)
    const flipped = (at) => pid.slice(0, at) + (pid[at] === 'A' ? 'B' : 'A') + pid.slice(at + 1)
    const wrong = [
      ['', offset], ['A', offset], [pid.slice(0, -1), offset], [`${pid}A`, offset], [flipped(0), offset],
      [flipped(pid.length >> 1), offset], [foreign._pid, offset], [foreign._pid, foreign._lastOffset],
      ['x'.repeat(10_000), offset], ['\u0000é', offset], [7, offset], [{}, offset], [[pid], offset]
    ]
    for (const [sent, from] of wrong) {
      const { socket: stranger, recovered } = await answered(t, proxy, sent, from)
      assert.equal(recovered, false, JSON.stringify(sent))
      assert.notEqual(stranger.id, socket.id)
      stranger.disconnect()
    }
    await server.step('publish 2 1')
    assert.equal(socket.connected, true)
  })

  test(`offsets_that_are_none_recover_nothing (${on})`, async (t) => {
    const network = await start(t, { on })
    const { server, proxy } = network
    for (const offset of ['', 'hello', '-', '0-', `z-${'z'.repeat(500)}`, 7, {}]) {
      const { socket } = await settledClient(t, network)
      const { _pid: pid, id } = socket
      proxy.cut()
      await once(socket, 'disconnect')
      socket.disconnect()
      proxy.restore()
      const { socket: stranger, recovered, ticks } = await answered(t, proxy, pid, offset)
      assert.equal(recovered, false, JSON.stringify(offset))
      assert.notEqual(stranger.id, id)
      assert.deepEqual(ticks, [])
      stranger.disconnect()
    }
    await server.step('publish 2 1')
  })
}

test('a_quiet_client_that_has_heard_nothing_yet_is_recovered', async (t) => {
  const { server, proxy } = await start(t)
  const { socket, ticks, until } = clientOf(t, proxy)
  await connected(socket)
  // Nothing at all, and then something.
  assert.equal(await away(proxy, socket, async () => {}), true)
  assert.equal(await away(proxy, socket, () => server.step('publish 1 2')), true)
  await until(2)
  assert.deepEqual(ticks, [1, 2])
})

test('an_offset_of_an_earlier_session_repeats_nothing', async (t) => {
  const network = await start(t, { state: 'short' })
  const { server, proxy } = network
  const { socket, ticks, until } = await settledClient(t, network)
  assert.equal(await away(proxy, socket, async () => { await server.step('publish 2 1'); await pause(1500) }), false)
  // socket.io-client has kept the offset, and has heard nothing in the new session.
  assert.ok(socket._lastOffset)
  assert.equal(await away(proxy, socket, () => server.step('publish 3 1')), true)
  await until(3)
  assert.deepEqual(ticks, [1, 3])
})

test('who_was_taken_out_of_a_channel_while_away_hears_what_came_before_and_nothing_after', async (t) => {
  const network = await start(t)
  const { server, proxy } = network
  const { socket, ticks, until } = await settledClient(t, network, { extraHeaders: { 'x-name': 'ann' } })
  const { ticks: others, until: othersUntil } = await settledClient(t, network, { extraHeaders: { 'x-name': 'bob' } })
  ticks.length = others.length = 0
  const meanwhile = async () => {
    await server.step('publish 2 1')
    await server.step('leave ann')
    await server.step('publish 3 1')
  }
  // The proxy cuts both.
  assert.equal(await away(proxy, socket, meanwhile), true)
  await othersUntil(3)
  await until(2)
  assert.deepEqual(others, [2, 3])
  assert.ok(!ticks.includes(3), 'it was published after the kick')
})

test('who_was_logged_out_while_away_hears_nothing_protected', async (t) => {
  const network = await start(t)
  const { server, proxy } = network
  const { socket, until } = await settledClient(t, network)
  const { secrets, until: heard } = secretsOf(socket, 'secrets created')
  await call(socket, 'create', ...AUTHENTICATION)
  await server.step('secret 1')
  await heard(1)
  const meanwhile = async () => {
    await server.step('secret 2')
    await server.step('logout 1')
    await server.step('secret 3')
  }
  await away(proxy, socket, meanwhile)
  await server.step('secret 4')
  await server.step('publish 9 1')
  await until(9)
  assert.ok(!secrets.includes(3) && !secrets.includes(4), `after the logout: ${secrets}`)
  const [error] = await call(socket, 'find', 'secrets', {})
  assert.equal(error?.code, 401)
})

test('a_token_that_ends_while_its_client_is_away_gives_nothing_back', async (t) => {
  const network = await start(t, { state: 'brief' })
  const { server, proxy } = network
  const { socket, until } = await settledClient(t, network)
  const { secrets, until: heard } = secretsOf(socket, 'secrets created')
  const [, { authentication }] = await call(socket, 'create', ...AUTHENTICATION)
  await server.step('secret 1')
  await heard(1)
  await away(proxy, socket, async () => {
    await pause(authentication.payload.exp * 1000 + 100 - Date.now())
    await server.step('secret 2')
  })
  await server.step('publish 9 1')
  await until(9)
  assert.deepEqual(secrets, [1])
  const [error] = await call(socket, 'find', 'secrets', {})
  assert.equal(error?.code, 401)
})

test('feathers_clients_log_in_again_and_hear_what_they_missed', async (t) => {
  const { server, proxy } = await start(t)
  const { socket } = clientOf(t, proxy)
  const app = feathers().configure(feathers.socketio(socket)).configure(feathers.authentication())
  await app.authenticate(AUTHENTICATION[1])
  // The offset is one more argument of its listeners, which do not look at it.
  const { secrets, until: heard } = secretsOf(app.service('secrets'), 'created')
  await server.step('secret 1')
  await heard(1)
  for (const n of [2, 4]) {
    assert.equal(await away(proxy, socket, () => server.step(`secret ${n}`)), true)
    assert.equal((await app.service('secrets').find()).length, n)
    await server.step(`secret ${n + 1}`)
    await heard(n + 1)
  }
  assert.deepEqual(secrets, [1, 2, 3, 4, 5])
})

for (const [how, options] of Object.entries({ query: { query: { recovery: '0' } }, offer: { extraHeaders: { 'x-no-recovery': '1' } } })) {
  test(`who_is_offered_no_recovery_hears_events_without_offsets (${how})`, async (t) => {
    const { server, proxy } = await start(t)
    const { socket } = clientOf(t, proxy, options)
    await connected(socket)
    assert.equal(socket._pid, undefined)
    const heard = new Promise((resolve) => socket.on(TICK, (...all) => resolve(all)))
    await server.step('publish 1 1')
    assert.deepEqual((await heard).map(({ n }) => n), [1])
    const echoed = new Promise((resolve) => socket.on('x', (...all) => resolve(all)))
    await socket.emitWithAck('echo', 'text')
    assert.deepEqual(await echoed, ['text'])
    assert.equal(await away(proxy, socket, async () => {}), false)
  })
}

test('raw_listeners_get_their_arguments_and_a_text_is_no_offset', async (t) => {
  const network = await start(t)
  const { server, proxy } = network
  const { socket, ticks, until } = await settledClient(t, network)
  const offset = socket._lastOffset
  for (const sent of [['text'], [], ['a', 'b'], [1], [{ a: 'x' }], [null]]) {
    const echoed = new Promise((resolve) => socket.once('x', (...all) => resolve(all)))
    await socket.emitWithAck('echo', ...sent)
    const all = await echoed
    assert.deepEqual(all.slice(0, sent.length), sent)
    assert.ok(all.length <= sent.length + 1 && (all[sent.length] ?? null) === null, JSON.stringify(all))
    assert.equal(socket._lastOffset, offset)
  }
  assert.equal(await away(proxy, socket, () => server.step('publish 2 1')), true)
  await until(2)
  assert.deepEqual(ticks, [1, 2])
})

test('a_client_that_missed_more_than_is_kept_is_told', async (t) => {
  const network = await start(t, { state: 'small' })
  const { server, proxy } = network
  const { socket, ticks, until } = await settledClient(t, network)
  assert.equal(await away(proxy, socket, () => server.step('publish 2 200')), false)
  await server.step('publish 500 1')
  await until(500)
  assert.deepEqual(ticks, [1, 500])
})

test('of_two_tabs_with_one_pid_one_goes_on', async (t) => {
  const network = await start(t)
  const { server, proxy } = network
  const { socket } = await settledClient(t, network)
  const { _pid: pid, _lastOffset: offset } = socket
  proxy.cut()
  await once(socket, 'disconnect')
  // The first tab is gone for good; two others have copied its storage.
  socket.disconnect()
  await server.step('publish 2 1')
  proxy.restore()
  const tabs = [await answered(t, proxy, pid, offset)]
  assert.equal(tabs[0].recovered, true)
  let connects = 1
  tabs[0].socket.on('connect', () => connects++)
  tabs.push(await answered(t, proxy, pid, offset))
  tabs[1].socket.on('connect', () => connects++)
  // They must not take it from each other for ever: long enough for several returns.
  await pause(500)
  assert.ok(connects <= 3, `${connects} connections`)
  const goesOn = tabs.filter(({ socket: { connected, _pid } }) => connected && _pid === pid)
  assert.equal(goesOn.length, 1, 'the other is told')
  await server.step('publish 3 1')
  await goesOn[0].until(3)
  assert.deepEqual(goesOn[0].ticks, [2, 3])
})

const CUTS = Number(process.env.RECOVERY_CUTS ?? 300)

test(`cut_at_any_byte_nothing_is_lost_unsaid_doubled_or_out_of_order (${CUTS} cuts)`, { timeout: 60_000 + CUTS * 1000 }, async (t) => {
  const { server, proxy } = await start(t)
  const clients = Object.values(TRANSPORTS).map((transports) => clientOf(t, proxy, {
    transports, reconnectionDelay: 1, reconnectionDelayMax: 10, timeout: 1000, extraHeaders: { connection: 'close' }
  }))
  const logs = clients.map(({ socket }) => {
    const log = { last: 0, told: true, faults: [], recovered: 0, anew: 0 }
    socket.on('connect', () => {
      if (socket.recovered) log.recovered++
      else (log.anew++, log.told = true)
    })
    socket.on(TICK, ({ n }) => {
      // A gap has to be told, once; nothing comes again.
      if (n <= log.last || (n > log.last + 1 && !log.told)) log.faults.push([log.last, n, log.recovered, log.anew])
      log.last = n
      log.told = false
    })
    return log
  })
  proxy.limit = () => Math.floor(Math.random() * 6000)
  let n = 1
  while (proxy.cuts < CUTS) {
    await server.step(`publish ${n} 3`)
    n += 3
    await pause(5)
  }
  proxy.limit = () => Infinity
  proxy.cut()
  proxy.restore()
  await Promise.all(clients.map(({ socket }) => connected(socket)))
  await server.step(`publish ${n} 1`)
  await Promise.all(clients.map(({ until }) => until(n)))
  for (const { faults } of logs) assert.deepEqual(faults, [])
  t.diagnostic(`${n} events, ${logs.map(({ recovered, anew }) => `${recovered} recovered, ${anew} anew`).join('; ')}`)
})

// pip install "python-socketio[asyncio-client]"
const hasPython = spawnSync('python3', ['-c', 'import socketio, aiohttp']).status === 0

test('python_socketio_hears_events_by_its_way_out', { skip: !hasPython && 'python-socketio is missing' }, async (t) => {
  const { server, proxy } = await start(t)
  const python = spawn('python3', [here('recovery.py'), proxy.url], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => python.kill())
  let said = ''
  const line = (text) => new Promise((resolve) => {
    const check = () => said.includes(`${text}\n`) && resolve()
    python.stdout.on('data', check)
    check()
  })
  python.stdout.setEncoding('utf8').on('data', (text) => { said += text })
  await line('connected')
  await server.step('publish 1 1')
  await line('tick 1')
  proxy.cut()
  await line('disconnected')
  proxy.restore()
  await line('connected again')
  await server.step('publish 2 1')
  await line('tick 2')
})
