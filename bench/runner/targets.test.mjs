import assert from 'node:assert/strict'
import test from 'node:test'
import { scenarios } from './scenarios.mjs'
import { servers } from './servers.mjs'
import { targets, verdicts } from './targets.mjs'

const runs = (scenario, figure, costs) =>
  Array.from({ length: 9 }, (_, round) =>
    Object.entries(costs).map(([server, cost]) => {
      const value = (typeof cost === 'number' ? cost : cost[round % cost.length]) * (1 + round / 10)
      return { scenario, server, round, disturbed: false, figures: { [figure]: value } }
    }),
  ).flat()

const verdict = (all, scenario, against) =>
  verdicts(all).find((v) => v.target.scenario === scenario && v.against === against)

test('every target names a scenario and servers that there are', () => {
  for (const { scenario, server = 'wingbeat', against } of targets) {
    assert.ok(scenarios.some(({ name }) => name === scenario), scenario)
    for (const name of [server, ...Object.keys(against)]) assert.ok(servers.some((s) => s.name === name), name)
  }
})

test('a ratio within its limit is ok, one beyond is missed', () => {
  const all = runs('get-1', 'server_cpu_us', { wingbeat: 1.04, floor: 1, socketioxide: 1.1, feathers: 8 })
  assert.deepEqual(
    ['floor', 'socketioxide', 'feathers'].map((name) => verdict(all, 'get-1', name).verdict),
    ['ok', 'missed', 'ok'],
  )
})

test('what was not measured is open', () => {
  assert.equal(verdict([], 'get-1', 'floor').verdict, 'open')
})

test('an interval that reaches over the limit leaves a doubt', () => {
  const steady = verdict(runs('get-1', 'server_cpu_us', { wingbeat: 1, floor: 1 }), 'get-1', 'floor')
  const shaky = verdict(runs('get-1', 'server_cpu_us', { wingbeat: [1, 1.2, 0.9], floor: 1 }), 'get-1', 'floor')
  assert.deepEqual([steady.verdict, steady.sure], ['ok', true])
  assert.deepEqual([shaky.verdict, shaky.sure], ['ok', false])
})

test('a limit can be for the figure itself, or for a difference', () => {
  assert.equal(verdict(runs('idle', 'rss_kib_per_conn', { wingbeat: 1 }), 'idle', undefined).verdict, 'ok')
  const hooks = { wingbeat: 1, 'wingbeat-hooks5': 1.2 }
  assert.equal(verdict(runs('hooks-5', 'server_cpu_us', hooks), 'hooks-5', undefined).verdict, 'missed')
  const million = [{ scenario: 'sessions-1000000', server: 'wingbeat', round: 0, figures: { peak_rss_mib: 1900 } }]
  assert.ok(verdict(million, 'sessions-1000000', undefined).value < 2)
})
