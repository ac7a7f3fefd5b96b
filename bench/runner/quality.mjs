// What a reader must know of a run before its figures: whether it is whole, how sure it is, and what differs.
import { count } from './format.mjs'
import { summarise } from './summary.mjs'

/** Paragraphs about how much was measured. */
export function quality(meta, runs, measured) {
  if (!runs.length) return []
  return [whole(meta, runs), disturbed(meta, runs, measured), pairs(meta, runs, measured)].filter(Boolean)
}

/** Of what was wanted, what is there: a measurement is a server in a scenario in a round. */
function whole({ plan, rounds }, runs) {
  const made = new Map()
  for (const run of runs) {
    const key = `${run.scenario} ${run.server} ${run.round}`
    const best = made.get(key)
    made.set(key, { figures: best?.figures || !!run.figures, clean: best?.clean || (!!run.figures && !run.disturbed) })
  }
  const wanted = Object.entries(plan).flatMap(([scenario, servers]) =>
    Object.entries(servers).flatMap(([server, rounds]) =>
      Array.from({ length: rounds }, (_, round) => made.get(`${scenario} ${server} ${round}`)),
    ),
  )
  const begun = wanted.filter(Boolean)
  const missing = wanted.length - begun.length
  const failed = begun.filter(({ figures }) => !figures).length
  const noisy = begun.filter(({ figures, clean }) => figures && !clean).length
  const measurements = `${count(wanted.length)} measurements (a server in a scenario in a round)`
  if (!missing && !failed && !noisy) return `Complete: all of ${measurements}.`
  const last = 1 + Math.max(...runs.map(({ round }) => round))
  const reasons = [
    missing && `${count(missing)} were not made (broken off in round ${last} of ${rounds})`,
    failed && `${count(failed)} failed`,
    noisy && `${count(noisy)} have no undisturbed run`,
  ]
  return `**Not complete**: of ${measurements} ${list(reasons.filter(Boolean))}.`
}

function disturbed({ secs, tolerance }, runs, measured) {
  const discarded = runs.filter((run) => run.disturbed).length
  const share = `${Math.round(tolerance * 100)}% of a core`
  const made = measured.filter(({ name }) => runs.some(({ scenario }) => scenario === name))
  const own = [
    ...made.filter(({ secs }) => secs).map(({ name, secs }) => `${name} ${secs} s`),
    ...(made.some(({ memory }) => memory) ? ['memory has waits of its own'] : []),
  ]
  const figures = `${span([runs.length], 'run')} of ${secs} s${own.length ? ` (${own.join('; ')})` : ''}`
  if (!discarded) return `${figures}; in none of them did anybody else use more than ${share}.`
  return (
    `${figures}; ${count(discarded)} of them were discarded because others used more than ${share}. ` +
    'Where † stands, no undisturbed run was left: do not rely on it.'
  )
}

/** On how many pairs the ratios rest. */
function pairs(meta, runs, measured) {
  const of = (servers) =>
    measured
      .filter(({ noRatio, memory }) => !noRatio && !memory)
      .flatMap((scenario) => {
        const baseline = scenario.baseline ?? meta.baseline
        return servers.filter(({ name }) => name !== baseline).map(({ name }) => summarise(runs, scenario, name, baseline)?.pairs ?? 0)
      })
      .filter((pairs) => pairs > 0)
  const [ours, others] = [false, true].map((reference) => of(meta.servers.filter((server) => !!server.reference === reference)))
  const said = [
    ours.length && Math.min(...ours) < 6 && `of Wingbeat's on ${span(ours, 'pair')}`,
    others.length && Math.min(...others) < 6 && `of the others' on ${span(others, 'pair')}`,
  ].filter(Boolean)
  if (!said.length) return undefined
  return `A ratio ${list(said)}: fewer than six have a range instead of an interval, and one alone gives no verdict.`
}

/** `1 pair`, `3 to 5 pairs`. */
export function span(numbers, what) {
  const [least, most] = [Math.min(...numbers, Infinity), Math.max(...numbers, 0)]
  if (!numbers.length) return `no ${what}`
  return `${least === most ? '' : `${count(least)} to `}${count(most)} ${what}${most === 1 ? '' : 's'}`
}

/** Servers with other allocators are not compared by what they do alone. */
export function allocators({ servers }) {
  const kinds = [...new Set(servers.map(({ allocator }) => allocator))]
  if (kinds.length < 2) return []
  const said = kinds.map((kind) => `${kind} in ${list(servers.filter((s) => s.allocator === kind).map((s) => `\`${s.name}\``))}`)
  return [
    `**The allocators differ**: ${said.join('; ')}. They are a part of what is measured: ` +
      '[README.md](README.md#allocators) says how much of memory, and of the cost of a call.',
  ]
}

function list(words) {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
