import assert from 'node:assert/strict'
import test from 'node:test'
import { parseOptions } from './options.mjs'
import { plan, takingPart } from './rounds.mjs'
import { scenarios } from './scenarios.mjs'

const names = (name, round, words = []) => {
  const scenario = scenarios.find((s) => s.name === name)
  return takingPart(parseOptions(words), scenario, round).map((server) => server.name)
}

test('references have no part in later rounds', () => {
  assert.equal(names('get-1', 0).length, 6)
  assert.deepEqual(names('get-1', 8), ['floor', 'wingbeat'])
})

test('each round begins with another server', () => {
  assert.deepEqual([names('get-1', 4)[0], names('get-1', 5)[0]], ['floor', 'wingbeat'])
})

test('a scenario can have fewer rounds, and fewer of its references', () => {
  assert.deepEqual(names('idle', 3), [])
  assert.equal(names('delivery-15000-1', 0).length, 6)
  assert.equal(names('delivery-15000-1', 1).length, 2)
})

test('a quick run measures memory once', () => {
  assert.deepEqual(names('idle', 1, ['--quick']), [])
})

test('a baseline takes part in every round, whoever it is', () => {
  assert.ok(names('get-1', 8, ['--baseline', 'feathers']).includes('feathers'))
})

test('the plan says how many rounds each server has where', () => {
  const { 'get-1': calls, idle } = plan(parseOptions(['--servers', 'wingbeat,feathers']))
  assert.deepEqual(calls, { floor: 9, wingbeat: 9, feathers: 2 })
  assert.deepEqual(idle, { floor: 3, wingbeat: 3, feathers: 2 })
})
