// The documents: RESULTS.md, and the short table for the project's README.
import { digits, table } from './format.mjs'
import { allocators, quality, span } from './quality.mjs'
import { scenarios } from './scenarios.mjs'
import { summarise } from './summary.mjs'
import { heading, instructionTable, overview, scenarioTable, targetTable } from './tables.mjs'

/** `plots` are the charts that were drawn: title, and path from where the document will be. */
export function markdown(meta, runs, counts, plots = []) {
  const measured = measuredScenarios(meta)
  const parts = [
    '# Results',
    `Made by ${meta.commands.map((command) => `\`${command}\``).join(', then ')}${meta.version ? ` at commit ${meta.version}` : ''} on ${meta.date.slice(0, 10)}. ` +
      'What the columns mean and how to make this file again: [README.md](README.md).',
    `Machine: ${meta.machine}. The server has one core, the load generator another.`,
    ...quality(meta, runs, measured),
    ...allocators(meta),
    ...(runs.length
      ? [
          '## Targets',
          'A question mark: nobody knows. The interval or range reaches to the other side of the limit, there is only one ' +
            'pair or run, or others disturbed all of them (†).',
          targetTable(runs),
          '## All scenarios',
          overview(meta, runs, measured),
        ]
      : []),
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

const inReadme = {
  scenarios: ['get-1', 'get-16', 'delivery-1000-1', 'delivery-1000-8', 'delivery-5000-1', 'idle', 'idle-user', 'connect'],
  servers: ['floor', 'wingbeat', 'socketioxide', 'feathers'],
}

/** The table of the project's README, with its legend: one row a server, one column a scenario, nothing that is marked †. */
export function snippet(meta, runs) {
  const shown = measuredScenarios(meta).filter(({ name }) => inReadme.scenarios.includes(name))
  const pairs = []
  const rows = meta.servers.flatMap(({ name, title }) => {
    if (!inReadme.servers.includes(name)) return []
    const cells = shown.map((scenario) => {
      const summary = summarise(runs, scenario, name, meta.baseline)
      if (!summary || summary.disturbed) return '–'
      if (summary.ratio === undefined || name === meta.baseline) return digits(summary.value)
      pairs.push(summary.pairs)
      return `${digits(summary.value)} (${digits(summary.ratio)}×)`
    })
    return cells.every((cell) => cell === '–') ? [] : [[title, ...cells]]
  })
  const baseline = meta.servers.find(({ name }) => name === meta.baseline)?.title ?? meta.baseline
  const legend =
    'CPU microseconds of the server per operation (memory where KiB stands), one core; in brackets the median of the ' +
    `ratios to “${baseline}” in the same round, ${span(pairs, 'round')}; – where a server cannot do it, or others disturbed ` +
    `every run. ${meta.machine}.`
  return `${table(['server', ...shown.map((s) => s.inShort)], rows)}\n\n${legend}`
}
