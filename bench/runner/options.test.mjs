import assert from 'node:assert/strict'
import { basename, dirname, join } from 'node:path'
import test from 'node:test'
import { parseClientOptions } from './client-options.mjs'
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

test('every scenario is measured by a full run, and every one of a target by the gate', () => {
  for (const args of [[], ['--gate']]) {
    const options = parseOptions(args)
    const without = options.scenarios.filter((one) => !serversOf(one, options).length)
    assert.deepEqual(names(without), [], args.join(' '))
  }
})

test('a part of a run never overwrites the results of a full one', () => {
  const parts = [['--quick'], ['--gate'], ['--instructions'], ['--only', 'get'], ['--servers', 'wingbeat'], ['--from', 'raw/a.jsonl']]
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

test('what measures nothing takes nothing that says what to measure', () => {
  assert.equal(parseOptions(['--from', 'a.jsonl', '--out', 'b.md', '--no-plots']).from, 'a.jsonl')
  for (const words of ['--only get', '--servers wingbeat', '--baseline floor', '--tolerance 0.1', '--quick', '--resume b']) {
    assert.throws(() => parseOptions(['--from', 'a.jsonl', ...words.split(' ')]), /--from measures nothing/, words)
  }
})

test('what makes no sense is refused', () => {
  const nonsense = ['--only nothing', '--servers nobody', '--pairs 0', '--pairs 1.5', '--cores 1', '--extra a=b', '--instructions --no-instructions']
  for (const words of nonsense) assert.throws(() => parseOptions(words.split(' ')), words)
})

test('clients: a part of a run never overwrites the results of a full one', () => {
  assert.equal(parseClientOptions(['--rounds', '3']).out, join(here, 'CLIENTS.md'))
  for (const part of [['--no-times'], ['--conns', '100']]) {
    assert.equal(parseClientOptions(part).out, join(here, 'raw/CLIENTS.md'), part.join(' '))
  }
})

test('clients: what is no number is refused', () => {
  for (const words of ['--rounds x', '--rounds 1.5', '--secs 0', '--secs x', '--conns 0.5', '--servers wingbeat']) {
    assert.throws(() => parseClientOptions(words.split(' ')), words)
  }
})

test('scenarios with data have servers of their own, who come with those that they are of', () => {
  const of = (words) => names(serversOf(scenario('data-get-sqlite'), parseOptions(words)))
  assert.deepEqual(of([]), ['floor-data', 'wingbeat-data', 'feathers-knex'])
  assert.deepEqual(of(['--gate']), ['floor-data', 'wingbeat-data', 'feathers-knex'])
  assert.deepEqual(of(['--servers', 'wingbeat']), ['floor-data', 'wingbeat-data'])
  assert.deepEqual(of(['--servers', 'socketioxide']), [])
  assert.ok(!names(serversOf(scenario('get-16'), parseOptions(['--servers', 'all']))).includes('wingbeat-data'))
})
