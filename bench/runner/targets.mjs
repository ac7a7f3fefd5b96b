// What Wingbeat shall cost, and whether it does. A limit is against another server (a ratio of the figure), or for the
// figure itself, or for the difference to another server.
import { summarise } from './summary.mjs'
import { scenarios } from './scenarios.mjs'

/** Of a table in a database, or a real call. */
const data = (scenario, against, more) => ({
  work: scenarios.find(({ name }) => name === scenario).inShort,
  scenario,
  server: 'wingbeat-data',
  against,
  ...more,
})

const onSqlite = { get: 1.6, find: 1.3, scan: 1.1, create: 1.5, patch: 1.5 }

export const targets = [
  { work: 'get, 1 in flight', scenario: 'get-1', against: { floor: 1.05, socketioxide: 0.85, feathers: 0.28 } },
  { work: 'get, 16 in flight', scenario: 'get-16', against: { floor: 1.1, socketioxide: 0.5, feathers: 0.07 } },
  { work: 'create, 16 in flight', scenario: 'create-16', against: { floor: 1.15 } },
  { work: 'delivery, N=1,000', scenario: 'delivery-1000-1', against: { floor: 1.05, socketioxide: 0.65, feathers: 0.27 } },
  { work: 'delivery, N=5,000', scenario: 'delivery-5000-1', against: { floor: 1.05, socketioxide: 0.4, feathers: 0.28 } },
  {
    work: 'delivery, N=1,000, 8 creates in flight',
    scenario: 'delivery-1000-8',
    against: { floor: 1.05, socketioxide: 0.75, feathers: 0.1 },
  },
  {
    work: 'idle connection, bare',
    scenario: 'idle',
    figure: { limit: 1.5, unit: 'KiB' },
    against: { socketioxide: 0.06, feathers: 0.1 },
  },
  {
    work: "idle connection, with a browser's headers, user, 3 channels",
    scenario: 'idle-user',
    figure: { limit: 2.5, unit: 'KiB' },
    against: { socketioxide: 0.06, feathers: 0.1 },
  },
  { work: 'after a reconnect storm of 4,000, each', scenario: 'storm', figure: { limit: 3, unit: 'KiB' }, against: {} },
  { work: 'connect', scenario: 'connect', against: { floor: 1.15, socketioxide: 0.85, feathers: 0.13 } },
  {
    work: 'get, 16 in flight: five around hooks',
    scenario: 'hooks-5',
    server: 'wingbeat-hooks5',
    figure: { limit: 0.15, unit: 'µs more', differenceTo: 'wingbeat' },
    against: {},
  },
  ...['get-16', 'create-16', 'delivery-1000-8'].map((name) => ({
    work: `two workers against one, ${scenarios.find((s) => s.name === name).inShort}, in order`,
    scenario: `workers-${name}`,
    server: 'wingbeat-2',
    against: { wingbeat: 1.25 },
  })),
  {
    work: 'p99 of calls beside publishing to 15,000',
    scenario: 'beside',
    figure: { limit: 1, unit: 'ms more' },
    against: {},
  },
  ...['wingbeat', 'wingbeat-2'].map((server) => ({
    work: `p99 of messages to one, beside publishing to 15,000${server === 'wingbeat' ? '' : ', two workers'}`,
    scenario: server.replace('wingbeat', 'direct'),
    server,
    figure: { limit: 1, unit: 'ms more' },
    against: {},
  })),
  {
    work: 'p99 of deliveries beside 50 of 150 that have stopped reading',
    scenario: 'stalled',
    figure: { limit: 1, unit: 'ms more' },
    against: {},
  },
  ...['calls', 'publications', 'hashes'].map((kind) => ({
    work: `p99 of 50 that create now and then, ${scenarios.find((s) => s.name === `fair-${kind}-50`).inShort.replace(/^.*?, /, '')}`,
    scenario: `fair-${kind}-50`,
    figure: { limit: 5, unit: '× alone' },
    against: {},
  })),
  ...['50', 'together'].map((name) => ({
    work: `p99 of 50 that get and create now and then, ${scenarios.find((s) => s.name === `fair-finds-${name}`).inShort.replace(/^.*?, /, '')}`,
    scenario: `fair-finds-${name}`,
    server: 'wingbeat-records',
    figure: { limit: 5, unit: '× alone' },
    against: {},
  })),
  ...Object.entries(onSqlite).map(([call, limit]) => data(`data-${call}-sqlite-16`, { 'floor-data': limit })),
  data('data-get-sqlite-1', { 'floor-data': 3 }),
  data('data-get-sqlite-1', {}, { work: 'p99 of get, 1 in flight, SQLite', figure: { limit: 60, unit: 'µs', of: (figures) => figures.p99_us } }),
  ...Object.keys(onSqlite).map((call) => data(`data-${call}-sqlite`, { 'feathers-knex': 0.1 })),
  data('data-get-postgres', { 'floor-data': 1.3, 'feathers-knex': 0.167 }),
  data('data-find50-postgres', { 'floor-data': 1.3, 'feathers-knex': 0.167 }),
  ...['sqlite', 'postgres'].map((store) => data(`real-call-${store}`, { 'floor-data': 1.5, 'feathers-knex': 0.1 })),
  {
    work: 'get over REST',
    scenario: 'rest-get',
    server: 'wingbeat-rest',
    against: { 'floor-rest': 1.25, 'feathers-express': 0.125, 'feathers-koa': 0.125 },
  },
  {
    work: 'delivery, N=1,000, with recovery',
    scenario: 'recovery-delivery-1000-1',
    server: 'wingbeat-recovery',
    against: { wingbeat: 1.03 },
  },
  {
    // Whole pages are counted: of a byte each nothing would be seen.
    work: 'idle connection, with recovery',
    scenario: 'recovery-idle',
    server: 'wingbeat-recovery',
    figure: { limit: 0.01, unit: 'KiB more', differenceTo: 'wingbeat' },
    against: {},
  },
  {
    work: 'a return with 20 missed events, one of 10,000',
    scenario: 'returns',
    server: 'wingbeat-recovery',
    figure: { limit: 60, unit: 'µs of CPU more' },
    against: {},
  },
  {
    work: 'all of 10,000 are back',
    scenario: 'returns',
    server: 'wingbeat-recovery',
    figure: { limit: 2.5, unit: 's', of: (figures) => figures.wall_s },
    against: {},
  },
  {
    work: 'lost connection that is kept',
    scenario: 'returns',
    server: 'wingbeat-recovery',
    figure: { limit: 1.5, unit: 'KiB', of: (figures) => figures.lost_kib_per_conn },
    against: {},
  },
  {
    // Copies for each would be 200 MiB. That they are closed at all is the load generator's to see.
    work: 'memory for 50 that have stopped reading, until they are closed',
    scenario: 'stalled',
    figure: { limit: 16, unit: 'MiB more', of: (figures) => figures.peak_rise_mib },
    against: {},
  },
  {
    work: 'a million sessions in memory',
    scenario: 'sessions-1000000',
    figure: { limit: 2, unit: 'GiB', of: (figures) => figures.peak_rss_mib / 1024 },
    against: {},
  },
]

