import assert from 'node:assert/strict'
import test from 'node:test'
import { scenarios } from './scenarios.mjs'
import { possible } from './skip.mjs'

const machine = { files: 20_000, mib: 8000, openssl: true, postgres: '/usr/bin' }
const skipped = (more) => possible(scenarios, { ...machine, ...more }).skipped.map(({ scenario }) => scenario)

test('a machine with all that is needed leaves nothing out', () => {
  assert.deepEqual(skipped({}), [])
})

test('too few open files leave out the large ones, and say so', () => {
  assert.deepEqual(skipped({ files: 8192 }), ['delivery-15000-1', 'delivery-15000-8', 'beside', 'direct', 'direct-2', 'returns'])
  const [{ reason }] = possible(scenarios, { ...machine, files: 8192 }).skipped
  assert.match(reason, /15,100 open files, and 8,192 are allowed/)
})

test('without openssl nothing is encrypted', () => {
  assert.deepEqual(skipped({ openssl: false }), ['tls-get-16', 'tls-delivery-1000-1'])
})

test('a million sessions need their memory', () => {
  assert.deepEqual(skipped({ mib: 2000 }), ['sessions-1000000'])
})

test('without PostgreSQL what stands on SQLite is measured all the same', () => {
  const left = skipped({ postgres: undefined })
  assert.ok(left.length > 0 && left.every((name) => /^(data|real)-.*postgres/.test(name)), left.join())
})
