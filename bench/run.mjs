#!/usr/bin/env node
// Measures all servers side by side and writes bench/RESULTS.md; README.md says how.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build, buildable, fillers } from './runner/build.mjs'
import { certificate } from './runner/certificate.mjs'
import { openDatabases } from './runner/databases.mjs'
import { draw } from './runner/draw.mjs'
import { commandLine } from './runner/format.mjs'
import { countInstructions } from './runner/instructions.mjs'
import { checkMachine, describeMachine, sourceVersion } from './runner/machine.mjs'
import { parseOptions, serversOf, usage } from './runner/options.mjs'
import { here } from './runner/paths.mjs'
import { markdown, snippet } from './runner/report.mjs'
import { measureRounds, plan } from './runner/rounds.mjs'
import { possible } from './runner/skip.mjs'

async function main() {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) return console.log(usage)
  const { meta, runs, counts } = options.from ? read(options.from) : await measure(options)
  if (!meta.plan) throw new Error(`${options.from} is of an older runner, and does not tell what was wanted`)
  if (!runs.length && !counts.length) throw new Error('nothing was measured')
  const drawn = options.plots ? draw(meta, runs, options.out) : []
  writeFileSync(options.out, markdown(meta, runs, counts, drawn))
  if (runs.length) console.log(`\n${snippet(meta, runs)}`)
  console.log(`Written: ${relative(process.cwd(), options.out)}`)
  const failed = [...runs, ...counts].filter((run) => run.error)
  const reasons = failed.map((run) => `FAILED: ${run.server}, ${run.scenario}: ${run.error}`)
  for (const reason of new Set(reasons)) console.error(reason)
  if (failed.length) process.exitCode = 1
}

async function measure(wanted) {
  const machine = checkMachine(wanted)
  const { scenarios, skipped } = possible(wanted.scenarios, machine)
  if (wanted.instructions && !machine.valgrind) skipped.push({ scenario: 'instructions', reason: 'need valgrind' })
  for (const { scenario, reason } of skipped) console.log(`SKIPPED: ${scenario} ${reason}`)
  const taking = (options) => [...new Set(scenarios.flatMap((scenario) => serversOf(scenario, options)))]
  const optional = taking(wanted).filter((server) => server.optional)
  const built = buildable(wanted, optional)
  const known = wanted.known.filter((server) => !optional.includes(server) || built.includes(server))
  const servers = taking({ ...wanted, known })
  const encrypted = wanted.rounds && scenarios.some((scenario) => scenario.tls)
  const options = { ...wanted, known, scenarios, tls: encrypted ? certificate() : undefined }
  const stored = scenarios.filter((scenario) => scenario.store && serversOf(scenario, options).length)
  build(options, [...servers.filter((server) => !server.optional), ...fillers(stored)])
  const databases = await openDatabases(stored, machine)
  try {
    return await run({ ...options, databases }, machine, servers, skipped)
  } finally {
    databases.close()
  }
}

async function run(options, machine, servers, skipped) {
  const before = options.resume ? read(options.resume) : undefined
  const meta = { ...describe(options, servers), skipped }
  if (before) Object.assign(meta, since(before.meta, meta))
  const file = options.resume ?? newFile(meta.date)
  const keep = (line) => appendFileSync(file, JSON.stringify(line) + '\n')
  // What is kept is kept at once: a run that is broken off loses nothing (--resume). It may have left half a line.
  appendFileSync(file, before ? '\n' : '')
  keep({ meta })
  console.log(`Raw results: ${relative(process.cwd(), file)}`)
  // What failed is tried again.
  const [runs, counts] = [before?.runs ?? [], before?.counts ?? []].map((list) => list.filter((one) => !one.error))
  if (options.rounds) {
    for await (const run of measureRounds(options, machine, [...runs])) {
      keep(run)
      runs.push(run)
    }
  }
  if (options.instructions && machine.valgrind) {
    for await (const line of countInstructions(options, machine, [...counts])) {
      keep(line)
      counts.push(line.instructions)
    }
  }
  return { meta, runs, counts }
}

function describe(options, servers) {
  return {
    commands: [commandLine('bench/run.mjs', process.argv.slice(2))],
    date: new Date().toISOString(),
    machine: describeMachine(),
    version: sourceVersion(),
    baseline: options.baseline,
    tolerance: options.tolerance,
    secs: options.secs,
    // In the order of the list, whoever is measured first.
    servers: options.known
      .filter((server) => servers.includes(server))
      .map(({ name, title, reference, allocator }) => ({ name, title, reference, allocator })),
    scenarios: options.scenarios.map(({ name }) => name),
    rounds: options.pairs,
    plan: options.rounds ? plan(options) : {},
  }
}

/** What a run that is gone on with keeps of what it was: its date, and what else it was made by and of. */
function since({ date, version, commands = [], rounds, plan }, now) {
  const last = version?.split(', then ').at(-1)
  return {
    date,
    version: last === now.version ? version : `${version}, then ${now.version}`,
    commands: [...commands, ...now.commands],
    // Instructions alone are no part of what was wanted.
    ...(Object.keys(now.plan).length || !plan ? {} : { rounds, plan }),
  }
}

function newFile(date) {
  const folder = join(here, 'raw')
  mkdirSync(folder, { recursive: true })
  return join(folder, `${date.slice(0, 19).replaceAll(':', '-')}.jsonl`)
}

/** Raw results: the last description, and all that was measured. */
function read(file) {
  const lines = readFileSync(file, 'utf8').split('\n').flatMap(parsed)
  const meta = lines.findLast((line) => line.meta)?.meta
  if (!meta) throw new Error(`${file} has no results`)
  return {
    meta,
    runs: lines.filter((line) => line.round !== undefined),
    counts: lines.flatMap((line) => line.instructions ?? []),
  }
}

/** Nothing of an empty line, or of one that was cut off when a run was. */
function parsed(line) {
  try {
    return [JSON.parse(line)]
  } catch {
    return []
  }
}

main().catch((error) => {
  console.error(`bench: ${error.message}`)
  process.exitCode = 2
})
