import assert from 'node:assert/strict'
import test from 'node:test'
import { perOperation, total } from './instructions.mjs'

test('what both runs have is no part of an operation', () => {
  const [few, many] = [1000, 3000].map((operations) => ({ operations, instructions: 5_000_000 + 700 * operations }))
  assert.equal(perOperation(few, many), 700)
  assert.throws(() => perOperation(few, few))
})

test('the total of a profile is found', () => {
  const profile = 'version: 1\nevents: Ir\nsummary: 123456\n\nfn=(1) main\n1 10\n\ntotals: 123456\n'
  assert.equal(total(profile), 123_456)
  assert.throws(() => total('version: 1\n'))
})
