import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { charts } from './charts.mjs'
import { here, root } from './paths.mjs'
import { measuredScenarios, markdown, snippet } from './report.mjs'
import { scenarios } from './scenarios.mjs'
import { servers } from './servers.mjs'

const meta = {
  commands: ['node bench/run.mjs'],
  date: '2026-01-02T03:04:05Z',
  machine: 'a machine',
  version: 'abc',
  baseline: 'floor',
  tolerance: 0.05,
  secs: 2,
  rounds: 2,
  plan: {},
  servers: servers.map(({ name, title, reference, allocator }) => ({ name, title, reference, allocator })),
  scenarios: scenarios.map(({ name }) => name),
  skipped: [{ scenario: 'tls-get-16', reason: 'needs openssl' }],
}
// Every figure that any column can ask for.
const figures = (n) => new Proxy({}, { get: (_, name) => (name === 'then' ? undefined : n) })
const runs = [0, 1].flatMap((round) =>
  scenarios.flatMap((scenario) =>
    ['floor', 'wingbeat', 'feathers'].map((server, n) => ({ scenario: scenario.name, server, round, figures: figures(n + 1) })),
  ),
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
  assert.match(text, /\*\*The allocators differ\*\*: glibc's in `floor`, .*; jemalloc in `wingbeat`, .*; Node's own heap in `feathers`/)
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

test('a figure from one pair has neither range nor verdict', () => {
  const text = markdown(meta, runs.filter(({ round }) => round === 0), [])
  assert.match(text, /\| get, 1 in flight \| × floor \| ≤ 1.05 \| 2.00 \| one pair \| \? \|/)
  assert.match(text, /\| idle connection, bare \| KiB \| ≤ 1.5 \| 2.00 \| one run \| \? \|/)
})

test('the table for the README has one row a server that was measured', () => {
  assert.deepEqual(
    snippet(meta, runs).split('\n').filter((line) => line.startsWith('| ')).map((line) => line.split(' | ')[0]),
    ['| server', '| floor, by hand', '| Wingbeat', '| Feathers (Node)'],
  )
})

test('the table for the README has nothing that was always disturbed', () => {
  const [, row] = /^\| Feathers \(Node\) \| (.*) \|$/m.exec(
    snippet(meta, runs.map((run) => (run.server === 'feathers' && run.scenario === 'get-16' ? { ...run, disturbed: true } : run))),
  )
  assert.deepEqual(row.split(' | ').slice(0, 3), ['3.00 (3.00×)', '–', '3.00 (3.00×)'])
})

test('every chart has what it is drawn from', () => {
  const drawn = charts(meta, runs, measuredScenarios(meta))
  assert.deepEqual(drawn.map(({ file }) => file), ['ratios', 'calls', 'delivery', 'latency', 'memory', 'data-sqlite', 'data-postgres'])
  const [ratios] = drawn
  assert.deepEqual(ratios.rows[0], { label: 'get, 1 in flight', value: 2, low: 2, high: 2, sure: false, limit: 1.05 })
})

test('a run of one scenario has no empty charts', () => {
  const some = runs.filter((run) => run.scenario === 'idle')
  assert.deepEqual(charts(meta, some, measuredScenarios(meta)).map(({ file }) => file), ['ratios', 'memory'])
})

const cells = (line) => line.split('|').slice(1, -1).map((cell) => cell.trim())

test("the project's README has the table that a run prints, with the figures of TARGETS.md", () => {
  const [readme, results] = [join(root, 'README.md'), join(here, 'TARGETS.md')].map((file) => readFileSync(file, 'utf8'))
  const [head, , ...printed] = snippet(meta, runs).split('\n')
  const legend = printed.at(-1).replace(/ to “.*/, '')
  assert.ok(readme.includes(`\n${head}\n`) && readme.includes(`\n${legend}`))
  const shown = readme.slice(readme.indexOf(`\n${head}\n`) + 1).split('\n\n')[0].split('\n').slice(2)
  assert.deepEqual(shown.map((line) => cells(line)[0]), ['floor, by hand', 'Wingbeat', 'socketioxide', 'Feathers (Node)'])
  for (const line of shown) {
    const [title, ...figures] = cells(line)
    for (const [n, inShort] of cells(head).slice(1).entries()) {
      const { name } = scenarios.find((scenario) => scenario.inShort === inShort)
      const section = results.split(/^## /m).find((text) => text.startsWith(`${name}: `))
      const row = section.split('\n').filter((line) => line.startsWith('|')).map(cells).find(([first]) => first === title)
      if (!row || row[1].endsWith('†')) assert.equal(figures[n], '–', `${title}, ${inShort}`)
      else assert.equal(figures[n].split(' ')[0], row[1], `${title}, ${inShort}`)
    }
  }
})
