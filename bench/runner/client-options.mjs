// The command line of clients.mjs.
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { count, number } from './options.mjs'
import { here } from './paths.mjs'

export const usage = `usage: node bench/clients.mjs [options]
  --rounds N    rounds, interleaved (5)
  --secs S      seconds measured, each run (3)
  --conns N     idle clients in one process (10000)
  --no-times    memory and instructions only
  --no-build    use what is built
  --out FILE    where the tables go (CLIENTS.md for a full run, raw/CLIENTS.md for --no-times and other --conns)`

const flags = { help: { type: 'boolean', short: 'h' } }
for (const name of ['no-build', 'no-times']) flags[name] = { type: 'boolean', default: false }
for (const name of ['rounds', 'secs', 'conns', 'out']) flags[name] = { type: 'string' }

const CONNS = 10_000

export function parseClientOptions(argv) {
  const { values } = parseArgs({ args: argv, options: flags })
  const [conns, times] = [count(values, 'conns', CONNS), !values['no-times']]
  const isWhole = times && conns === CONNS
  return {
    help: values.help,
    build: !values['no-build'],
    rounds: count(values, 'rounds', 5),
    secs: number(values, 'secs', 3),
    conns,
    times,
    out: resolve(values.out ?? join(here, isWhole ? 'CLIENTS.md' : 'raw/CLIENTS.md')),
  }
}
