#!/usr/bin/env node
// A bare Socket.IO server with connection state recovery, on the original package: what clients are told on a return, to
// hold both our client and our server against.
//
// `recovery-server.mjs --state STATE [--port N]` prints its address, obeys the lines `publish FROM COUNT` of its standard
// input, as `recovery` on Wingbeat does, and ends with it. In the state `short` sessions are kept for 50 ms, else for a
// minute.
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { Server } from 'socket.io'

const { values: options } = parseArgs({
  options: { state: { type: 'string', default: 'base' }, port: { type: 'string', default: '0' } }
})

const http = createServer()
const io = new Server(http, {
  connectionStateRecovery: { maxDisconnectionDuration: options.state === 'short' ? 50 : 60_000 }
})

for (const namespace of [io, io.of('/other')]) {
  namespace.on('connection', (socket) => {
    socket.join('everybody')
    // Tells all clients this event, and then answers.
    socket.on('tell', (event, args, answer) => {
      namespace.to('everybody').emit(event, ...args)
      answer?.()
    })
    // The same, to those who can take it now: such events have no offset.
    socket.on('volatile', (event, args) => namespace.to('everybody').volatile.emit(event, ...args))
    // Sends these arguments back to the socket alone.
    socket.on('echo', (...args) => {
      const answer = args.pop()
      socket.emit('x', ...args)
      answer()
    })
    // Closes the connection, and tells these events once it is gone.
    socket.on('drop', (missed) => {
      socket.once('disconnect', () => missed.forEach(([event, ...args]) => namespace.to('everybody').emit(event, ...args)))
      socket.conn.close()
    })
  })
}

http.listen(Number(options.port), '127.0.0.1', () => console.log(`listening 127.0.0.1:${http.address().port}`))
process.on('SIGTERM', () => process.exit(0))
const steps = createInterface({ input: process.stdin })
steps.on('close', () => process.exit(0))
steps.on('line', (line) => {
  const [, from, count] = /^publish (\d+) (\d+)$/.exec(line).map(Number)
  for (let n = from; n < from + count; n++) io.to('everybody').emit('ticks created', { n })
  console.log('done')
})
