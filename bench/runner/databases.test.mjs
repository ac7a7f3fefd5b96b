import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { findPostgres, openDatabases } from './databases.mjs'

test('the newest PostgreSQL that has all its programs is taken', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wingbeat-bench-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const install = (version, programs) => {
    const bin = join(folder, version, 'bin')
    mkdirSync(bin, { recursive: true })
    for (const program of programs) writeFileSync(join(bin, program), '')
    return bin
  }
  const all = ['initdb', 'pg_ctl', 'psql']
  install('9', all)
  const tenth = install('10', all)
  install('17', ['psql'])
  assert.equal(findPostgres(folder), tenth)
})

test('nothing is opened for scenarios without data', async () => {
  const databases = await openDatabases([{ name: 'get-1' }], {})
  assert.equal(databases.of({ name: 'get-1' }), undefined)
  databases.close()
})
