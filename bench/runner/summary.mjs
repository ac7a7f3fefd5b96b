// From runs to medians and to ratios against the baseline.
import { median, medianInterval } from './statistics.mjs'

/**
 * What `server` did in `scenario`: the medians of its runs, and how its figure stands to that
 * of the baseline in the same round. Disturbed runs are left out, unless there are no others.
 */
export function summarise(runs, scenario, server, baseline) {
  const all = runs.filter((run) => run.scenario === scenario.name && run.figures)
  const of = (name) => all.filter((run) => run.server === name)
  const clean = (list) => list.filter((run) => !run.disturbed)
  const disturbed = clean(of(server)).length === 0
  const mine = disturbed ? of(server) : clean(of(server))
  if (!mine.length) return undefined

  const ratios = pairs(clean(of(server)), clean(of(baseline)), scenario)
  const noisy = ratios.length === 0
  const paired = noisy ? pairs(of(server), of(baseline), scenario) : ratios
  return {
    disturbed: disturbed || (noisy && paired.length > 0),
    figure: (name) => median(mine.map((run) => run.figures[name])),
    runs: mine.length,
    pairs: paired.length,
    ratio: paired.length ? median(paired) : undefined,
    interval: paired.length ? medianInterval(paired) : undefined,
  }
}

/** One ratio a round; where a round has several runs, the last counts. */
function pairs(mine, theirs, scenario) {
  const byRound = new Map(theirs.map((run) => [run.round, run.figures[scenario.figure]]))
  const ratios = new Map()
  for (const run of mine) {
    const base = byRound.get(run.round)
    if (base > 0) ratios.set(run.round, run.figures[scenario.figure] / base)
  }
  return [...ratios.values()]
}
