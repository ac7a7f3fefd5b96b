// All runs, interleaved: in every round each scenario meets all servers one after another, so
// that what changes slowly on the machine changes for all of them.
import { measure } from './measure.mjs'
import { serversOf } from './options.mjs'

/** Yields every run that `done` does not have yet, those included that were disturbed or failed. */
export async function* measureRounds(options, machine, done = []) {
  const { pairs, tolerance, attempts } = options
  const had = new Set(done.map((run) => `${run.round} ${run.scenario} ${run.server}`))
  for (const { round, scenario, server } of wantedRuns(options)) {
    if (had.has(`${round} ${scenario.name} ${server.name}`)) continue
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const run = { round, scenario: scenario.name, server: server.name, attempt }
      try {
        run.figures = await measure(server, scenario, options, machine)
        // Memory is the same whoever else works.
        run.disturbed = !scenario.memory && run.figures.others_cpu_share > tolerance
      } catch (error) {
        run.error = error.message.replace(/\s+/g, ' ').slice(0, 200)
      }
      console.log(line(run, scenario, pairs))
      yield run
      if (!run.disturbed) break
    }
  }
}

/** Every run of a whole measurement, in order. */
function* wantedRuns(options) {
  for (let round = 0; round < options.pairs; round++) {
    for (const scenario of options.scenarios) {
      for (const server of takingPart(options, scenario, round)) yield { round, scenario, server }
    }
  }
}

/** How many rounds each server has in each scenario of a whole measurement. */
export function plan(options) {
  const rounds = {}
  for (const { scenario, server } of wantedRuns(options)) {
    const servers = (rounds[scenario.name] ??= {})
    servers[server.name] = (servers[server.name] ?? 0) + 1
  }
  return rounds
}

/** Who runs in this round, beginning with another server each time. */
export function takingPart(options, scenario, round) {
  const most = Math.min(scenario.rounds ?? Infinity, scenario.memory ? options.memoryRounds : Infinity)
  if (round >= most) return []
  const { baseline, referencePairs } = options
  const ofReferences = Math.min(referencePairs, scenario.referenceRounds ?? Infinity)
  const here = serversOf(scenario, options).filter(
    (server) => round < ofReferences || !server.reference || server.name === (scenario.baseline ?? baseline),
  )
  const first = round % Math.max(here.length, 1)
  return [...here.slice(first), ...here.slice(0, first)]
}

function line(run, scenario, pairs) {
  const head = `${run.round + 1}/${pairs} ${run.scenario.padEnd(23)} ${run.server.padEnd(15)}`
  if (run.error) return `${head} FAILED: ${run.error}`
  const others = `others ${(run.figures.others_cpu_share * 100).toFixed(0)}%`
  const figure = run.figures[scenario.figure].toFixed(3).padStart(9)
  return `${head} ${figure} ${scenario.unit}${run.disturbed ? `, DISTURBED (${others})` : ''}`
}
