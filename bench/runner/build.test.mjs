import assert from 'node:assert/strict'
import test from 'node:test'
import { buildable } from './build.mjs'

test('what is not there is left out, and the rest is not', (t) => {
  const said = t.mock.method(console, 'log', () => {})
  const peer = (name, program) => ({ name, command: () => [program] })
  const peers = [peer('there', process.execPath), peer('gone', '/nowhere/program')]
  assert.deepEqual(buildable({ build: false }, peers).map(({ name }) => name), ['there'])
  assert.match(said.mock.calls[0].arguments[0], /^LEFT OUT: gone: \/nowhere\/program is not there/)
})
