// The tables of RESULTS.md.
import { count, digits, mark, range, table } from './format.mjs'
import { summarise } from './summary.mjs'
import { verdicts } from './targets.mjs'

const ms = (name) => (s) => digits(s.figure(name) / 1000)
const mib = (name) => (s) => digits(s.figure(name) / 1024)
const plain = (name) => (s) => digits(s.figure(name))

/** What stands beside the figure that counts: heading and cell. */
const columns = {
  cost: [
    ['user', plain('server_user_us')],
    ['system', plain('server_sys_us')],
    ['p50 ms', ms('p50_us')],
    ['p99 ms', ms('p99_us')],
    ['per second', (s) => count(s.figure('per_s'))],
  ],
  data: [
    ['user', plain('server_user_us')],
    ['system', plain('server_sys_us')],
    ["the database's own", (s) => (s.figure('database_cpu_us') > 0 ? digits(s.figure('database_cpu_us')) : '')],
    ['p50 µs', plain('p50_us')],
    ['p99 µs', plain('p99_us')],
    ['per second', (s) => count(s.figure('per_s'))],
  ],
  memory: [
    ['MiB before', mib('rss_before_kib')],
    ['MiB after closing', mib('rss_closed_kib')],
  ],
  storm: [
    ['µs of CPU / connection', plain('server_cpu_us')],
    ['MiB before', mib('rss_before_kib')],
    ['MiB at most', mib('peak_rss_kib')],
    ['MiB after closing', mib('rss_closed_kib')],
  ],
  returns: [
    ['µs of CPU / return', plain('server_cpu_us')],
    ['µs of CPU / connection', plain('connect_cpu_us')],
    ['s until all are back', plain('wall_s')],
    ['KiB / lost connection', plain('lost_kib_per_conn')],
  ],
  latency: [
    ['calls / s', (s) => count(s.figure('rate'))],
    ['p50 µs', plain('p50_us')],
    ['p99 µs', plain('p99_us')],
    ['p99.9 µs', plain('p999_us')],
    ['µs of CPU / call', plain('server_cpu_us')],
  ],
  beside: [
    ['p99 ms alone', ms('quiet_p99_us')],
    ['p99 ms beside', ms('p99_us')],
    ['p99.9 ms more', plain('p999_rise_ms')],
  ],
  fair: [
    ['p99 ms alone', ms('quiet_p99_us')],
    ['p99 ms beside', ms('p99_us')],
    ['answers / s to the others', (s) => count(s.figure('attack_per_s'))],
  ],
  stalled: [
    ['p99 ms alone', ms('quiet_p99_us')],
    ['p99 ms beside', ms('p99_us')],
    ['of those closed', plain('closed')],
    ['MiB more at most', plain('peak_rise_mib')],
  ],
  sessions: [
    ['of them the connection in memory', plain('bytes_of_connection')],
    ['MiB at most', plain('peak_rss_mib')],
    ['µs of CPU / session opened', plain('open_us_per_session')],
    ['µs of CPU / heartbeat', plain('heartbeat_us')],
    ['share of a core for all heartbeats', plain('heartbeat_cpu_share')],
    ['µs of CPU / delivery', plain('delivery_us')],
    ['ms until all have it', plain('delivery_ms_to_all')],
  ],
}

const words = { ok: 'ok', missed: '**missed**', open: '?' }

/** The targets: what was asked for, what was measured, and whether that is enough. */
export function targetTable(runs) {
  const rows = verdicts(runs).map(({ target, against, limit, unit, value, interval, times, disturbed, verdict }) => {
    const what = against ? `× ${against}` : unit
    const compared = against || target.figure.differenceTo
    const figure = value === undefined ? 'not measured' : digits(value) + mark({ disturbed })
    const spread = interval ? range(interval, times, compared ? 'pair' : 'run') : ''
    return [target.work, what, `≤ ${limit}`, figure, spread, words[verdict]]
  })
  return table(['work', 'figure', 'target', 'measured', '95% interval', ''], rows)
}

