// The command line.
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { scenarios } from './scenarios.mjs'
import { extraServer, servers } from './servers.mjs'

/** The folder `bench`. */
export const here = dirname(dirname(fileURLToPath(import.meta.url)))

export const usage = `usage: node bench/run.mjs [options]
  --only REGEX            only the scenarios whose names match
  --servers A,B,C         only these servers, and the baseline (all: every one)
  --extra NAME=COMMAND    one more server; PORT in COMMAND stands for its port (repeatable)
  --baseline NAME         what the ratios are against (floor)
  --pairs N               rounds, each a pair with the baseline (9)
  --reference-pairs N     rounds for the servers that are not ours (3)
  --secs S  --warmup S    seconds measured and before that, each run (3, 1)
  --quick                 --pairs 3 --reference-pairs 1 --secs 1 --warmup 0.5, nothing repeated
  --tolerance SHARE       how much of a core others may use before a run is discarded (0.05)
  --cores SERVER,LOAD     the cores to pin to (the last two allowed)
  --no-build              use what is built
  --out FILE              where the tables go (RESULTS.md for a full run, else raw/RESULTS.md)
  --from FILE             make the tables again from raw results (raw/*.jsonl)
scenarios: ${scenarios.map((s) => s.name).join(' ')}
servers: ${servers.map((s) => s.name).join(' ')}`

const flags = {
  help: { type: 'boolean', short: 'h' },
  quick: { type: 'boolean' },
  'no-build': { type: 'boolean' },
  extra: { type: 'string', multiple: true, default: [] },
  baseline: { type: 'string', default: 'floor' },
  tolerance: { type: 'string', default: '0.05' },
}
for (const name of ['only', 'servers', 'pairs', 'reference-pairs', 'secs', 'warmup', 'cores', 'out', 'from']) {
  flags[name] = { type: 'string' }
}

export function parseOptions(argv) {
  const { values } = parseArgs({ args: argv, options: flags })
  const quick = values.quick ?? false
  const partial = quick || values.only !== undefined || values.servers !== undefined
  const options = {
    help: values.help,
    from: values.from,
    build: !values['no-build'],
    baseline: values.baseline,
    pairs: count(values, 'pairs', quick ? 3 : 9),
    referencePairs: count(values, 'reference-pairs', quick ? 1 : 3),
    secs: number(values, 'secs', quick ? 1 : 3),
    warmup: number(values, 'warmup', quick ? 0.5 : 1),
    attempts: quick ? 1 : 3,
    tolerance: number(values, 'tolerance'),
    cores: values.cores?.split(',').map(Number),
    out: resolve(values.out ?? join(here, partial ? 'raw/RESULTS.md' : 'RESULTS.md')),
    scenarios: scenarios.filter((s) => new RegExp(values.only ?? '').test(s.name)),
    servers: chooseServers(values),
  }
  if (options.cores && !(options.cores.length === 2 && options.cores.every(Number.isInteger))) {
    throw new Error(`--cores ${values.cores}: two numbers are needed, SERVER,LOAD`)
  }
  if (!options.scenarios.length) throw new Error(`no scenario matches --only ${values.only}`)
  return options
}

function chooseServers(values) {
  const known = [...servers, ...values.extra.map(extraServer)]
  const find = (name) => {
    const server = known.find((s) => s.name === name)
    if (!server) throw new Error(`no server '${name}'; there are ${known.map((s) => s.name).join(', ')}`)
    return server
  }
  let chosen = known.filter((s) => s.byDefault)
  if (values.servers === 'all') chosen = known
  else if (values.servers !== undefined) {
    chosen = [...values.servers.split(',').filter(Boolean).map(find), ...known.filter((s) => s.extra)]
  }
  return [...new Set([find(values.baseline), ...chosen])]
}

function number(values, name, fallback) {
  const value = Number(values[name] ?? fallback)
  if (!(value > 0)) throw new Error(`--${name} ${values[name]}: a number above 0 is needed`)
  return value
}

function count(values, name, fallback) {
  const value = number(values, name, fallback)
  if (!Number.isInteger(value)) throw new Error(`--${name} ${values[name]}: a whole number is needed`)
  return value
}
