// Query strings, read beside qs as Express has it and asks it, and written beside qs as the REST client has it and asks it:
// 100,000 made-up ones each.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
// Express' own, and not a newer one beside it.
const qs = createRequire(require.resolve('express'))('qs')
const clientQs = createRequire(require.resolve('@feathersjs/rest-client'))('qs')
const COUNT = 100_000

function command() {
  if (process.env.QUERY_STRINGS) return process.env.QUERY_STRINGS
  const built = fileURLToPath(new URL('../../target/quick/query-strings', import.meta.url))
  if (!existsSync(built)) throw new Error('nothing to compare: run `make interop`, or set QUERY_STRINGS to a command')
  return `"${built}"`
}

/** Numbers that are the same in each run: mulberry32. */
function random(seed) {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const PARTS = [
  'a', 'b', 'a', 'c', '0', '1', '2', '7', '19', '[', ']', '[]', '[a]', '[b]', '[0]', '[1]', '[3]', '[01]', '[-1]', '[$in]', '[$in][]',
  '=', '=', '=', '&', '&', '&', '%5B', '%5D', '%5b', '%20', '+', '%', '%zz', '%C3%A9', '%ff', '.', '$', '"', "'", '__proto__', '[__proto__]',
  'constructor', '[toString]', '[length]', '=x', '=1', '=', 'x=y', 'a[b]=', '&a=', '&a[]=', '&a[b]=', 'a[b][c][d][e][f][g]='
]

/** JSON with the members of objects in one order: JavaScript puts those that look like numbers first. */
const canonical = (value) =>
  JSON.stringify(value, (_, value) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, value[key]]))
      : value
  )

/** What a program answers, line by line. */
async function answers(program, lines) {
  const child = spawn(program, { shell: true, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(lines.join('\n'))
  const answers = (await text(child.stdout)).split('\n').slice(0, -1)
  assert.equal(answers.length, lines.length)
  return answers
}

test('query_strings_are_read_as_qs_reads_them', { timeout: 300_000 }, async () => {
  const next = random(20261130)
  const strings = Array.from({ length: COUNT }, () => Array.from({ length: 1 + next(12) }, () => PARTS[next(PARTS.length)]).join(''))
  const lines = await answers(command(), strings)
  const differing = []
  strings.forEach((string, at) => {
    const theirs = canonical(qs.parse(string, { allowPrototypes: true, arrayLimit: 2000, depth: 5, parameterLimit: 1000 }))
    const ours = canonical(JSON.parse(lines[at]))
    if (ours !== theirs) differing.push({ string, ours, theirs })
  })
  assert.deepEqual(differing.slice(0, 10), [], `${differing.length} differ`)
})

const TEXTS = ['', 'a', 'b c', '\u00e9', '\u{1f600}', "!'()*~-_.", '&=?#+%', '[]', '$in', '$or', '__proto', '0', '7', '\u0000\n"\\', '%zz']
const NUMBERS = [0, -0, 1, -7, 1.5, 0.1, 1e21, 123456789012345680000, 1e-6, 1e-7, -1.25e-9, 5e-324, 1.7976931348623157e308, 2 ** 53, 1e20]

/** A value of any shape. */
function value(next, depth) {
  const several = (make) => Array.from({ length: next(4) }, make)
  switch (next(depth > 0 ? 7 : 4)) {
    case 0: return NUMBERS[next(NUMBERS.length)]
    case 1: return next(2) === 0
    case 2: return next(3) === 0 ? null : (next(1_000_000) - 500_000) * 10 ** (next(50) - 30)
    case 3: return TEXTS[next(TEXTS.length)] + TEXTS[next(TEXTS.length)]
    case 4: return several(() => value(next, depth - 1))
    default: return Object.fromEntries(several(() => [TEXTS[next(TEXTS.length)], value(next, depth - 1)]))
  }
}

test('values_are_written_as_qs_writes_them_for_the_rest_client', { timeout: 300_000 }, async () => {
  const next = random(20261201)
  const queries = Array.from({ length: COUNT }, () =>
    Object.fromEntries(Array.from({ length: next(5) }, () => [TEXTS[next(TEXTS.length)], value(next, 5)]))
  )
  const lines = await answers(`${command()} --write`, queries.map((query) => JSON.stringify(query)))
  const differing = []
  queries.forEach((query, at) => {
    const theirs = clientQs.stringify(query)
    if (lines[at] !== theirs) differing.push({ query, ours: lines[at], theirs })
  })
  assert.deepEqual(differing.slice(0, 10), [], `${differing.length} differ`)
})
