// The command line.
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { here } from './paths.mjs'
import { scenarios } from './scenarios.mjs'
import { extraServer, servers } from './servers.mjs'
import { scenariosOfTargets, serversOfTargets } from './targets.mjs'

export const usage = `usage: node bench/run.mjs [options]
what
  --gate                  only what targets are set for, and against whom; --secs 1.5
  --only REGEX            only the scenarios whose names match
  --servers A,B,C         only these servers, and the baseline (all: every one)
  --extra NAME=COMMAND    one more server; PORT in COMMAND stands for its port (repeatable)
  --baseline NAME         what the ratios are against (floor)
  --instructions          only count instructions under valgrind; --no-instructions: never do
how long
  --pairs N               rounds, each a pair with the baseline (9)
  --reference-pairs N     rounds for the servers that are not ours (2)
  --secs S  --warmup S    seconds measured and before that, each run (2, 0.5); some scenarios have their own
  --quick                 --pairs 2 --reference-pairs 1 --secs 0.5 --warmup 0.2, memory once, no instructions,
                          no million, nothing repeated
how
  --tolerance SHARE       how much of a core others may use before a run is discarded (0.05)
  --cores SERVER,LOAD     the cores to pin to (the last two allowed)
  --no-build              use what is built
results
  --out FILE              where the tables go (RESULTS.md for a full run, else raw/RESULTS.md)
  --resume FILE           go on with a run that was broken off (raw/*.jsonl); give the same options
  --from FILE             only make tables and plots again, from raw results; takes --out and --no-plots alone
  --no-plots              without plots
scenarios: ${scenarios.map((s) => s.name).join(' ')}
servers: ${servers.map((s) => s.name).join(' ')}`

const flags = {
  help: { type: 'boolean', short: 'h' },
  extra: { type: 'string', multiple: true, default: [] },
  baseline: { type: 'string', default: 'floor' },
  tolerance: { type: 'string', default: '0.05' },
}
for (const name of ['quick', 'gate', 'no-build', 'no-plots', 'instructions', 'no-instructions']) {
  flags[name] = { type: 'boolean', default: false }
}
const texts = ['only', 'servers', 'pairs', 'reference-pairs', 'secs', 'warmup', 'cores', 'out', 'from', 'resume']
for (const name of texts) flags[name] = { type: 'string' }

export function parseOptions(argv) {
  const { values, tokens } = parseArgs({ args: argv, options: flags, tokens: true })
  const given = tokens.map(({ name }) => name)
  const { quick, gate } = values
  const idle = given.filter((name) => !['from', 'out', 'no-plots', 'help'].includes(name))
  if (values.from !== undefined && idle.length) throw new Error(`--from measures nothing: it takes no --${idle[0]}`)
  if (values.instructions && values['no-instructions']) throw new Error('--instructions and --no-instructions: one of them')
  // What is shown again may be of any run.
  const flagged = quick || gate || values.instructions
  const partial = flagged || (values.from ?? values.only ?? values.servers) !== undefined
  const known = [...servers, ...values.extra.map(extraServer)]
  const options = {
    help: values.help,
    from: values.from,
    resume: values.resume,
    build: !values['no-build'],
    plots: !values['no-plots'],
    rounds: !values.instructions,
    instructions: values.instructions || !(quick || values['no-instructions']),
    baseline: values.baseline,
    pairs: count(values, 'pairs', quick ? 2 : 9),
    referencePairs: count(values, 'reference-pairs', quick ? 1 : 2),
    secs: number(values, 'secs', quick ? 0.5 : gate ? 1.5 : 2),
    warmup: number(values, 'warmup', quick ? 0.2 : 0.5),
    attempts: quick ? 1 : 3,
    tolerance: number(values, 'tolerance'),
    cores: values.cores?.split(',').map(Number),
    out: resolve(values.out ?? join(here, partial ? 'raw/RESULTS.md' : 'RESULTS.md')),
    memoryRounds: quick ? 1 : Infinity,
    scenarios: scenarios.filter(
      ({ name, long }) =>
        new RegExp(values.only ?? '').test(name) && (!gate || scenariosOfTargets.has(name)) && !(quick && long),
    ),
    servers: chooseServers(values, known),
    known,
  }
  if (options.cores && !(options.cores.length === 2 && options.cores.every(Number.isInteger))) {
    throw new Error(`--cores ${values.cores}: two numbers are needed, SERVER,LOAD`)
  }
  if (!options.scenarios.length) throw new Error(`no scenario matches --only ${values.only}`)
  return options
}

function chooseServers(values, known) {
  const find = (name) => {
    const server = known.find((s) => s.name === name)
    if (!server) throw new Error(`no server '${name}'; there are ${known.map((s) => s.name).join(', ')}`)
    return server
  }
  let chosen = known.filter((s) => s.byDefault)
  if (values.servers === 'all') chosen = known
  else if (values.servers !== undefined) {
    chosen = [...values.servers.split(',').filter(Boolean).map(find), ...known.filter((s) => s.extra)]
  } else if (values.gate) {
    chosen = chosen.filter((s) => s.extra || serversOfTargets.has(s.name))
  }
  return [...new Set([find(values.baseline), ...chosen])]
}

/** Who takes part in a scenario. */
export function serversOf(scenario, { servers, known }) {
  const able = (server) => !scenario.needs.some((need) => server.lacks.includes(need))
  if (!scenario.servers) return servers.filter((server) => !server.of).filter(able)
  const chosen = ({ name, of }) => servers.some((server) => server.name === name || server.name === of)
  const there = known.filter(({ name }) => scenario.servers.includes(name))
  // A scenario of some of ours runs whole or not at all; references, where they are wanted.
  if (!there.some((server) => chosen(server) && !/^floor\b/.test(server.name))) return []
  return there.filter((server) => !server.reference || chosen(server))
}

/** An option that is a number above 0. */
export function number(values, name, fallback) {
  const value = Number(values[name] ?? fallback)
  if (!(value > 0)) throw new Error(`--${name} ${values[name]}: a number above 0 is needed`)
  return value
}

/** An option that is a whole number above 0. */
export function count(values, name, fallback) {
  const value = number(values, name, fallback)
  if (!Number.isInteger(value)) throw new Error(`--${name} ${values[name]}: a whole number is needed`)
  return value
}
