// Calls to tables in a database, beside the same by hand and by Feathers with Knex. A `store` is what they stand on: each
// run has a fresh copy of it, and PostgreSQL's own time is told apart (`database_cpu_us`).

const stores = { sqlite: 'SQLite', postgres: 'PostgreSQL' }

const said = {
  get: '`get` of one of 100,000 records',
  find: '`find` of 10 of 200, with their number',
  find50: '`find` of 50 of 200, with their number',
  scan: 'the same with a second condition, which no index serves',
  create: '`create` of a record',
  patch: '`patch` of one of 100,000 records',
  real: 'a real call: `find` of 20 and `create` in turn, logged in, validated, one\'s own, resolved, 20 hear of it',
}

/** How many are counted under valgrind. */
const ops = { get: 3000, find: 600, find50: 300, scan: 100, create: 1000, patch: 2000, real: 500 }

/** How many connections with how many calls each are how many in flight. */
const flights = { 80: [20, 4], 16: [4, 4], 1: [1, 1] }

const data = (store, call, flight = 80) => {
  const [conns, inflight] = flights[flight]
  const name = call === 'real' ? `real-call-${store}` : `data-${call}-${store}${flight === 80 ? '' : `-${flight}`}`
  return {
    name,
    title: `${stores[store]}: ${said[call]}, ${conns} connection${conns > 1 ? `s, ${inflight} in flight each` : ', 1 in flight'}`,
    inShort: `${call === 'real' ? 'real call' : call}, ${flight} in flight, ${stores[store]}`,
    load: ['data', '--call', call, '--conns', `${conns}`, '--inflight', `${inflight}`],
    files: conns,
    store,
    call,
    flight,
    // The last is whose figure it is.
    servers: ['floor-data', 'feathers-knex', 'wingbeat-data'],
    feathers: 'feathers-knex',
    baseline: 'floor-data',
    figure: 'server_cpu_us',
    unit: 'µs of CPU',
    per: 'call',
    columns: 'data',
    // As many as an interval needs.
    rounds: 6,
    needs: [],
    ops: flight === 16 || call === 'real' || store === 'postgres' ? ops[call] : undefined,
  }
}

const sqlite = ['get', 'find', 'scan', 'create', 'patch']

export const dataScenarios = [
  ...sqlite.map((call) => data('sqlite', call)),
  ...sqlite.map((call) => data('sqlite', call, 16)),
  data('sqlite', 'get', 1),
  ...['get', 'find', 'find50', 'scan', 'create', 'patch'].map((call) => data('postgres', call)),
  data('sqlite', 'real'),
  data('postgres', 'real'),
]
