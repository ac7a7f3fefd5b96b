#!/usr/bin/env node
// Measures all servers side by side and writes bench/RESULTS.md; README.md says how.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build } from './runner/build.mjs'
import { checkMachine, describeMachine, sourceVersion } from './runner/machine.mjs'
import { here, parseOptions, usage } from './runner/options.mjs'
import { markdown, snippet } from './runner/report.mjs'
import { measureRounds } from './runner/rounds.mjs'

async function main() {
  const options = parseOptions(process.argv.slice(2))
  if (options.help) return console.log(usage)
  const { meta, runs } = options.from ? read(options.from) : await measure(options)
  if (!runs.length) throw new Error('nothing was measured')
  writeFileSync(options.out, markdown(meta, runs))
  console.log(`\n${snippet(meta, runs)}\nWritten: ${relative(process.cwd(), options.out)}`)
  const failed = runs.filter((run) => run.error)
  const reasons = failed.map((run) => `FAILED: ${run.server}, ${run.scenario}: ${run.error}`)
  for (const reason of new Set(reasons)) console.error(reason)
  if (failed.length) process.exitCode = 1
}

async function measure(options) {
  const machine = checkMachine(options)
  build(options)
  const meta = {
    command: ['node bench/run.mjs', ...process.argv.slice(2).map(quoted)].join(' '),
    date: new Date().toISOString(),
    machine: describeMachine(),
    version: sourceVersion(),
    baseline: options.baseline,
    tolerance: options.tolerance,
    secs: options.secs,
    servers: options.servers.map(({ name, title }) => ({ name, title })),
    scenarios: options.scenarios.map(({ name }) => name),
  }
  const folder = join(here, 'raw')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${meta.date.slice(0, 19).replaceAll(':', '-')}.jsonl`)
  const keep = (line) => appendFileSync(file, JSON.stringify(line) + '\n')
  keep({ meta })
  console.log(`Raw results: ${relative(process.cwd(), file)}`)
  const runs = []
  for await (const run of measureRounds(options, machine)) {
    keep(run)
    runs.push(run)
  }
  return { meta, runs }
}

/** As a shell takes it. */
function quoted(word) {
  return /^[\w./,=:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

function read(file) {
  const [{ meta }, ...runs] = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
  return { meta, runs }
}

main().catch((error) => {
  console.error(`bench: ${error.message}`)
  process.exitCode = 2
})
