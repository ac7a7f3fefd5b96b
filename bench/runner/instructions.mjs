// Instructions per operation, counted by callgrind: where two servers are closer than the machine is steady.
//
// A server runs twice, with n and with 3n operations. The difference has no start, no handshakes and no end in it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serversOf } from './options.mjs'
import { load, ofDatabase, withDatabase, withServer } from './measure.mjs'

const TIMEOUT = 300_000

/** Yields `{ instructions: { scenario, server, each } }`, or with `error`, for what `done` does not have. */
export async function* countInstructions(options, machine, done = []) {
  const had = new Set(done.map((count) => `${count.scenario} ${count.server}`))
  for (const scenario of options.scenarios.filter((s) => s.ops)) {
    for (const server of serversOf(scenario, options).filter((s) => !s.interpreted)) {
      if (had.has(`${scenario.name} ${server.name}`)) continue
      const count = { scenario: scenario.name, server: server.name }
      try {
        const [few, many] = [await run(server, scenario, options, machine, 1), await run(server, scenario, options, machine, 3)]
        count.each = perOperation(few, many)
      } catch (error) {
        count.error = error.message.replace(/\s+/g, ' ').slice(0, 200)
      }
      const said = count.error ? `FAILED: ${count.error}` : `${Math.round(count.each)} instructions`
      console.log(`callgrind ${count.scenario.padEnd(19)} ${count.server.padEnd(15)} ${said}`)
      yield { instructions: count }
    }
  }
}

/** What one more operation takes; the load generator counts calls, deliveries and connections. */
export function perOperation(few, many) {
  const operations = many.operations - few.operations
  if (!(operations > 0)) throw new Error('both runs had the same number of operations')
  return (many.instructions - few.instructions) / operations
}

async function run(server, scenario, options, machine, times) {
  const folder = mkdtempSync(join(tmpdir(), 'wingbeat-bench-'))
  const file = join(folder, 'callgrind.out')
  const valgrind = ['valgrind', '--tool=callgrind', `--callgrind-out-file=${file}`]
  const counted = (database) =>
    withServer(
      (port, more) => [...valgrind, ...server.command(port, more)],
      `${machine.server}`,
      { database },
      (port, pid) => {
        const there = ['--addr', `127.0.0.1:${port}`, '--pid', `${pid}`, ...ofDatabase(database)]
        return load(machine, [...scenario.load, ...there, '--ops', `${scenario.ops * times}`], TIMEOUT)
      },
      'SIGTERM',
    )
  try {
    const figures = await withDatabase(scenario, options, counted)
    return { operations: figures.calls ?? figures.deliveries ?? figures.connects, instructions: total(readFileSync(file, 'utf8')) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The sum over all parts: each thread and each dump has one. */
export function total(profile) {
  const parts = [...profile.matchAll(/^(?:totals|summary): (\d+)/gm)].map(([, count]) => Number(count))
  if (!parts.length) throw new Error('callgrind has left no totals')
  return parts[0]
}
