// The processes of a cluster: a broker, and nodes that reach it through a network of their own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startProxy } from '../interop/proxy.mjs'

const STARTS_WITHIN = 20_000

/** $CLUSTER_NODE, or what `make interop` builds. */
function program() {
  const built = process.env.CLUSTER_NODE ?? fileURLToPath(new URL('../../target/quick/cluster-node', import.meta.url))
  if (!existsSync(built)) throw new Error('no server: run `make interop`, or set CLUSTER_NODE to the program')
  return built
}

const BROKERS = {
  redis: (port, folder) => ['redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder]],
  nats: (port) => ['nats-server', ['--addr', '127.0.0.1', '--port', `${port}`]],
}

/** A process that can be killed, stopped and started again at its port. */
class Process {
  constructor(command) {
    this.command = command
  }

  async start() {
    const [program, args] = this.command
    this.child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.said = ''
    this.child.stderr.on('data', (data) => (this.said = (this.said + data).slice(-4000)))
    this.ended = Promise.race([once(this.child, 'exit'), once(this.child, 'error')])
    const deadline = Date.now() + STARTS_WITHIN
    while (!(await answers(this.port))) {
      if (this.isOver || Date.now() > deadline) throw new Error(`${program} does not listen: ${this.said}`)
      await pause(20)
    }
  }

  get isOver() {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  signal(name) {
    this.child.kill(name)
  }

  async end(name = 'SIGTERM') {
    if (!this.child || this.isOver) return
    this.child.kill('SIGCONT')
    this.child.kill(name)
    const patience = setTimeout(() => this.child.kill('SIGKILL'), 15_000)
    await this.ended
    clearTimeout(patience)
  }
}

export async function startBroker(t, kind) {
  const folder = await mkdtemp(join(tmpdir(), 'cluster-'))
  const port = await freePort()
  const broker = new Process(BROKERS[kind](port, folder))
  Object.assign(broker, { port, kind })
  t.after(async () => {
    await broker.end('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })
  await broker.start()
  return broker
}

/** A node, the network between it and the broker (`link`), and the one before it (`front`), which stays when it goes. */
export async function startNode(t, broker, letters) {
  const link = await startProxy(t, { port: broker.port })
  const port = await freePort()
  const url = link.url.replace('http', broker.kind)
  const node = new Process([program(), [`--${broker.kind}`, url, '--port', `${port}`, '--letters', letters]])
  Object.assign(node, { port, link, letters })
  t.after(() => node.end('SIGKILL'))
  await node.start()
  return node
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
