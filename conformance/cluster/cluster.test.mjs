// Three nodes and a broker while all of them fail, one after the other. Nobody may miss anything unsaid, hear anything twice or
// out of order. CLUSTER_CLIENTS=1000 for more clients, CLUSTER_SECONDS=30 for longer pauses between the faults.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Events } from './events.mjs'
import { startFront } from './front.mjs'
import { Listener } from './listeners.mjs'
import { startBroker, startNode } from './processes.mjs'

const CLIENTS = Number(process.env.CLUSTER_CLIENTS ?? 60)
const SECONDS = Number(process.env.CLUSTER_SECONDS ?? 3)
const ROOMS = Array.from({ length: 20 }, (_, at) => `r${at}`)
const TRANSPORTS = [['websocket'], ['polling', 'websocket'], ['polling']]
const later = (seconds) => pause(seconds * 1000)

/** What goes wrong, and how it ends. */
const FAULTS = {
  'clients lose their connections for a moment': async ({ fronts }) => fronts.forEach((front) => front.cut()),
  'a node is killed': async ({ nodes: [node], events }) => {
    events.wasKilled(node.letters)
    await node.end('SIGKILL')
    await later(SECONDS)
    await node.start()
  },
  'a node ends in order, and comes back': async ({ nodes: [, node] }) => {
    await node.end('SIGTERM')
    await later(1)
    await node.start()
  },
  'a node loses the broker': async ({ nodes: [, , node] }) => {
    node.link.cut()
    await later(SECONDS)
    node.link.restore()
  },
  'the broker is killed, and comes back': async ({ broker }) => {
    await broker.end('SIGKILL')
    await later(SECONDS)
    await broker.start()
  },
  'the broker stands still': async ({ broker }) => {
    broker.signal('SIGSTOP')
    await later(SECONDS + 6)
    broker.signal('SIGCONT')
  },
  'a node stands still': async ({ nodes: [node] }) => {
    node.signal('SIGSTOP')
    await later(SECONDS)
    node.signal('SIGCONT')
  },
}

for (const kind of ['redis', 'nats']) {
  test(`nobody misses anything unsaid while nodes and ${kind} fail`, { timeout: 300_000 + CLIENTS * 500 }, async (t) => {
    const broker = await startBroker(t, kind)
    const nodes = []
    for (const letters of ['n1', 'n2', 'n3']) nodes.push(await startNode(t, broker, letters))
    const fronts = await Promise.all(nodes.map((_, first) => startFront(t, nodes, first)))
    const events = new Events(ROOMS)
    const listeners = Array.from({ length: CLIENTS }, (_, at) => {
      const rooms = [0, 7, 13].map((step) => ROOMS[(at + step) % ROOMS.length])
      return new Listener(`client ${at}`, fronts[at % 3].url, rooms, TRANSPORTS[Math.floor(at / 3) % 3], events)
    })
    t.after(() => listeners.forEach(({ socket }) => socket.disconnect()))
    await until('all are connected', () => listeners.every(({ socket }) => socket.connected))
    const creating = nodes.map((node) => events.run(node, 10))
    for (const [name, fault] of Object.entries(FAULTS)) {
      await later(SECONDS)
      const before = listeners.map(({ heard }) => heard)
      await fault({ broker, nodes, fronts, events })
      // Afterwards everybody hears something again.
      await until(`${name}: all are back`, () => listeners.every(({ socket, heard }, at) => socket.connected && heard > before[at]))
      const count = (what) => listeners.reduce((sum, listener) => sum + listener[what], 0)
      t.diagnostic(`${name}: ${events.created} events, ${count('heard')} heard, ${count('recovered')} recovered, ${count('anew')} anew`)
    }
    // Those that may have missed something are told within some ten seconds.
    await later(12)
    await events.stop()
    await Promise.all(creating)
    await until('all are connected', () => listeners.every(({ socket }) => socket.connected))
    const ends = await events.last(nodes)
    await until(
      'all have heard the last events',
      () => listeners.every((listener) => listener.isUpToDate(ends)),
      () => JSON.stringify(listeners.map((listener) => [listener.name, listener.missing(ends)]).filter(([, missing]) => missing.length)),
    )
    assert.deepEqual(listeners.flatMap(({ violations }) => violations), [])
    // Losses of connections alone are recovered.
    assert.ok(listeners.reduce((sum, { recovered }) => sum + recovered, 0) >= CLIENTS / 2)
  })
}

async function until(what, isSo, else_ = () => '') {
  const deadline = Date.now() + 60_000
  while (!isSo()) {
    if (Date.now() > deadline) assert.fail(`not after a minute: ${what} ${else_()}`)
    await pause(50)
  }
}