export const scenariosOfTargets = new Set(targets.map((target) => target.scenario))
export const serversOfTargets = new Set(['wingbeat', ...targets.flatMap((target) => Object.keys(target.against))])

/** One verdict a limit: what was measured, its interval, and `ok`, `missed` or `open`. */
export function verdicts(runs) {
  return targets.flatMap((target) => {
    const scenario = scenarios.find(({ name }) => name === target.scenario)
    const server = target.server ?? 'wingbeat'
    const { figure } = target
    const own = figure && [{ target, limit: figure.limit, unit: figure.unit, ...ownFigure(runs, scenario, server, figure) }]
    const others = Object.entries(target.against).map(([against, limit]) => {
      const summary = summarise(runs, scenario, server, against)
      const { ratio, interval, pairs } = summary ?? {}
      return { target, against, limit, ...judge(summary, ratio, interval, pairs, limit) }
    })
    return [...(own ?? []), ...others]
  })
}

function ownFigure(runs, scenario, server, { limit, differenceTo, of }) {
  const summary = summarise(runs, scenario, server, differenceTo ?? server, of)
  if (!summary) return { verdict: 'open' }
  if (!differenceTo) return judge(summary, summary.value, summary.valueInterval, summary.runs, limit)
  return judge(summary, summary.difference, summary.differenceInterval, summary.pairs, limit)
}

/**
 * Nobody knows on which side of its limit a figure is if it was measured once, or was always disturbed, or if the
 * interval reaches to the other side; with fewer than six values the interval is their range.
 */
function judge(summary, value, interval, times, limit) {
  if (value === undefined) return { verdict: 'open' }
  const { disturbed } = summary
  const sure = times > 1 && !disturbed && (value <= limit ? interval.high <= limit : interval.low > limit)
  return { value, interval, times, disturbed, verdict: !sure ? 'open' : value <= limit ? 'ok' : 'missed' }
}
