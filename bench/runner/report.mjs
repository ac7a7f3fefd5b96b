// The documents: RESULTS.md, and the short table for the project's README.
import { count, digits, mark, table } from './format.mjs'
import { scenarios } from './scenarios.mjs'
import { summarise } from './summary.mjs'
import { heading, instructionTable, overview, scenarioTable, targetTable } from './tables.mjs'

/** `plots` are the charts that were drawn: title, and path from where the document will be. */
export function markdown(meta, runs, counts, plots = []) {
  const measured = measuredScenarios(meta)
  const parts = [
    '# Results',
    `Made by \`${meta.command}\`${meta.version ? ` at commit ${meta.version}` : ''} on ${meta.date.slice(0, 10)}. ` +
      'What the columns mean and how to make this file again: [README.md](README.md).',
    `Machine: ${meta.machine}. The server has one core, the load generator another.`,
    quality(meta, runs),
    '## Targets',
    'A question mark: the interval reaches to the other side of the limit.',
    targetTable(runs),
    '## All scenarios',
    overview(meta, runs, measured),
    ...plots.map(({ title, path }) => `![${title}](${path})`),
    ...(counts.length
      ? ['## Instructions', 'Per operation, counted by callgrind: they do not depend on the machine.', instructionTable(meta, counts, measured)]
      : []),
    ...(meta.skipped?.length
      ? ['## Not measured', meta.skipped.map(({ scenario, reason }) => `- ${scenario}: ${reason}`).join('\n')]
      : []),
    ...measured.flatMap((scenario) =>
      runs.some((run) => run.scenario === scenario.name)
        ? [`## ${heading(scenario)}`, scenarioTable(meta, runs, scenario)]
        : [],
    ),
  ]
  return parts.join('\n\n') + '\n'
}

export const measuredScenarios = (meta) => scenarios.filter(({ name }) => meta.scenarios.includes(name))

const inReadme = ['get-1', 'get-16', 'delivery-1000-1', 'delivery-1000-8', 'delivery-5000-1', 'idle', 'connect', 'upgrade']

/** One row a server, one column a scenario, as a reader wants to see it. */
export function snippet(meta, runs) {
  const shown = measuredScenarios(meta).filter(({ name }) => inReadme.includes(name))
  const rows = meta.servers.flatMap(({ name, title }) => {
    const cells = shown.map((scenario) => {
      const summary = summarise(runs, scenario, name, meta.baseline)
      if (!summary) return '–'
      const ratio = summary.ratio === undefined || name === meta.baseline ? '' : ` (${digits(summary.ratio)}×)`
      return `${digits(summary.value)}${mark(summary)}${ratio}`
    })
    return cells.every((cell) => cell === '–') ? [] : [[title, ...cells]]
  })
  const legend =
    'CPU microseconds of the server per operation (memory where KiB stands), one core; in brackets, how many times the ' +
    `${titleOf(meta, meta.baseline)}. ${meta.machine}.`
  return `${table(['server', ...shown.map((s) => s.inShort)], rows)}\n\n${legend}`
}

function quality(meta, runs) {
  const share = `${Math.round(meta.tolerance * 100)}%`
  const disturbed = runs.filter((run) => run.disturbed).length
  const figures = `${count(runs.length)} runs of ${meta.secs} s`
  if (!disturbed) return `${figures}; in none of them did anybody else use more than ${share} of a core.`
  return (
    `${figures}; ${disturbed} of them were discarded because others used more than ${share} of a core. ` +
    'Where † stands, no undisturbed run was left: do not rely on it.'
  )
}

function titleOf(meta, name) {
  return meta.servers.find((server) => server.name === name)?.title ?? name
}
