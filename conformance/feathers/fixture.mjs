#!/usr/bin/env node
// The fixture of docs/spec/FIXTURE.md on the original Feathers packages, with the contract of replay/README.md:
// `fixture.mjs --state STATE [--port N]` prints the address, obeys the lines of its standard input and ends with it.
//
// It leaves out what needs schemas (`vault`, `validated`).
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { buildApp, STATES } from './app.mjs'

const { values: options } = parseArgs({
  options: { state: { type: 'string', default: 'base' }, port: { type: 'string', default: '0' } }
})

if (!STATES.has(options.state)) {
  console.error(`unknown state ${options.state}; known are ${[...STATES.keys()].join(', ')}`)
  process.exit(2)
}

// Feathers takes port 0 for none.
const socketsPort = options.state === 'two-ports' ? await freePort() : undefined
const app = buildApp(options.state, socketsPort)

const STEPS = new Map([
  ["service('messages').create({text:'internal'})", () => app.service('messages').create({ text: 'internal' })],
  [
    "service('tools').emit('progress',{manual:true}); service('tools').emit('unlisted',{}); service('messages').emit('created',{manual:true}); service('messages').emit('created',[1,2])",
    () => {
      app.service('tools').emit('progress', { manual: true })
      app.service('tools').emit('unlisted', {})
      app.service('messages').emit('created', { manual: true })
      app.service('messages').emit('created', [1, 2])
    }
  ],
  [
    "app.use('late', service with find -> 'late' and custom method zap, methods ['find','zap'])",
    () => app.use('late', { find: async () => 'late', zap: async () => 'zapped' }, { methods: ['find', 'zap'] })
  ],
  ["app.unuse('readonly')", () => app.unuse('readonly')]
])

const server = await app.listen(Number(options.port), '127.0.0.1')
server.once('error', (error) => {
  console.error(error.message)
  process.exit(1)
})
if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
const sockets = socketsPort ? ` sockets 127.0.0.1:${socketsPort}` : ''
console.log(`listening 127.0.0.1:${server.address().port}${sockets}`)

process.on('SIGTERM', () => process.exit(0))
const steps = createInterface({ input: process.stdin })
steps.on('close', () => process.exit(0))
steps.on('line', async (line) => {
  const step = STEPS.get(line)
  if (!step) {
    console.error(`unknown step: ${line}`)
    process.exit(1)
  }
  await step()
  console.log('done')
})

function freePort() {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
