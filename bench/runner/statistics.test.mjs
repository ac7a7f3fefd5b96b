import assert from 'node:assert/strict'
import test from 'node:test'
import { median, medianInterval } from './statistics.mjs'

const upTo = (n) => Array.from({ length: n }, (_, i) => n - i)

test('the median of an even number of values lies between the middle two', () => {
  assert.equal(median([9, 1, 3, 5]), 4)
  assert.equal(median([7, 1, 3]), 3)
})

// The ranks are those of any table of the sign test.
test('the interval of the median has the ranks of the sign test', () => {
  const ranks = { 6: [1, 6], 8: [1, 8], 9: [2, 8], 12: [3, 10], 15: [4, 12], 20: [6, 15], 25: [8, 18] }
  for (const [n, [low, high]] of Object.entries(ranks)) {
    assert.deepEqual(medianInterval(upTo(Number(n))), { low, high, sure: true }, `${n} values`)
  }
})

test('fewer than six values give their range, not an interval', () => {
  assert.deepEqual(medianInterval([3, 1, 2]), { low: 1, high: 3, sure: false })
  assert.deepEqual(medianInterval([2]), { low: 2, high: 2, sure: false })
})
