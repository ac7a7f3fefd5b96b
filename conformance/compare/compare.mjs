#!/usr/bin/env node
// Asks the original and a server of ours the same questions, one after the other, and compares the answers and the events
// that come with them: Feathers (../feathers) and a fixture, Feathers over Knex (../knex) and the SQL stores. What may differ
// is in differences.mjs and stores.mjs, each with its reason; a reason that nothing needs is an error as well.
//
//   compare.mjs --fixture "COMMAND" --adapters "COMMAND" [--only queries|calls|logins|stores]
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Fixture } from '../replay/fixture.mjs'
import { Client } from './client.mjs'
import { DIFFERENCES } from './differences.mjs'
import { plain } from './plain.mjs'
import * as questions from './questions.mjs'
import * as stores from './stores.mjs'

const START_LIMIT = 20_000
const SHOWN = 40

const node = (path) => `"${process.execPath}" "${fileURLToPath(new URL(path, import.meta.url))}"`
const { values: options } = parseArgs({
  options: { fixture: { type: 'string' }, adapters: { type: 'string' }, only: { type: 'string' } }
})
const lists = [...Object.keys(questions), 'stores']
const names = options.only ? options.only.split(',') : lists
if (!options.fixture || !options.adapters || names.some((name) => !lists.includes(name))) {
  console.error(`compare.mjs --fixture "COMMAND" --adapters "COMMAND" [--only ${lists.join(',')}]`)
  process.exit(2)
}

const show = (answer) => [answer.answer, ...answer.events].join('\n       ').slice(0, 600)
let asked = 0
let wrong = 0

/** Asks both servers, afresh for each list: what is created stays. Counts how often each difference is needed. */
async function compare(commands, list, differences, needed) {
  const fixtures = commands.map((command) => new Fixture(`${command} --state {state}`, 'base'))
  await Promise.all(fixtures.map((fixture) => fixture.listening(START_LIMIT)))
  const clients = fixtures.map((fixture) => new Client(fixture.port))
  for (const question of list) {
    const [theirs, ours] = (await Promise.all(clients.map((client) => client.ask(question)))).map(plain)
    asked += 1
    if (theirs.answer === ours.answer && theirs.events.join() === ours.events.join()) continue
    const reason = differences.find((difference) => difference.when(question, theirs, ours))
    if (reason) {
      needed.set(reason.why, (needed.get(reason.why) ?? 0) + 1)
      continue
    }
    wrong += 1
    if (wrong <= SHOWN) console.log(`${JSON.stringify(question)}\n  Feathers: ${show(theirs)}\n  here: ${show(ours)}`)
  }
  await Promise.all(fixtures.map((fixture) => fixture.stop()))
}

/** How often each difference was needed, and those that nothing needs, which there are not if everything was asked. */
function report(differences, needed, isAll) {
  for (const [why, times] of needed) console.log(`${String(times).padStart(5)}  ${why}`)
  const idle = isAll ? differences.filter(({ why }) => !needed.has(why)) : []
  for (const { why } of idle) console.log(`no question needs this any more: ${why}`)
  return idle.length === 0
}

const beside = new Map()
for (const name of names.filter((name) => name !== 'stores')) {
  await compare([node('../feathers/fixture.mjs'), options.fixture], questions[name](), DIFFERENCES, beside)
}
let isGood = report(DIFFERENCES, beside, !options.only)
if (names.includes('stores')) {
  const needed = new Map()
  // scripts/postgres.sh sets it.
  const databases = ['sqlite', ...(process.env.POSTGRES_URL ? ['postgres'] : [])]
  for (const name of databases) {
    await compare([node('../knex/server.mjs'), options.adapters], stores.questions(name), stores.DIFFERENCES, needed)
  }
  isGood = report(stores.DIFFERENCES, needed, databases.length === 2) && isGood
  if (databases.length < 2) console.log('PostgreSQL was not asked: POSTGRES_URL is not set')
}
console.log(`${asked} questions, ${wrong} answered otherwise than by Feathers`)
process.exit(wrong || !isGood ? 1 : 0)
