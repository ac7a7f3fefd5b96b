#!/usr/bin/env node
// Asks the original (../feathers) and a fixture the same questions, one after the other, and compares the answers and the
// events that come with them. What may differ is in differences.mjs, each with its reason; a reason that nothing needs is
// an error as well.
//
//   compare.mjs --fixture "COMMAND" [--only queries|calls|logins]
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Fixture } from '../replay/fixture.mjs'
import { Client } from './client.mjs'
import { DIFFERENCES } from './differences.mjs'
import { plain } from './plain.mjs'
import * as questions from './questions.mjs'

const ORIGINAL = `"${process.execPath}" "${fileURLToPath(new URL('../feathers/fixture.mjs', import.meta.url))}"`
const START_LIMIT = 20_000
const SHOWN = 40

const { values: options } = parseArgs({ options: { fixture: { type: 'string' }, only: { type: 'string' } } })
const names = options.only ? options.only.split(',') : Object.keys(questions)
if (!options.fixture || names.some((name) => !(name in questions))) {
  console.error(`compare.mjs --fixture "COMMAND" [--only ${Object.keys(questions).join(',')}]`)
  process.exit(2)
}

const show = (answer) => [answer.answer, ...answer.events].join('\n       ').slice(0, 600)

/** Both servers, afresh for each list: what is created stays. */
async function pair() {
  const fixtures = [ORIGINAL, options.fixture].map((command) => new Fixture(`${command} --state {state}`, 'base'))
  await Promise.all(fixtures.map((fixture) => fixture.listening(START_LIMIT)))
  const clients = fixtures.map((fixture) => new Client(fixture.port))
  return { clients, stop: () => Promise.all(fixtures.map((fixture) => fixture.stop())) }
}

let asked = 0
let wrong = 0
const needed = new Map()
for (const name of names) {
  const { clients, stop } = await pair()
  for (const question of questions[name]()) {
    const [theirs, ours] = (await Promise.all(clients.map((client) => client.ask(question)))).map(plain)
    asked += 1
    if (theirs.answer === ours.answer && theirs.events.join() === ours.events.join()) continue
    const reason = DIFFERENCES.find((difference) => difference.when(question, theirs, ours))
    if (reason) {
      needed.set(reason.why, (needed.get(reason.why) ?? 0) + 1)
      continue
    }
    wrong += 1
    if (wrong <= SHOWN) console.log(`${JSON.stringify(question)}\n  Feathers: ${show(theirs)}\n  here: ${show(ours)}`)
  }
  await stop()
}

for (const [why, times] of needed) console.log(`${String(times).padStart(5)}  ${why}`)
const idle = options.only ? [] : DIFFERENCES.filter(({ why }) => !needed.has(why))
for (const { why } of idle) console.log(`no question needs this any more: ${why}`)
console.log(`${asked} questions, ${wrong} answered otherwise than by Feathers`)
process.exit(wrong || idle.length ? 1 : 0)
