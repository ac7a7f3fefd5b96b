import assert from 'node:assert/strict'
import test from 'node:test'
import { summarise } from './summary.mjs'

const scenario = { name: 'get-1', figure: 'us' }
const run = (server, round, us, disturbed = false) => ({
  scenario: 'get-1', server, round, disturbed, figures: { us },
})

test('a ratio is taken within a round, and then the median of the ratios', () => {
  // The machine gets slower by half each round; the ratio does not change.
  const runs = [10, 15, 22].flatMap((us, round) => [run('floor', round, us), run('ours', round, us * 1.2)])
  const ours = summarise(runs, scenario, 'ours', 'floor')
  assert.ok(Math.abs(ours.ratio - 1.2) < 1e-9)
  assert.equal(ours.figure('us'), 18)
  assert.equal(ours.pairs, 3)
})

test('a disturbed run counts for nothing where there are others', () => {
  const runs = [
    run('floor', 0, 10), run('ours', 0, 90, true), run('ours', 0, 12),
    run('floor', 1, 50, true), run('ours', 1, 12),
  ]
  const ours = summarise(runs, scenario, 'ours', 'floor')
  assert.deepEqual([ours.ratio, ours.pairs, ours.runs, ours.disturbed], [1.2, 1, 2, false])
})

test('what was always disturbed is shown and marked', () => {
  const runs = [run('floor', 0, 10), run('ours', 0, 20, true)]
  const ours = summarise(runs, scenario, 'ours', 'floor')
  assert.deepEqual([ours.ratio, ours.disturbed], [2, true])
})

test('a failed run is no result', () => {
  const runs = [{ scenario: 'get-1', server: 'ours', round: 0, error: 'no upgrade' }]
  assert.equal(summarise(runs, scenario, 'ours', 'floor'), undefined)
})

test('a difference is taken within a round as well', () => {
  const runs = [1, 2, 9].flatMap((us, round) => [run('none', round, us), run('five', round, us + 0.1)])
  const five = summarise(runs, scenario, 'five', 'none')
  assert.ok(Math.abs(five.difference - 0.1) < 1e-9)
})

test('another figure can be asked for than the one that counts', () => {
  const runs = [{ ...run('ours', 0, 1), figures: { us: 1, mib: 2048 } }]
  assert.equal(summarise(runs, scenario, 'ours', 'ours', (figures) => figures.mib / 1024).value, 2)
})

test('nothing is compared with a baseline that has no cost', () => {
  const ours = summarise([run('floor', 0, 0), run('ours', 0, 2)], scenario, 'ours', 'floor')
  assert.deepEqual([ours.ratio, ours.difference], [undefined, 2])
})
