import assert from 'node:assert/strict'
import test from 'node:test'
import { plotsOf } from './draw.mjs'

test('no other document draws over the plots of RESULTS.md', () => {
  assert.deepEqual(['bench/RESULTS.md', 'bench/TARGETS.md', '/elsewhere/before'].map(plotsOf), ['plots', 'plots-targets', 'plots-before'])
})
