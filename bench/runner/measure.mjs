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
  return withDatabase(scenario, options, (database) =>
    withServer(server.command, cores, { tls: scenario.tls ? tls : undefined, database }, (port, pid) => {
      const there = ['--addr', `127.0.0.1:${port}`, '--pid', `${pid}`, ...ofDatabase(database)]
      return load(machine, [...scenario.load, ...there, ...time, ...trusted], RUN_TIMEOUT)
    }),
  )
}

/** A fresh database for a scenario that needs one, removed after `use`. */
export async function withDatabase(scenario, { databases }, use) {
  if (!scenario.store) return use(undefined)
  const database = databases.of(scenario).fresh()
  try {
    return await use(database)
  } finally {
    database.remove()
  }
}

/** What the load generator must know of a database: the process whose time is told apart. */
export const ofDatabase = (database) => (database?.pid ? ['--database', `${database.pid}`] : [])

/** Starts a server, waits until it listens, and ends it after `use`. */
export async function withServer(command, cores, more, use, end = 'SIGKILL') {
  const port = await freePort()
  const [program, ...args] = command(`${port}`, more ?? {})
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

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
