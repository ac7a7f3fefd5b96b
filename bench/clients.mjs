#!/usr/bin/env node
// Measures clients side by side, against the same server, and writes bench/CLIENTS.md (README.md, "Clients").
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { build, buildable } from './runner/build.mjs'
import { parseClientOptions, usage } from './runner/client-options.mjs'
import { commandLine, table } from './runner/format.mjs'
import { perOperation, total } from './runner/instructions.mjs'
import { checkMachine, describeMachine, sourceVersion } from './runner/machine.mjs'
import { loadBy, withServer } from './runner/measure.mjs'
import { here, loadgen, program } from './runner/paths.mjs'
import { median } from './runner/statistics.mjs'

// What runs under valgrind takes long.
const TIMEOUT = 600_000

const options = parsed(process.argv.slice(2))

const server = {
  build: { cargo: '.', package: 'bench' },
  command: (port) => [program('.', 'bench-server'), '--port', port, '--mode', 'typed', '--threads', '1']
}

/** Ours, and the loop that it is held against. */
const own = [
  {
    name: 'by hand',
    title: 'load generator, by hand',
    rpc: [loadgen, 'rpc', '--addr', '127.0.0.1:PORT', '--pid', 'PID'],
    calls: '--ops'
  },
  { ...client('wingbeat-client', { cargo: '.', package: 'client-bench' }, [program('.', 'client-bench')]), calls: '--calls' }
]
const peers = [
  {
    ...client('rust_socketio', { cargo: 'bench/peers/rust_socketio' }, [program('bench/peers/rust_socketio', 'peer_rust_socketio')]),
    lacks: ['get-16']
  },
  client('socket.io-client', { npm: 'bench/peers' }, ['node', 'bench/peers/socket.io-client.mjs'])
]

function client(name, build, words) {
  const url = ['--url', 'http://127.0.0.1:PORT']
  return { name, title: name, build, command: () => words, rpc: [...words, 'rpc', ...url], idle: [...words, 'idle', ...url] }
}

// Without times, for a machine that does other things as well.
const scenarios = [
  ...[1, 16].map((inflight) => ({
    name: `get-${inflight}`,
    title: `\`get\`, 50 clients, ${inflight} in flight each`,
    kind: 'rpc',
    figure: 'client_cpu_us',
    unit: 'µs of CPU / call',
    arguments: ['--conns', '50', '--inflight', `${inflight}`, '--secs', `${options.secs}`]
  })),
  {
    name: 'idle',
    title: `${options.conns.toLocaleString('en')} clients in one process, idle`,
    kind: 'idle',
    figure: 'rss_kib_per_client',
    unit: 'KiB / client',
    arguments: ['--conns', `${options.conns}`, '--secs', '2']
  }
].filter((scenario) => options.times || scenario.kind === 'idle')

/** What ours shall cost. */
const goals = [
  {
    work: '`get`, 16 in flight, against the loop by hand',
    limit: 2,
    figure: (figures) => {
      const hand = figures('get-16', 'by hand')
      return median(figures('get-16', 'wingbeat-client').map((value, at) => value / hand[at]))
    },
    unit: '×'
  },
  { work: 'idle client', limit: 10, figure: (figures) => median(figures('idle', 'wingbeat-client')), unit: 'KiB' }
]

async function main() {
  if (options.help) return console.log(usage)
  const machine = checkMachine({})
  const skipped = []
  const skip = (what) => skipped.push(what) && console.log(`SKIPPED: ${what}`)
  build(options, [server, ...own.filter((one) => one.command)])
  const clients = [...own, ...buildable(options, peers)]
  for (const { name } of peers.filter((peer) => !clients.includes(peer))) skipped.push(`${name} can not be built here`)
  const possible = scenarios.filter(({ kind }) => kind !== 'idle' || machine.files >= options.conns + 100)
  if (possible.length < scenarios.length) {
    skip(`${options.conns} idle clients: ${machine.files} open files are allowed (ulimit -Hn; or fewer with --conns)`)
  }
  if (!machine.valgrind) skip('instructions need valgrind')
  const runs = []
  for (let round = 0; round < options.rounds; round++) {
    for (const scenario of possible) {
      for (let at = 0; at < clients.length; at++) {
        // Another one begins in each round.
        const one = clients[(at + round) % clients.length]
        if (!one[scenario.kind] || one.lacks?.includes(scenario.name)) continue
        const figure = await measure(one, scenario, machine)
        runs.push({ client: one.name, scenario: scenario.name, figure })
        console.log(`${round + 1} ${scenario.name} ${one.name}: ${figure.toFixed(2)} ${scenario.unit}`)
      }
    }
  }
  const counts = []
  for (const one of machine.valgrind ? clients.filter((one) => one.calls) : []) {
    const figures = []
    for (const calls of [20_000, 60_000]) figures.push(await countInstructions(one, calls, machine))
    counts.push({ client: one.name, each: perOperation(...figures) })
    console.log(`instructions ${one.name}: ${Math.round(counts.at(-1).each)}`)
  }
  if (!runs.length && !counts.length) throw new Error('nothing was measured')
  const text = markdown(clients, runs, counts, skipped)
  mkdirSync(dirname(options.out), { recursive: true })
  writeFileSync(options.out, text)
  console.log(text)
}

