// What the plots show; `bench/plots` only draws it. † stands where no undisturbed run was left, as in the tables.
import { mark } from './format.mjs'
import { summarise } from './summary.mjs'
import { targets } from './targets.mjs'

/** The charts for which there are figures: file, title, and data. */
export function charts(meta, runs, measured) {
  return [ratios(meta, runs, measured), calls(meta, runs, measured), delivery(meta, runs, measured),
    latency(meta, runs, measured), memory(meta, runs, measured),
    data(meta, runs, measured, 'sqlite', 'SQLite'), data(meta, runs, measured, 'postgres', 'PostgreSQL')].filter(Boolean)
}

/** Wingbeat against the baseline, one line a scenario: median, interval, and the target's limit. */
function ratios(meta, runs, measured) {
  const rows = measured
    .filter((scenario) => !scenario.baseline && !scenario.noRatio)
    .flatMap((scenario) => {
      const summary = summarise(runs, scenario, 'wingbeat', meta.baseline)
      if (summary?.ratio === undefined) return []
      const limit = targets.find((target) => target.scenario === scenario.name)?.against[meta.baseline]
      return [{ label: scenario.inShort + mark(summary), value: summary.ratio, ...summary.interval, limit: limit ?? null }]
    })
  const title = `Wingbeat's cost, as a multiple of ${meta.baseline}`
  return rows.length ? { file: 'ratios', kind: 'ratios', title, rows } : undefined
}

/** Bars on a logarithmic axis, one group a scenario. */
function bars(file, title, unit, meta, runs, shown) {
  const series = meta.servers
    .map(({ name, title }) => {
      const summaries = shown.map((scenario) => summarise(runs, scenario, name, meta.baseline))
      return { name: title + marks(summaries), values: summaries.map((summary) => summary?.value ?? null) }
    })
    .filter(({ values }) => values.some((value) => value > 0))
  const groups = shown.map((scenario) => scenario.inShort)
  return series.length ? { file, kind: 'bars', title, unit, groups, series } : undefined
}

const marks = (summaries) => mark({ disturbed: summaries.some((summary) => summary?.disturbed) })

const called = (measured, names) => measured.filter(({ name }) => names.includes(name))

function calls(meta, runs, measured) {
  const shown = called(measured, ['get-1', 'get-16', 'get-64', 'create-16', 'mixed', 'connect'])
  return bars('calls', 'What the server does with its CPU', 'µs of CPU per operation', meta, runs, shown)
}

function memory(meta, runs, measured) {
  const shown = called(measured, ['idle', 'idle-user', 'storm'])
  return bars('memory', 'Memory of a connection', 'KiB', meta, runs, shown)
}

/** Calls to tables, with as many in flight as there are figures of all servers for. */
function data(meta, runs, measured, store, title) {
  const shown = measured
    .filter((scenario) => scenario.store === store && scenario.flight === 80)
    .map((scenario) => ({ ...scenario, inShort: scenario.call === 'real' ? 'real call' : scenario.call }))
  return bars(`data-${store}`, `Calls to a table in ${title}, 80 in flight`, 'µs of CPU of the server per call', meta, runs, shown)
}

function latency(meta, runs, measured) {
  const [scenario] = called(measured, ['latency'])
  if (!scenario) return undefined
  const series = meta.servers.flatMap(({ name, title }) => {
    const summary = summarise(runs, scenario, name, meta.baseline)
    if (!summary) return []
    return [{ name: title + mark(summary), values: ['p50_us', 'p99_us', 'p999_us'].map(summary.figure) }]
  })
  const title = "Latency at half of the server's own capacity"
  const groups = ['p50', 'p99', 'p99.9']
  return series.length ? { file: 'latency', kind: 'bars', title, unit: 'µs', groups, series } : undefined
}

/** Cost of a delivery by the number of connections. */
function delivery(meta, runs, measured) {
  const shown = measured.filter(({ name }) => /^delivery-\d+-1$/.test(name))
  const series = meta.servers.flatMap(({ name, title }) => {
    const summaries = shown.map((scenario) => summarise(runs, scenario, name, meta.baseline))
    const points = shown.flatMap((scenario, n) =>
      summaries[n] ? [[Number(scenario.name.split('-')[1]), summaries[n].value]] : [],
    )
    return points.length > 1 ? [{ name: title + marks(summaries), points }] : []
  })
  if (!series.length) return undefined
  const title = 'A delivery, one create in flight'
  return { file: 'delivery', kind: 'lines', title, unit: 'µs of CPU per delivery', axis: 'connections', series }
}
