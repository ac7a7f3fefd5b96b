// What is measured: the load generator's arguments, and which figure counts.
//
// `needs` names what not every server has. `servers` and `baseline` are there where a scenario compares others than the
// rest. `rounds` is the most rounds that it takes part in: memory hardly varies. `ops` is how many operations are
// counted under valgrind. A `program` is run instead of server and load generator. What takes `long` is not for --quick.
import { dataScenarios } from './data-scenarios.mjs'
import { program } from './paths.mjs'

const cpu = { figure: 'server_cpu_us', unit: 'µs of CPU', columns: 'cost', needs: [] }
const few = (n, one, many) => `${n} ${n === 1 ? one : many}`

const calls = (method, inflight, more) => ({
  name: `${method}-${inflight}`,
  title: `\`${method}\`, 50 connections, ${few(inflight, 'call', 'calls')} in flight each`,
  inShort: `${method}, ${inflight} in flight`,
  load: ['rpc', '--conns', '50', '--inflight', `${inflight}`, '--method', method, '--service', 'quiet'],
  files: 50,
  ...cpu,
  per: 'call',
  ...more,
})

const delivery = (connections, window, more) => ({
  name: `delivery-${connections}-${window}`,
  title: `delivery to ${connections} connections, ${few(window, 'create', 'creates')} in flight`,
  inShort: `delivery, N=${connections}${window > 1 ? `, ${window} in flight` : ''}`,
  load: ['fanout', '--conns', `${connections}`, '--window', `${window}`],
  files: connections,
  ...cpu,
  per: 'delivery',
  ...more,
})

const payload = (name, size, bytes) => ({
  ...calls('create', 16),
  name: `payload-${name}`,
  title: `\`create\` of a record of about ${size}, which comes back, 16 calls in flight each`,
  inShort: `create of ${size}, 16 in flight`,
  load: [...calls('create', 16).load, '--pad', `${bytes - 29}`],
})

const connect = (name, title, transport, more) => ({
  name,
  title,
  inShort: transport === 'upgrade' ? 'polling, upgrade, call' : 'connect',
  load: ['connect', '--threads', '8', '--transport', transport],
  files: 1000,
  ...cpu,
  per: 'connection',
  ...(transport === 'upgrade' && { needs: ['polling'], baseline: 'wingbeat' }),
  ...more,
})

const memory = { figure: 'rss_kib_per_conn', unit: 'KiB', per: 'connection', memory: true, rounds: 3, needs: [] }

const idle = {
  name: 'idle',
  title: 'resident memory of an idle connection, 5,000 of them',
  inShort: 'KiB / idle connection',
  load: ['idle', '--conns', '5000', '--wait', '2'],
  files: 5000,
  columns: 'memory',
  ...memory,
}

const encrypted = (scenario) => ({
  ...scenario,
  name: `tls-${scenario.name}`,
  title: `encrypted: ${scenario.title}`,
  inShort: `TLS: ${scenario.inShort}`,
  needs: ['tls'],
  tls: true,
  baseline: 'wingbeat',
  ops: undefined,
})

/** One of ours against another of ours. */
const between = (name, server, scenario, title, more) => ({
  ...scenario,
  name,
  title,
  inShort: title,
  servers: ['wingbeat', server],
  baseline: 'wingbeat',
  ops: undefined,
  ...more,
})

const sessions = (n, mib, long = false) => ({
  name: `sessions-${n}`,
  title: `${n.toLocaleString('en')} sessions in one process, over connections in memory`,
  inShort: `KiB / session, ${n.toLocaleString('en')} of them`,
  program: [program('.', 'bench-sessions'), '--sessions', `${n}`],
  servers: ['wingbeat'],
  baseline: 'wingbeat',
  files: 0,
  mib,
  long,
  figure: 'bytes_per_session',
  unit: 'bytes',
  per: 'session',
  columns: 'sessions',
  memory: true,
  rounds: 2,
  needs: [],
})

const ordered = (scenario) => ({ ...scenario, load: [...scenario.load, '--ordered', 'yes'] })

const beside = (name, title, inShort, more, needs) => ({
  name,
  title,
  inShort,
  load: ['beside', '--conns', '15000', '--rate', '2000', '--publish', '3', ...more],
  files: 15_051,
  servers: ['floor', 'wingbeat'],
  figure: 'p99_rise_ms',
  unit: 'ms more until 99% are answered',
  per: 'call',
  columns: 'beside',
  rounds: 3,
  noRatio: true,
  needs,
})