/** A fresh server for each run, and the client on the other core. */
function measure(one, scenario, machine) {
  return withServer(server.command, `${machine.server}`, undefined, async (port, pid) => {
    const figures = await loadBy(filled([...one[scenario.kind], ...scenario.arguments], port, pid), machine, TIMEOUT)
    return figures[scenario.figure]
  })
}

/** Instructions of a whole run with so many calls, counted by callgrind: they do not depend on what else is running. */
function countInstructions(one, calls, machine) {
  const folder = mkdtempSync(join(tmpdir(), 'wingbeat-clients-'))
  const file = join(folder, 'callgrind.out')
  return withServer(server.command, `${machine.server}`, undefined, async (port, pid) => {
    const load = [...one.rpc, '--conns', '50', '--inflight', '16', one.calls, `${calls}`]
    const words = ['valgrind', '--tool=callgrind', `--callgrind-out-file=${file}`, ...load]
    await loadBy(filled(words, port, pid), machine, TIMEOUT)
    return { operations: calls, instructions: total(readFileSync(file, 'utf8')) }
  }).finally(() => rmSync(folder, { recursive: true }))
}

function filled(words, port, pid) {
  return words.map((word) => word.replace('PORT', `${port}`).replace('PID', `${pid}`))
}

function markdown(clients, runs, counts, skipped) {
  const figures = (scenario, name) =>
    runs.filter((run) => run.scenario === scenario && run.client === name).map((run) => run.figure)
  const cell = (scenario, name) => {
    const values = figures(scenario, name)
    if (!values.length) return '–'
    const hand = figures(scenario, 'by hand')
    // Of the same round: what slows the machine slows both.
    const ratio = hand.length ? ` (× ${median(values.map((value, at) => value / hand[at])).toFixed(2)})` : ''
    return `${median(values).toFixed(2)}${ratio}`
  }
  const instructions = (name) => {
    const each = (client) => counts.find((count) => count.client === client)?.each
    return each(name) ? `${Math.round(each(name))} (× ${(each(name) / each('by hand')).toFixed(2)})` : '–'
  }
  const rows = clients.map(({ name, title }) => {
    return [title, ...scenarios.map((scenario) => cell(scenario.name, name)), instructions(name)]
  })
  const head = ['client', ...scenarios.map(({ title, unit }) => `${title}, ${unit}`), '`get`, 16 in flight, instructions of the process']
  const targets = goals.map(({ work, limit, figure, unit }) => {
    const value = figure(figures)
    if (Number.isNaN(value)) return [work, `${limit} ${unit}`, 'not measured', '']
    return [work, `${limit} ${unit}`, `${value.toFixed(2)} ${unit}`, value <= limit ? 'ok' : '**missed**']
  })
  return `# Clients

Written by \`${commandLine('bench/clients.mjs', process.argv.slice(2))}\` on ${new Date().toISOString().slice(0, 10)}: medians of ${options.rounds} rounds\
${options.times ? ` of ${options.secs} s` : '; no times were measured'}; in brackets the median of the ratios to the loop by hand within a round. The server is Wingbeat.

${describeMachine()}; source ${sourceVersion()}

${table(head, rows)}

${table(['', 'goal', 'seen', ''], targets)}${skipped.length ? `\n\nNot measured: ${skipped.join('; ')}.` : ''}

The loop by hand is the load generator's: it knows what will be answered, parses one answer in 256, and has neither
timeouts nor a typed result. Instructions are the process's own; the kernel's, which both need
alike, are in the times only. rust_socketio takes random numbers below 999 as ids of acknowledgements: with 16 calls in
flight two soon share one, and its reading task panics. Memory is resident memory gained per client that is connected; the kernel's is not in it.
wingbeat-client's program has jemalloc, the loop and rust_socketio have glibc's allocator.
`
}

function parsed(argv) {
  try {
    return parseClientOptions(argv)
  } catch (error) {
    return failed(error)
  }
}

function failed(error) {
  console.error(`clients: ${error.message}`)
  process.exit(2)
}

main().catch(failed)
