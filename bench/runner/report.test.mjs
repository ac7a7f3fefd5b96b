import assert from 'node:assert/strict'
import test from 'node:test'
import { charts } from './charts.mjs'
import { measuredScenarios, markdown, snippet } from './report.mjs'
import { scenarios } from './scenarios.mjs'
import { servers } from './servers.mjs'

const meta = {
  command: 'node bench/run.mjs',
  date: '2026-01-02T03:04:05Z',
  machine: 'a machine',
  version: 'abc',
  baseline: 'floor',
  tolerance: 0.05,
  secs: 2,
  servers: servers.map(({ name, title }) => ({ name, title })),
  scenarios: scenarios.map(({ name }) => name),
  skipped: [{ scenario: 'tls-get-16', reason: 'needs openssl' }],
}
// Every figure that any column can ask for.
const figures = (n) => new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : n) })
const runs = scenarios.flatMap((scenario) =>
  ['floor', 'wingbeat', 'feathers'].map((server, n) => ({ scenario: scenario.name, server, round: 0, figures: figures(n + 1) })),
)
const counts = [
  { scenario: 'get-16', server: 'floor', each: 1000 },
  { scenario: 'get-16', server: 'wingbeat', each: 1500 },
]

test('the results begin with the targets and hold every scenario', () => {
  const text = markdown(meta, runs, counts, [{ title: 'Cost', path: 'plots/ratios.svg' }])
  for (const { name } of scenarios) assert.ok(text.includes(`## ${name}: `), name)
  assert.ok(text.indexOf('## Targets') < text.indexOf('## All scenarios'))
  assert.match(text, /\| get, 1 in flight \| × floor \| ≤ 1.05 \| 2.00 \| .* \| \*\*missed\*\*/)
  assert.match(text, /- tls-get-16: needs openssl/)
  assert.match(text, /!\[Cost\]\(plots\/ratios.svg\)/)
  assert.match(text, /\| Wingbeat \| 1,500 \(1.50×\) \|/)
  assert.doesNotMatch(text, /undefined|NaN/)
})

test('links in the overview lead to the headings', () => {
  const text = markdown(meta, runs, [])
  const slug = (line) => line.slice(3).toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
  const headings = new Set(text.split('\n').filter((line) => line.startsWith('## ')).map(slug))
  const links = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, link]) => link)
  assert.ok(links.length > 20)
  for (const link of links) assert.ok(headings.has(link), link)
})

test('the short table has one row a server that was measured', () => {
  assert.deepEqual(
    snippet(meta, runs).split('\n').filter((line) => line.startsWith('| ')).map((line) => line.split(' | ')[0]),
    ['| server', '| floor, by hand', '| Wingbeat', '| Feathers (Node)'],
  )
})

test('every chart has what it is drawn from', () => {
  const drawn = charts(meta, runs, measuredScenarios(meta))
  assert.deepEqual(drawn.map(({ file }) => file), ['ratios', 'calls', 'delivery', 'latency', 'memory'])
  const [ratios] = drawn
  assert.deepEqual(ratios.rows[0], { label: 'get, 1 in flight', value: 2, low: 2, high: 2, sure: false, limit: 1.05 })
})

test('a run of one scenario has no empty charts', () => {
  const some = runs.filter((run) => run.scenario === 'idle')
  assert.deepEqual(charts(meta, some, measuredScenarios(meta)).map(({ file }) => file), ['ratios', 'memory'])
})
