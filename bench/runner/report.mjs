// The tables: RESULTS.md, and the short one for the project's README.
import { scenarios } from './scenarios.mjs'
import { summarise } from './summary.mjs'

export function markdown(meta, runs) {
  const measured = scenarios.filter(({ name }) => meta.scenarios.includes(name))
  const parts = [
    '# Results',
    `Made by \`${meta.command}\`${meta.version ? ` at commit ${meta.version}` : ''} on ${meta.date.slice(0, 10)}. ` +
      'What the columns mean and how to make this file again: [README.md](README.md).',
    `Machine: ${meta.machine}. The server has one core, the load generator another.`,
    quality(meta, runs),
    ...measured.flatMap((scenario) => [`## ${scenario.name}: ${scenario.title}`, scenarioTable(meta, runs, scenario)]),
  ]
  return parts.join('\n\n') + '\n'
}

/** One row a server, one column a scenario, as a reader wants to see it. */
export function snippet(meta, runs) {
  const shown = scenarios.filter((s) => meta.scenarios.includes(s.name) && s.inShort)
  const rows = meta.servers.map(({ name, title }) => [
    title,
    ...shown.map((scenario) => {
      const summary = summarise(runs, scenario, name, meta.baseline)
      if (!summary) return '–'
      const ratio = summary.ratio === undefined || name === meta.baseline ? '' : ` (${times(summary.ratio)})`
      return `${digits(summary.figure(scenario.figure))}${mark(summary)}${ratio}`
    }),
  ])
  const legend =
    'CPU microseconds of the server per operation (memory where KiB stands), one core; in brackets, how many times the ' +
    `${titleOf(meta, meta.baseline)}. ${meta.machine}.`
  return `${table(['server', ...shown.map((s) => s.inShort)], rows)}\n\n${legend}`
}

function scenarioTable(meta, runs, scenario) {
  const { unit, per, figure, memory } = scenario
  const columns = memory
    ? [
        ['MiB before', (s) => digits(s.figure('rss_before_kib') / 1024)],
        ['MiB after closing', (s) => digits(s.figure('rss_closed_kib') / 1024)],
      ]
    : [
        ['user', (s) => digits(s.figure('server_user_us'))],
        ['system', (s) => digits(s.figure('server_sys_us'))],
        ['p50 ms', (s) => digits(s.figure('p50_us') / 1000)],
        ['p99 ms', (s) => digits(s.figure('p99_us') / 1000)],
        ['per second', (s) => Math.round(s.figure('per_s')).toLocaleString('en')],
      ]
  const rows = meta.servers.flatMap(({ name, title }) => {
    const summary = summarise(runs, scenario, name, meta.baseline)
    if (!summary) return failed(runs, scenario, name) ? [[title, 'failed']] : []
    const cells = columns.map(([, cell]) => cell(summary))
    return [[title, digits(summary.figure(figure)) + mark(summary), ...cells, ...comparison(summary, name, meta)]]
  })
  const base = `× ${meta.baseline}`
  return table(['server', `${unit} / ${per}`, ...columns.map(([head]) => head), base, '95% interval', 'runs'], rows)
}

function comparison(summary, name, meta) {
  const { ratio, interval, runs } = summary
  if (name === meta.baseline) return ['1', '', `${runs}`]
  if (ratio === undefined) return ['–', '', `${runs}`]
  if (summary.pairs === 1) return [digits(ratio), 'one pair', `${runs}`]
  const range = `${digits(interval.low)}–${digits(interval.high)}${interval.sure ? '' : ' (range)'}`
  return [digits(ratio), range, `${runs}`]
}

function quality(meta, runs) {
  const share = `${Math.round(meta.tolerance * 100)}%`
  const disturbed = runs.filter((run) => run.disturbed).length
  const figures = `${runs.length} runs of ${meta.secs} s`
  if (!disturbed) return `${figures}; in none of them did anybody else use more than ${share} of a core.`
  return (
    `${figures}; ${disturbed} of them were discarded because others used more than ${share} of a core. ` +
    'Where † stands, no undisturbed run was left: do not rely on it.'
  )
}

function failed(runs, scenario, server) {
  return runs.some((run) => run.scenario === scenario.name && run.server === server && run.error)
}

function titleOf(meta, name) {
  return meta.servers.find((server) => server.name === name)?.title ?? name
}

function mark({ disturbed }) {
  return disturbed ? ' †' : ''
}

function times(ratio) {
  return `${digits(ratio)}×`
}

/** Three digits that mean something. */
function digits(value) {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

function table(head, rows) {
  const line = (cells) => `| ${head.map((_, i) => cells[i] ?? '').join(' | ')} |`
  return [line(head), `|---|${'---:|'.repeat(head.length - 1)}`, ...rows.map(line)].join('\n')
}
