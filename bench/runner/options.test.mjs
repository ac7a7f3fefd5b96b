import assert from 'node:assert/strict'
import { basename, dirname } from 'node:path'
import test from 'node:test'
import { parseOptions, serversOf } from './options.mjs'
import { here } from './paths.mjs'
import { scenarios } from './scenarios.mjs'

const names = (list) => list.map(({ name }) => name)
const scenario = (name) => scenarios.find((s) => s.name === name)

test('a full run measures everything and writes RESULTS.md', () => {
  const options = parseOptions([])
  assert.equal(options.pairs, 9)
  assert.equal(options.scenarios.length, scenarios.length)
  assert.deepEqual(names(options.servers).slice(0, 2), ['floor', 'wingbeat'])
  assert.equal(dirname(options.out), here)
  assert.equal(basename(options.out), 'RESULTS.md')
})

test('a part of a run never overwrites the results of a full one', () => {
  const parts = [['--quick'], ['--gate'], ['--instructions'], ['--only', 'get'], ['--servers', 'wingbeat']]
  for (const part of parts) assert.notEqual(dirname(parseOptions(part).out), here, part.join(' '))
})

test('the baseline always runs', () => {
  assert.deepEqual(names(parseOptions(['--servers', 'wingbeat']).servers), ['floor', 'wingbeat'])
})

test('the gate measures what targets are set for, and nobody else', () => {
  const { scenarios, servers, pairs } = parseOptions(['--gate'])
  assert.ok(names(scenarios).includes('get-16') && !names(scenarios).includes('get-64'))
  assert.deepEqual(names(servers), ['floor', 'wingbeat', 'socketioxide', 'feathers'])
  assert.equal(pairs, 9)
})

test('a quick run takes nothing that is long', () => {
  const { scenarios, instructions } = parseOptions(['--quick'])
  assert.deepEqual([names(scenarios).includes('sessions-1000000'), instructions], [false, false])
})

test('who lacks what a scenario needs has no part in it', () => {
  const options = parseOptions([])
  assert.deepEqual(names(serversOf(scenario('tls-get-16'), options)), ['wingbeat', 'feathers', 'socket.io'])
  assert.ok(!names(serversOf(scenario('polling'), options)).includes('floor'))
  assert.deepEqual(names(serversOf(scenario('hooks-5'), options)), ['wingbeat', 'wingbeat-hooks5'])
})

test('a scenario between two of ours is left out when neither is wanted', () => {
  const options = parseOptions(['--servers', 'feathers'])
  assert.deepEqual(serversOf(scenario('hooks-5'), options), [])
  assert.deepEqual(serversOf(scenario('beside'), options), [])
})

test('instructions can be counted alone, or not at all', () => {
  assert.deepEqual(['rounds', 'instructions'].map((key) => parseOptions(['--instructions'])[key]), [false, true])
  assert.deepEqual(['rounds', 'instructions'].map((key) => parseOptions(['--no-instructions'])[key]), [true, false])
})

test('an extra server takes its port where PORT stands', () => {
  const { servers } = parseOptions(['--servers', 'floor', '--extra', 'before=./before --port PORT'])
  assert.deepEqual(servers.at(-1).command('3030', {}), ['./before', '--port', '3030'])
})

test('what makes no sense is refused', () => {
  const nonsense = ['--only nothing', '--servers nobody', '--pairs 0', '--pairs 1.5', '--cores 1', '--extra a=b']
  for (const words of nonsense) assert.throws(() => parseOptions(words.split(' ')), words)
})
