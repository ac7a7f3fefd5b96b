import assert from 'node:assert/strict'
import { basename, dirname } from 'node:path'
import test from 'node:test'
import { here, parseOptions } from './options.mjs'

const names = (list) => list.map(({ name }) => name)

test('a full run measures everything and writes RESULTS.md', () => {
  const options = parseOptions([])
  assert.equal(options.pairs, 9)
  assert.deepEqual(names(options.servers).slice(0, 2), ['floor', 'wingbeat'])
  assert.equal(dirname(options.out), here)
  assert.equal(basename(options.out), 'RESULTS.md')
})

test('a part of a run never overwrites the results of a full one', () => {
  for (const part of [['--quick'], ['--only', 'get'], ['--servers', 'wingbeat']]) {
    assert.notEqual(dirname(parseOptions(part).out), here, part.join(' '))
  }
})

test('the baseline always runs', () => {
  assert.deepEqual(names(parseOptions(['--servers', 'wingbeat']).servers), ['floor', 'wingbeat'])
})

test('an extra server takes its port where PORT stands', () => {
  const { servers } = parseOptions(['--servers', 'floor', '--extra', 'before=./before --port PORT'])
  assert.deepEqual(servers.at(-1).command('3030'), ['./before', '--port', '3030'])
})

test('what makes no sense is refused', () => {
  const nonsense = ['--only nothing', '--servers nobody', '--pairs 0', '--pairs 1.5', '--cores 1', '--extra a=b']
  for (const words of nonsense) assert.throws(() => parseOptions(words.split(' ')), words)
})
