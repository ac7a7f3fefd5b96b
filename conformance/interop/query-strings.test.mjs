// Query strings, read beside qs as Express has it and asks it: 100,000 made-up ones.
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

test('query_strings_are_read_as_qs_reads_them', { timeout: 300_000 }, async () => {
  const next = random(20261130)
  const strings = Array.from({ length: COUNT }, () => Array.from({ length: 1 + next(12) }, () => PARTS[next(PARTS.length)]).join(''))
  const reader = spawn(command(), { shell: true, stdio: ['pipe', 'pipe', 'inherit'] })
  reader.stdin.end(strings.join('\n'))
  const lines = (await text(reader.stdout)).trimEnd().split('\n')
  assert.equal(lines.length, COUNT)
  const differing = []
  strings.forEach((string, at) => {
    const theirs = canonical(qs.parse(string, { allowPrototypes: true, arrayLimit: 2000, depth: 5, parameterLimit: 1000 }))
    const ours = canonical(JSON.parse(lines[at]))
    if (ours !== theirs) differing.push({ string, ours, theirs })
  })
  assert.deepEqual(differing.slice(0, 10), [], `${differing.length} differ`)
})