const direct = (name, server, workers) => ({
  ...beside(
    name,
    `2,000 messages a second to one of 15,000 connections, beside 3 creates a second that go to all${workers}`,
    `p99 ms more of messages to one, beside publishing to 15,000${workers}`,
    ['--direct', 'yes'],
    ['rooms'],
  ),
  servers: [server],
  baseline: server,
  unit: 'ms more until 99% are heard',
  per: 'message',
})

/** Clients that ask for little, beside some that ask for as much as they can. */
const fair = (kind, attackers, title) => ({
  name: `fair-${kind}-${attackers}`,
  title: `50 clients create now and then, beside ${attackers} with 64 ${title} in flight`,
  inShort: `× p99 alone, beside ${attackers} with 64 ${title} in flight`,
  load: ['fair', '--kind', kind, '--attackers', `${attackers}`, '--rate', '100'],
  files: 250,
  servers: ['wingbeat'],
  baseline: 'wingbeat',
  figure: 'p99_times',
  unit: '× the p99 alone',
  per: 'call',
  columns: 'fair',
  rounds: 3,
  noRatio: true,
  needs: [],
  secs: 5,
})

/** The same of a table: gets and creates, beside finds that sort all of it. */
const finds = (attackers, name, where, more) => ({
  ...fair('finds', attackers, 'finds'),
  name: `fair-finds-${name}`,
  title: `50 clients get and create now and then, beside ${attackers} ${where}with 16 finds of 50 ms in flight`,
  inShort: `× p99 alone, beside ${attackers} ${where}with 16 finds of 50 ms in flight`,
  load: ['fair', '--kind', 'finds', '--attackers', `${attackers}`, '--rate', '100', ...more],
  servers: ['wingbeat-records'],
  baseline: 'wingbeat-records',
})

const fairAmong = (attackers) => [
  fair('calls', attackers, 'calls'),
  fair('publications', attackers, 'creates that 150 hear'),
  finds(attackers, `${attackers}`, '', []),
  {
    ...fair('hashes', attackers, 'passwords'),
    load: ['fair', '--kind', 'hashes', '--attackers', `${attackers}`, '--rate', '3'],
    secs: 15,
    // All who are new have one hash each first.
    warmup: 5,
  },
]