/** One row a scenario: the cost of the baseline and of Wingbeat, and the ratios that matter. */
export function overview(meta, runs, measured) {
  const rows = measured.flatMap((scenario) => {
    const [server, baseline] = [scenario.servers?.at(-1) ?? 'wingbeat', scenario.baseline ?? meta.baseline]
    const ours = summarise(runs, scenario, server, baseline)
    if (!ours) return []
    const against = (name) => {
      const summary = summarise(runs, scenario, scenario.store ? server : 'wingbeat', name)
      return summary?.ratio === undefined || scenario.noRatio ? '' : digits(summary.ratio) + mark(summary)
    }
    // Where Wingbeat itself is what the others are compared with, it has no ratio.
    const compared = ours.ratio !== undefined && !scenario.noRatio && server !== baseline
    return [
      [
        `[${scenario.name}](#${anchor(scenario)})`,
        `${scenario.unit} / ${scenario.per}`,
        digits(ours.value) + mark(ours),
        compared ? digits(ours.ratio) + (scenario.baseline ? ` × ${scenario.baseline}` : '') : '',
        compared ? range(ours.interval, ours.pairs) : '',
        against('socketioxide'),
        against(scenario.feathers ?? 'feathers'),
      ],
    ]
  })
  const head = ['scenario', 'figure', 'Wingbeat', `× ${meta.baseline}`, '95% interval', '× socketioxide', '× Feathers']
  return table(head, rows)
}

export const heading = (scenario) => `${scenario.name}: ${scenario.title}`

/** As GitHub makes it of a heading. */
function anchor(scenario) {
  return heading(scenario).toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
}

export function scenarioTable(meta, runs, scenario) {
  const { unit, per } = scenario
  const shown = columns[scenario.columns]
  const baseline = scenario.baseline ?? meta.baseline
  const rows = meta.servers.flatMap(({ name, title }) => {
    const summary = summarise(runs, scenario, name, baseline)
    if (!summary) return failed(runs, scenario, name) ? [[title, 'failed']] : []
    const cells = shown.map(([, cell]) => cell(summary))
    const compared = scenario.noRatio ? [`${summary.runs}`] : comparison(summary, name === baseline)
    return [[title, digits(summary.value) + mark(summary), ...cells, ...compared]]
  })
  const compared = scenario.noRatio ? ['runs'] : [`× ${baseline}`, '95% interval', 'runs']
  return table(['server', `${unit} / ${per}`, ...shown.map(([head]) => head), ...compared], rows)
}

function comparison({ ratio, interval, runs, pairs }, isBaseline) {
  if (isBaseline) return ['1', '', `${runs}`]
  if (ratio === undefined) return ['–', '', `${runs}`]
  return [digits(ratio), range(interval, pairs), `${runs}`]
}

/** Instructions per operation, and their ratio to those of the scenario's baseline. */
export function instructionTable(meta, counts, measured) {
  const each = (scenario, server) => counts.find((c) => c.scenario === scenario.name && c.server === server)
  const shown = measured.filter((scenario) => counts.some((c) => c.scenario === scenario.name))
  const rows = meta.servers
    .filter(({ name }) => counts.some((c) => c.server === name))
    .map(({ name, title }) => [
      title,
      ...shown.map((scenario) => {
        const baseline = scenario.baseline ?? meta.baseline
        const [own, base] = [each(scenario, name), each(scenario, baseline)]
        if (!own) return ''
        if (own.error) return 'failed'
        const ratio = base?.each && name !== baseline ? ` (${digits(own.each / base.each)}×)` : ''
        return count(own.each) + ratio
      }),
    ])
  const against = ({ baseline }) => (baseline ? `, × ${baseline}` : '')
  return table(['server', ...shown.map((scenario) => `${scenario.name} / ${scenario.per}${against(scenario)}`)], rows)
}

function failed(runs, scenario, server) {
  return runs.some((run) => run.scenario === scenario.name && run.server === server && run.error)
}
