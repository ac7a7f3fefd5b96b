import assert from 'node:assert/strict'
import test from 'node:test'
import { allocators, quality } from './quality.mjs'
import { scenarios } from './scenarios.mjs'

const measured = scenarios.filter(({ name }) => name === 'get-1')
const meta = {
  baseline: 'floor',
  secs: 2,
  tolerance: 0.05,
  rounds: 7,
  plan: { 'get-1': { floor: 7, wingbeat: 7, feathers: 2 } },
  servers: [{ name: 'floor' }, { name: 'wingbeat' }, { name: 'feathers', reference: true }],
}
const run = (server, round, more) => ({ scenario: 'get-1', server, round, figures: { server_cpu_us: 1 }, ...more })
const rounds = (server, n) => Array.from({ length: n }, (_, round) => run(server, round))
const whole = [...rounds('floor', 7), ...rounds('wingbeat', 7), ...rounds('feathers', 2)]
const said = (runs) => quality(meta, runs, measured).join('\n')

test('a whole run says that it is, and on how few pairs the others rest', () => {
  assert.match(said(whole), /^Complete: all of 16 measurements/)
  assert.match(said(whole), /A ratio of the others' on 2 pairs: fewer than six/)
})

test('a run that was broken off says so, and where', () => {
  const text = said(whole.filter(({ round }) => round < 3))
  assert.match(text, /\*\*Not complete\*\*: of 16 .* 8 were not made \(broken off in round 3 of 7\)\./)
  assert.match(text, /A ratio of Wingbeat's on 3 pairs and of the others' on 2 pairs/)
})

test('what failed or was always disturbed is missing as well', () => {
  const runs = whole.map((one) => {
    if (one.server === 'feathers') return run('feathers', one.round, { figures: undefined, error: 'no answer' })
    return one.round === 1 ? { ...one, disturbed: true } : one
  })
  const text = said(runs)
  assert.match(text, /\*\*Not complete\*\*: of 16 .* 2 failed and 2 have no undisturbed run\./)
  assert.match(text, /16 runs of 2 s; 2 of them were discarded because others used more than 5% of a core/)
})

test('scenarios with times of their own are told apart', () => {
  const runs = [...whole, ...['stalled', 'idle'].map((scenario) => ({ ...run('wingbeat', 0), scenario }))]
  assert.match(quality(meta, runs, scenarios).join('\n'), /18 runs of 2 s \(stalled 8 s; memory has waits of its own\);/)
})

test('a disturbed run that was repeated is not missing', () => {
  assert.match(said([run('floor', 0, { disturbed: true }), ...whole]), /^Complete: /)
})

test('servers of one allocator need no warning', () => {
  const servers = [{ name: 'a', allocator: 'x' }, { name: 'b', allocator: 'x' }]
  assert.deepEqual(allocators({ servers }), [])
  assert.match(allocators({ servers: [...servers, { name: 'c', allocator: 'y' }] })[0], /x in `a` and `b`; y in `c`\./)
})
