// One run: a fresh server on one core, the load generator on another.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { loadgen, root } from './paths.mjs'

// What runs under valgrind takes long.
const START_TIMEOUT = 60_000
const RUN_TIMEOUT = 120_000
const PROGRAM_TIMEOUT = 600_000

// Node ends by these without an `exit`, unless somebody listens.
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** The figures of one run; throws if anything was wrong. */
export async function measure(server, scenario, options, machine) {
  if (scenario.program) return runProgram(scenario, machine)
  const { warmup, secs, tls } = options
  const cores = server.twoCores ? `${machine.server},${machine.second}` : `${machine.server}`
  const time = scenario.memory ? [] : ['--warmup', `${scenario.warmup ?? warmup}`, '--secs', `${scenario.secs ?? secs}`]
  const trusted = scenario.tls ? ['--tls', tls.cert] : []
  return withServer(server.command, cores, scenario.tls ? tls : undefined, (port, pid) =>
    load(machine, [...scenario.load, '--addr', `127.0.0.1:${port}`, '--pid', `${pid}`, ...time, ...trusted], RUN_TIMEOUT),
  )
}

/** Starts a server, waits until it listens, and ends it after `use`. */
export async function withServer(command, cores, tls, use, end = 'SIGKILL') {
  const port = await freePort()
  const [program, ...args] = command(`${port}`, { tls })
  const running = pinned(cores, program, args)
  try {
    await ready(running, port)
    const result = await use(port, running.child.pid)
    if (running.isOver()) throw new Error(`the server ended: ${running.said()}`)
    return result
  } catch (error) {
    // That the server has died explains whatever else went wrong.
    if (running.isOver()) throw new Error(`the server ended: ${running.said()}`, { cause: error })
    throw error
  } finally {
    running.child.kill(end)
    const timer = setTimeout(() => running.child.kill('SIGKILL'), 30_000)
    await running.closed
    clearTimeout(timer)
  }
}

/** Runs the load generator: its figures. */
export async function load(machine, args, timeout) {
  return finished(pinned(`${machine.load}`, loadgen, args), timeout, 'the load generator')
}

/** Runs another program that loads a server: its figures. */
export async function loadBy([program, ...args], machine, timeout) {
  return finished(pinned(`${machine.load}`, program, args), timeout, program)
}

/** A program that is server and load in one. */
function runProgram({ program: [program, ...args] }, machine) {
  return finished(pinned(`${machine.server}`, program, args), PROGRAM_TIMEOUT, program)
}

async function finished(running, timeout, name) {
  const timer = setTimeout(() => running.child.kill('SIGKILL'), timeout)
  await running.closed
  clearTimeout(timer)
  if (running.child.exitCode !== 0) throw new Error(running.said() || `${name} was stopped`)
  return JSON.parse(running.output())
}

function pinned(cores, program, args) {
  const child = spawn('taskset', ['-c', cores, program, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  const stop = () => child.kill('SIGKILL')
  const leave = () => process.exit(130)
  process.once('exit', stop)
  for (const signal of SIGNALS) process.once(signal, leave)
  let [output, said] = ['', '']
  child.stdout.on('data', (data) => (output += data))
  child.stderr.on('data', (data) => (said = (said + data).slice(-500)))
  const closed = once(child, 'close').finally(() => {
    process.removeListener('exit', stop)
    for (const signal of SIGNALS) process.removeListener(signal, leave)
  })
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
