// What is measured: the load generator's arguments, and which figure counts.

const cpu = { figure: 'server_cpu_us', unit: 'µs of CPU' }

const calls = (method, inflight, inShort) => ({
  name: `${method}-${inflight}`,
  title: `\`${method}\`, 50 connections, ${inflight} ${inflight === 1 ? 'call' : 'calls'} in flight each`,
  inShort,
  load: ['rpc', '--conns', '50', '--inflight', `${inflight}`, '--method', method, '--service', 'quiet'],
  files: 50,
  ...cpu,
  per: 'call',
})

const delivery = (connections, window, inShort) => ({
  name: `delivery-${connections}-${window}`,
  title: `delivery to ${connections} connections, ${window} ${window === 1 ? 'create' : 'creates'} in flight`,
  inShort,
  load: ['fanout', '--conns', `${connections}`, '--window', `${window}`],
  files: connections,
  ...cpu,
  per: 'delivery',
})

const connect = (name, title, transport, inShort) => ({
  name,
  title,
  inShort,
  load: ['connect', '--threads', '8', '--transport', transport],
  files: 1000,
  ...cpu,
  per: 'connection',
  polling: transport === 'upgrade',
})

export const scenarios = [
  calls('get', 1, 'get, 1 in flight'),
  calls('get', 16, 'get, 16 in flight'),
  calls('get', 64),
  calls('create', 16),
  delivery(1000, 1, 'delivery, N=1000'),
  delivery(1000, 8, 'delivery, N=1000, 8 in flight'),
  delivery(5000, 1, 'delivery, N=5000'),
  delivery(5000, 8),
  {
    name: 'idle',
    title: 'resident memory of an idle connection, 5000 of them',
    inShort: 'KiB / idle connection',
    load: ['idle', '--conns', '5000', '--wait', '3'],
    files: 5000,
    figure: 'rss_kib_per_conn',
    unit: 'KiB',
    per: 'connection',
    memory: true,
  },
  connect('connect', 'a connection by WebSocket, opened and closed', 'websocket', 'connect'),
  connect('upgrade', 'a connection by polling, upgraded, one call, closed', 'upgrade', 'polling, upgrade, call'),
]
