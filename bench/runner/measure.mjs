// One run: a fresh server on one core, the load generator on the other.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadgen, root } from './build.mjs'

const START_TIMEOUT = 10_000
const RUN_TIMEOUT = 120_000

/** The load generator's figures; throws if anything was wrong. */
export async function measure(server, scenario, { warmup, secs }, cores) {
  const port = await freePort()
  const [program, ...args] = server.command(`${port}`)
  const running = pinned(cores.server, program, args)
  try {
    await ready(running, port)
    const load = pinned(cores.load, loadgen, [
      ...scenario.load,
      ...['--addr', `127.0.0.1:${port}`, '--pid', `${running.child.pid}`],
      ...['--warmup', `${warmup}`, '--secs', `${secs}`],
    ])
    const timer = setTimeout(() => load.child.kill('SIGKILL'), RUN_TIMEOUT)
    await load.closed
    clearTimeout(timer)
    if (running.isOver()) throw new Error(`the server ended: ${running.said()}`)
    if (load.child.exitCode !== 0) throw new Error(load.said() || 'the load generator was stopped')
    return JSON.parse(load.output())
  } finally {
    // Nothing of the server is kept, so it need not end gently.
    running.child.kill('SIGKILL')
    await running.closed
  }
}

function pinned(core, program, args) {
  const child = spawn('taskset', ['-c', `${core}`, program, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const stop = () => child.kill('SIGKILL')
  process.once('exit', stop)
  let [output, said] = ['', '']
  child.stdout.on('data', (data) => (output += data))
  child.stderr.on('data', (data) => (said = (said + data).slice(-500)))
  const closed = once(child, 'close').finally(() => process.removeListener('exit', stop))
  return {
    child,
    closed,
    isOver: () => child.exitCode !== null || child.signalCode !== null,
    output: () => output,
    said: () => said.trim(),
  }
}

async function ready(server, port) {
  const deadline = Date.now() + START_TIMEOUT
  while (!(await accepts(port))) {
    if (server.isOver()) throw new Error(`the server did not start: ${server.said()}`)
    if (Date.now() > deadline) throw new Error(`the server does not listen: ${server.said()}`)
    await sleep(20)
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
