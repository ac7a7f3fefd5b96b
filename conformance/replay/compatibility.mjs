#!/usr/bin/env node
// Writes docs/compatibility.md: where Wingbeat deliberately answers otherwise than Feathers, from the rules that the replay
// goes by (quirks.json) and from what no recording shows (differences.json). With --check it only says whether the file
// is what it would write.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8')
const target = new URL('../../docs/compatibility.md', import.meta.url)

/** The groups, in the order of the page; a case belongs to the first whose areas name its own. */
const GROUPS = [
  ['Calls', ['arguments', 'methods']],
  ['Hooks and events', ['hooks', 'events', 'channels']],
  ['Errors', ['errors']],
  ['Queries', ['query']],
  ['Authentication', ['auth', 'auth-handshake']],
  ['Engine.IO and Socket.IO', ['engine', 'packets', 'binary']],
  ['REST', ['rest-express']]
]

/** Stages whose rules say what a server should do that has them; ours has not. */
const NOT_YET = ['never']

const stageOf = (name, { patterns }) => patterns.find(([pattern]) => new RegExp(pattern).test(name))?.[1]

const capital = (text) => text[0].toUpperCase() + text.slice(1)
const cell = (text) => capital(text.trim()).replaceAll('|', '\\|').replaceAll('*', '\\*')

/** What a rule says: Feathers' way, and after the last semicolon ours, unless that leaves a choice. */
function told(name, { why, unsafe }, answers) {
  const at = why.lastIndexOf('; ')
  const feathers = at < 0 ? why : why.slice(0, at)
  const here = answers[name] ?? (at < 0 ? undefined : why.slice(at + 2))
  if (!here) throw new Error(`${name}: neither the rule nor differences.json says what we do`)
  if (!answers[name] && /\bor\b|\bany\b/.test(here)) throw new Error(`${name}: "${here}" leaves a choice; say in differences.json what we do`)
  return { feathers, here, unsafe }
}

function rows(quirks, stages, answers, areas) {
  const rows = new Map()
  for (const [name, quirk] of Object.entries(quirks)) {
    if (!areas.includes(name.split('/')[0]) || NOT_YET.includes(stageOf(name, stages))) continue
    const { feathers, here, unsafe } = told(name, quirk, answers)
    const key = `${feathers}\n${here}`
    const row = rows.get(key) ?? { feathers, here, unsafe, see: quirk.see, cases: [] }
    row.unsafe ??= unsafe
    row.cases.push(name)
    rows.set(key, row)
  }
  return [...rows.values()]
}

export function page({ quirks, stages, differences }) {
  const { answers, beyond } = differences
  const unknown = Object.keys(answers).filter((name) => !quirks[name])
  if (unknown.length) throw new Error(`differences.json answers cases that no rule is for: ${unknown.join(', ')}`)
  const lines = [
    '# Compatibility',
    '',
    '<!-- Written by conformance/replay/compatibility.mjs from quirks.json and differences.json; edit those. -->',
    '',
    'Wingbeat answers as Feathers 5.0.50 with socket.io 4.8.4 does, frame by frame: recordings of the original are played against it ([how](../conformance/replay/README.md)). This page lists where it does not, and why. Most of it is what no client relies on.',
    '',
    '**⚠** marks what is unsafe in Feathers; there the recorded answer would fail our tests. The numbers are paragraphs of [the specification](spec/BEHAVIOUR.md), the names recordings.',
    ''
  ]
  for (const [title, areas] of GROUPS) {
    lines.push(`## ${title}`, '', '| Feathers | instead | |', '|---|---|---|')
    for (const row of rows(quirks, stages, answers, areas)) {
      const [first, ...more] = row.cases.map((name) => `\`${name}\``)
      const cases = more.length > 2 ? `${first} and ${more.length} more` : [first, ...more].join(', ')
      lines.push(`| ${row.unsafe ? '⚠ ' : ''}${cell(row.feathers)} | ${cell(row.here)} | ${row.see}; ${cases} |`)
    }
    lines.push('')
  }
  lines.push('## Beyond the recordings', '')
  for (const { title, rows } of beyond) {
    lines.push(`### ${title}`, '', '| Feathers | Wingbeat |', '|---|---|')
    for (const [feathers, here] of rows) lines.push(`| ${cell(feathers)} | ${cell(here)} |`)
    lines.push('')
  }
  return lines.join('\n')
}

function main() {
  const [quirks, stages, differences] = ['quirks.json', 'stages.json', 'differences.json'].map((name) => JSON.parse(read(name)))
  const wanted = page({ quirks, stages, differences })
  if (!process.argv.includes('--check')) return writeFileSync(target, wanted)
  if (readFileSync(target, 'utf8') === wanted) return
  console.error(`${fileURLToPath(target)} is stale: node conformance/replay/compatibility.mjs`)
  process.exit(1)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
