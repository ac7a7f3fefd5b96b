// sqlmap against the SQL stores over REST: where a query, an id or data says a value, a name or a number. It must find
// nothing there, and it must find something in a server that is not safe.
//
// node conformance/sqlmap/sqlmap.mjs --adapters COMMAND --sqlmap COMMAND [--level N] [--risk N]
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    adapters: { type: 'string' },
    sqlmap: { type: 'string', default: 'sqlmap' },
    level: { type: 'string', default: '3' },
    risk: { type: 'string', default: '3' }
  }
})

/** How long one request may be looked at. */
const PATIENCE = 240_000

/** The stores, by the names that sqlmap has for their databases. */
const STORES = { sqlite: 'SQLite', postgres: 'PostgreSQL', mariadb: 'MySQL' }

/** The requests; an asterisk is a place to inject at. */
const REQUESTS = [
  { what: 'values and operators', path: '?name=Ann*&age[$gt]=1*&name[$ne]=Bob*&created=false*' },
  { what: 'lists', path: '?name[$in][]=Ann*&age[$nin][]=7*&$or[0][name]=Ann*&$or[1][age]=30*' },
  { what: 'patterns', path: '?name[$like]=A%25*' },
  { what: 'filters', path: '?$sort[name]=1*&$limit=2*&$skip=0*&$select[]=name*' },
  { what: 'names', path: '?$sort[name*]=1&age[$gt*]=1&name*=Ann' },
  { what: 'an id', path: '/1*' },
  { what: 'an id and a query', method: 'PATCH', path: '/1*?name=Ann*', body: { age: 30 } },
  { what: 'data', method: 'PATCH', path: '/2', body: { name: 'Bob*', age: '31*' } },
  { what: 'names of data', method: 'PATCH', path: '/2', body: { 'name*': 'Bob' } },
  { what: 'a new record', method: 'POST', path: '', body: { name: 'Eve*', age: '3*', created: 'true*' } },
  { what: 'what is removed', method: 'DELETE', path: '?name=Nobody*&age[$lt]=0*' }
]

/** The same of a server that is not safe. */
const INJECTABLE = [
  { what: 'a value', path: '/?name=Ann*' },
  { what: 'data', method: 'PATCH', path: '/', body: { name: 'Bob*' } }
]

const folder = mkdtempSync(join(tmpdir(), 'sqlmap-'))
const servers = []
let failed = false
try {
  const url = await start(options.adapters)
  const injectable = await start(`python3 "${fileURLToPath(new URL('injectable.py', import.meta.url))}"`)
  const stores = Object.keys(STORES).filter((store) => store === 'sqlite' || process.env[`${store.toUpperCase()}_URL`])
  // Side by side: each waits for its server most of the time.
  await Promise.all([look('unsafe', 'SQLite', injectable, INJECTABLE, true), ...stores.map((store) => safe(store, url))])
} catch (error) {
  failed = true
  console.error(`error: ${error.message}`)
} finally {
  servers.forEach((server) => process.kill(-server.pid))
  rmSync(folder, { recursive: true })
}
process.exitCode = failed ? 1 : 0

/** Starts a server; its address. */
function start(command) {
  const server = spawn(command, { shell: true, detached: true, stdio: ['pipe', 'pipe', 'inherit'] })
  servers.push(server)
  return new Promise((found, gone) => {
    createInterface({ input: server.stdout }).on('line', (line) => {
      const address = /listening (\S+)/.exec(line)?.[1]
      if (address) found(`http://${address}`)
    })
    server.on('exit', () => gone(new Error(`${command} has ended`)))
  })
}

async function safe(store, url) {
  for (const person of [{ name: 'Ann', age: 30, created: false }, { name: 'Bob', age: 31, created: true }]) {
    const headers = { 'content-type': 'application/json' }
    const made = await fetch(`${url}/${store}`, { method: 'POST', headers, body: JSON.stringify(person) })
    if (!made.ok) throw new Error(`${store} answers ${made.status} to a first record`)
  }
  await look(store, STORES[store], `${url}/${store}`, REQUESTS, false)
}

/** Lets sqlmap look at requests; whether it is to find something. */
async function look(name, database, url, requests, isUnsafe) {
  for (const request of requests) {
    const started = Date.now()
    const { ended, said } = await sqlmap(join(folder, name), database, url, request)
    const found = /identified the following injection point|is vulnerable/.test(said)
    // Otherwise it has not got so far as to say it.
    const nothing = /do not appear to be injectable/.test(said) && !/appears to be .*injectable/.test(said)
    const verdict = found ? 'something' : nothing ? 'nothing' : ended
    const seconds = Math.round((Date.now() - started) / 1000)
    console.log(`${name.padEnd(9)} ${request.what.padEnd(22)} found ${verdict} (${seconds} s)`)
    if (isUnsafe ? !found : !nothing) {
      failed = true
      console.log(said.split('\n').slice(-40).join('\n'))
    }
  }
}

/** Runs it; what it has said, and how it ended. */
function sqlmap(output, database, url, { method = 'GET', path, body }) {
  const args = [
    ...['-u', url + path, '--method', method, '--dbms', database, '--level', options.level, '--risk', options.risk],
    ...['--batch', '--disable-coloring', '--flush-session', '--threads', '4', '--timeout', '5', '--output-dir', output],
    // Queries that are refused are answers as others: they would end it.
    ...['--ignore-code', '*', '--technique', 'BEUST', '--time-sec', '2'],
    ...(body ? ['--data', JSON.stringify(body), '--headers', 'Content-Type: application/json'] : [])
  ]
  const [program, ...before] = options.sqlmap.split(' ')
  const child = spawn(program, [...before, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data))
  return new Promise((done) => {
    child.on('error', (error) => done({ ended: 'NOT STARTED', said: error.message }))
    child.on('close', (code, signal) => {
      clearTimeout(late)
      done({ ended: signal ? 'TOOK TOO LONG' : `ENDED WITH ${code}`, said })
    })
  })
}
