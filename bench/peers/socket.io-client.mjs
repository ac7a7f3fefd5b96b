// What socket.io-client costs the program that uses it: `rpc` and `idle` as bench/client has them.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { io } from 'socket.io-client'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3030' },
    conns: { type: 'string', default: '50' },
    inflight: { type: 'string', default: '16' },
    warmup: { type: 'string', default: '1' },
    secs: { type: 'string', default: '3' }
  }
})
const [conns, inflight, warmup, secs] = [options.conns, options.inflight, options.warmup, options.secs].map(Number)

const connect = () =>
  new Promise((resolve, reject) => {
    const socket = io(options.url, { transports: ['websocket'], forceNew: true })
    socket.once('connect', () => resolve(socket))
    socket.once('connect_error', reject)
  })

async function connectAll(count) {
  const sockets = []
  while (sockets.length < count) {
    const some = Math.min(50, count - sockets.length)
    sockets.push(...(await Promise.all(Array.from({ length: some }, connect))))
  }
  return sockets
}

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))
const rssKib = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])

async function rpc() {
  const sockets = await connectAll(conns)
  let done = 0
  let failed = 0
  const call = (socket) =>
    socket.emit('get', 'quiet', '17', {}, (error, record) => {
      if (error || record.id !== '17' || record.text !== 'hello') return failed++
      done++
      call(socket)
    })
  for (const socket of sockets) for (let n = 0; n < inflight; n++) call(socket)
  await sleep(warmup)
  const [before, cpuBefore] = [done, process.cpuUsage()]
  await sleep(secs)
  const calls = done - before
  const { user, system } = process.cpuUsage(cpuBefore)
  console.log(JSON.stringify({ scenario: 'rpc', calls, failed, client_cpu_us: (user + system) / calls }))
  process.exit(failed || !calls ? 1 : 0)
}

async function idle() {
  const [first] = await connectAll(1)
  first.disconnect()
  const before = rssKib()
  const sockets = await connectAll(conns)
  await sleep(secs)
  const each = (rssKib() - before) / conns
  const clients = sockets.filter((socket) => socket.connected).length
  console.log(JSON.stringify({ scenario: 'idle', clients, rss_before_kib: before, rss_kib_per_client: each }))
  process.exit(clients === conns ? 0 : 1)
}

await (positionals[0] === 'idle' ? idle() : rpc())
