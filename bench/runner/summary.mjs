// From runs to medians and to ratios against the baseline.
import { median, medianInterval } from './statistics.mjs'

/**
 * What `server` did in `scenario`: the medians of its runs, and how its figure stands to that
 * of the baseline in the same round. Disturbed runs are left out, unless there are no others.
 * `of` takes another figure than the scenario's own from a run.
 */
export function summarise(runs, scenario, server, baseline, of = (figures) => figures[scenario.figure]) {
  const all = runs.filter((run) => run.scenario === scenario.name && run.figures)
  const by = (name) => all.filter((run) => run.server === name)
  const clean = (list) => list.filter((run) => !run.disturbed)
  const disturbed = clean(by(server)).length === 0
  const mine = disturbed ? by(server) : clean(by(server))
  if (!mine.length) return undefined

  const undisturbed = pairs(clean(by(server)), clean(by(baseline)), of)
  const noisy = undisturbed.length === 0
  const paired = noisy ? pairs(by(server), by(baseline), of) : undisturbed
  const ratios = paired.filter(([, base]) => base > 0).map(([own, base]) => own / base)
  const differences = paired.map(([own, base]) => own - base)
  const values = mine.map((run) => of(run.figures))
  return {
    disturbed: disturbed || (noisy && paired.length > 0),
    value: median(values),
    valueInterval: medianInterval(values),
    figure: (name) => median(mine.map((run) => run.figures[name])),
    runs: mine.length,
    pairs: ratios.length,
    ratio: ratios.length ? median(ratios) : undefined,
    interval: ratios.length ? medianInterval(ratios) : undefined,
    difference: differences.length ? median(differences) : undefined,
    differenceInterval: differences.length ? medianInterval(differences) : undefined,
  }
}

/** One pair a round; where a round has several runs, the last counts. */
function pairs(mine, theirs, of) {
  const byRound = new Map(theirs.map((run) => [run.round, of(run.figures)]))
  const paired = new Map()
  for (const run of mine) {
    if (byRound.has(run.round)) paired.set(run.round, [of(run.figures), byRound.get(run.round)])
  }
  return [...paired.values()]
}