export const scenarios = [
  calls('get', 1, { ops: 20_000 }),
  calls('get', 16, { ops: 40_000 }),
  calls('get', 64),
  calls('create', 1),
  calls('create', 16),
  calls('create', 64),
  delivery(100, 1),
  delivery(100, 8),
  delivery(1000, 1, { ops: 40 }),
  delivery(1000, 8, { ops: 160 }),
  delivery(5000, 1),
  delivery(5000, 8),
  delivery(15_000, 1, { referenceRounds: 1 }),
  delivery(15_000, 8, { referenceRounds: 1 }),
  {
    name: 'mixed',
    title: '5,000 connections, 50 of them call: 95% `get`, 5% `create` published to 200 of the 5,000',
    inShort: '95% get, 5% create to 200',
    load: ['mixed', '--conns', '5000', '--members', '200', '--callers', '50'],
    files: 5000,
    ...cpu,
    per: 'call',
    needs: ['rooms'],
  },
  payload('100', '100 B', 100),
  payload('1k', '1 KiB', 1024),
  payload('16k', '16 KiB', 16_384),
  {
    ...calls('get', 1),
    name: 'polling',
    title: '`get` by long-polling, 50 sessions, 1 call in flight each',
    inShort: 'get by polling',
    load: ['polling', '--conns', '50', '--inflight', '1'],
    files: 100,
    needs: ['polling'],
    baseline: 'wingbeat',
  },
  encrypted(calls('get', 16)),
  encrypted(delivery(1000, 1)),
  idle,
  {
    name: 'idle-user',
    title: "the same with a browser's headers, a user, and in three channels",
    inShort: 'KiB / idle user, 3 channels',
    load: ['idle', '--conns', '5000', '--wait', '2', '--as', 'user'],
    files: 5000,
    columns: 'memory',
    ...memory,
    needs: ['users'],
    baseline: 'wingbeat',
  },
  {
    name: 'storm',
    title: '4,000 connections come at once, go without a word, and come back: memory 10 s later',
    inShort: 'KiB / connection after a storm',
    load: ['storm', '--conns', '4000', '--wait', '10'],
    files: 4000,
    columns: 'storm',
    ...memory,
    referenceRounds: 1,
  },
  connect('connect', 'a connection by WebSocket, opened and closed', 'websocket', { ops: 1000 }),
  connect('upgrade', 'a connection by polling, upgraded, one call, closed', 'upgrade'),
  {
    name: 'latency',
    title: "`get` at half of the server's own capacity, whatever the answers do",
    inShort: 'p99 µs at half of the capacity',
    load: ['paced', '--conns', '50', '--method', 'get'],
    files: 50,
    figure: 'p99_us',
    unit: 'µs until 99% are answered',
    per: 'call',
    columns: 'latency',
    needs: [],
  },
  beside(
    'beside',
    '2,000 calls a second, beside 3 creates a second that go to 15,000 connections',
    'p99 ms more beside publishing to 15,000',
    [],
    [],
  ),
  direct('direct', 'wingbeat', ''),
  direct('direct-2', 'wingbeat-2', ', two workers'),
  {
    name: 'stalled',
    title: '100 connections hear 100 creates of 32 KiB a second, beside 50 that have stopped reading',
    inShort: 'p99 ms more beside 50 that do not read',
    load: ['stalled', '--conns', '100', '--stalled', '50', '--rate', '100', '--pad', '32768'],
    files: 151,
    servers: ['wingbeat'],
    baseline: 'wingbeat',
    figure: 'p99_rise_ms',
    unit: 'ms more until 99% have heard',
    per: 'delivery',
    columns: 'stalled',
    rounds: 3,
    noRatio: true,
    needs: [],
    // Their sockets and their share of the outbox have to fill.
    secs: 8,
  },
  ...[1, 4, 50].flatMap(fairAmong),
  finds(50, 'together', 'at one address ', ['--together', 'yes']),
  ...dataScenarios,
  {
    name: 'rest-get',
    title: '`get` over plain HTTP, 50 connections that are kept, 1 request in flight each',
    inShort: 'get over REST',
    load: ['rest', '--conns', '50'],
    files: 50,
    ...cpu,
    per: 'call',
    // The last is whose figure it is.
    servers: ['floor-rest', 'feathers-express', 'feathers-koa', 'wingbeat-rest'],
    feathers: 'feathers-express',
    baseline: 'floor-rest',
    rounds: 6,
    ops: 20_000,
  },
  between(
    'hooks-5',
    'wingbeat-hooks5',
    calls('get', 16),
    '`get`, 16 in flight, five around hooks against none',
    { ops: 40_000 },
  ),
  between(
    'workers-get-16',
    'wingbeat-2',
    calls('get', 16),
    '`get`, 16 in flight, two workers against one',
  ),
  between(
    'workers-create-16',
    'wingbeat-2',
    ordered(calls('create', 16)),
    '`create`, 16 in flight, two workers against one; ids must grow with the calls',
  ),
  between(
    'workers-delivery-1000-8',
    'wingbeat-2',
    delivery(1000, 8),
    'delivery, N=1000, 8 creates in flight, two workers against one; events must come in order',
  ),
  between(
    'recovery-delivery-1000-1',
    'wingbeat-recovery',
    delivery(1000, 1),
    'delivery, N=1,000, with recovery against without',
    { ops: 40 },
  ),
  between('recovery-idle', 'wingbeat-recovery', idle, 'idle connection, with recovery against without'),
  {
    name: 'returns',
    title: '10,000 connections are lost at once, and come back for 20 events that they have missed',
    inShort: 'µs of CPU more for a return with 20 missed',
    load: ['returns', '--conns', '10000', '--missed', '20', '--wait', '10'],
    files: 10_001,
    servers: ['wingbeat-recovery'],
    baseline: 'wingbeat-recovery',
    figure: 'more_cpu_us',
    unit: 'µs of CPU more than to connect',
    per: 'connection',
    columns: 'returns',
    memory: true,
    rounds: 3,
    noRatio: true,
    needs: [],
  },
  sessions(100_000, 400),
  sessions(1_000_000, 2600, true),
]
