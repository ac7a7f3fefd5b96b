// The servers that are compared. `build` is a folder to build in, below the project's root; a `reference` is measured
// less often, because its distance is many times the noise; what it `lacks` decides where it is left out. The `allocator`
// is what the program has linked, and is told with the results.
import { program } from './paths.mjs'

const modes = {
  typed: 'typed services',
  engine: 'the engine alone',
  raw: 'raw services',
  hooks5: 'five around hooks',
}

const wingbeat = (mode, more) => ({
  name: mode === 'typed' ? 'wingbeat' : `wingbeat-${mode}`,
  title: mode === 'typed' ? 'Wingbeat' : `Wingbeat, ${modes[mode]}`,
  build: { cargo: '.', package: 'bench' },
  command: (port, { tls }) => [
    ...[program('.', 'bench-server'), '--port', port, '--mode', mode, '--threads', '1'],
    ...(tls ? ['--cert', tls.cert, '--key', tls.key] : []),
  ],
  allocator: 'jemalloc',
  lacks: [],
  ...more,
})

const floor = (name, title, options, more) => ({
  name,
  title,
  build: { cargo: 'bench/peers/floor' },
  command: (port) => [program('bench/peers/floor', 'floor'), '--port', port, ...options],
  allocator: "glibc's",
  lacks: ['polling', 'tls', 'users'],
  ...more,
})

const rust = (name, more) => ({
  name,
  title: name,
  build: { cargo: `bench/peers/${name}` },
  command: (port) => [program(`bench/peers/${name}`, `peer_${name}`), port, 'current'],
  allocator: "glibc's",
  reference: true,
  byDefault: true,
  ...more,
})

const node = (name, title, script) => ({
  name,
  title,
  build: { npm: 'bench/peers' },
  command: (port, { tls }) => [
    ...['node', `bench/peers/${script}`, port],
    ...(tls ? ['--cert', tls.cert, '--key', tls.key] : []),
  ],
  allocator: "Node's own heap",
  reference: true,
  byDefault: true,
  lacks: [],
  interpreted: true,
})

/** Where the data are; --no-build looks for the program alone. */
const where = (database) => (database ? [`--${database.store}`, database.place] : [])
const words = (database) => (database ? [database.store, database.place] : [])

export const servers = [
  floor('floor', 'floor, by hand', ['--ws', 'own', '--bcast', 'queue'], { byDefault: true }),
  wingbeat('typed', { byDefault: true }),
  wingbeat('engine', { lacks: ['rooms', 'users'] }),
  wingbeat('raw'),
  // These two have scenarios of their own.
  wingbeat('hooks5'),
  {
    ...wingbeat('typed'),
    name: 'wingbeat-2',
    title: 'Wingbeat, two workers',
    of: 'wingbeat',
    command: (port) => [program('.', 'bench-server'), '--port', port, '--mode', 'typed', '--threads', '2'],
    lacks: ['tls'],
    twoCores: true,
  },
  {
    ...wingbeat('typed'),
    name: 'wingbeat-records',
    title: 'Wingbeat, a table in SQLite',
    of: 'wingbeat',
    build: { cargo: '.', package: 'bench', bin: 'bench-records', features: 'sqlite' },
    command: (port) => [program('.', 'bench-records'), '--port', port],
    lacks: ['tls', 'rooms', 'users'],
  },
  {
    ...wingbeat('typed'),
    name: 'wingbeat-recovery',
    title: 'Wingbeat, with recovery',
    of: 'wingbeat',
    command: (port) => [program('.', 'bench-server'), '--port', port, '--mode', 'typed', '--threads', '1', '--recovery'],
    lacks: ['tls'],
  },
  floor('floor-direct', 'floor, publisher writes', ['--ws', 'own', '--bcast', 'direct']),
  floor('tungstenite', 'tokio-tungstenite, by hand', ['--ws', 'tungstenite'], {
    reference: true,
    lacks: ['polling', 'tls', 'users', 'rooms'],
  }),
  rust('socketioxide', { lacks: ['tls'] }),
  rust('engineioxide', { lacks: ['tls', 'rooms', 'users'] }),
  node('feathers', 'Feathers (Node)', 'feathers.mjs'),
  node('socket.io', 'socket.io (Node)', 'socketio.mjs'),
  // Over plain HTTP: in a scenario of their own, each for the one that it is `of`.
  {
    name: 'floor-rest',
    title: 'hyper, by hand',
    build: { cargo: 'bench/peers/floor_rest' },
    command: (port) => [program('bench/peers/floor_rest', 'floor_rest'), '--port', port],
    allocator: "glibc's",
    lacks: ['tls'],
    of: 'floor',
  },
  {
    ...wingbeat('typed'),
    name: 'wingbeat-rest',
    title: 'Wingbeat, REST',
    command: (port) => [program('.', 'bench-server'), '--port', port, '--mode', 'typed', '--threads', '1', '--rest'],
    lacks: ['tls'],
    of: 'wingbeat',
  },
  ...['Express', 'Koa'].map((framework) => ({
    ...node(`feathers-${framework.toLowerCase()}`, `Feathers, ${framework} (Node)`),
    build: { npm: 'bench/peers/feathers-rest' },
    command: (port) => ['node', 'bench/peers/feathers-rest/server.mjs', port, framework.toLowerCase()],
    byDefault: false,
    lacks: ['tls'],
    of: 'feathers',
  })),
  // With data: in scenarios of their own, each for the one that it is `of`.
  {
    name: 'floor-data',
    title: 'by hand, with data',
    build: { cargo: 'bench/peers/floor_data' },
    command: (port, { database }) => [program('bench/peers/floor_data', 'floor_data'), '--port', port, ...where(database)],
    allocator: "glibc's",
    lacks: ['tls'],
    of: 'floor',
  },
  {
    name: 'wingbeat-data',
    title: 'Wingbeat, with data',
    build: { cargo: '.', package: 'bench', bin: 'bench-data', features: 'data' },
    command: (port, { database }) => [program('.', 'bench-data'), '--port', port, ...where(database)],
    allocator: 'jemalloc',
    lacks: ['tls'],
    of: 'wingbeat',
  },
  {
    ...node('feathers-knex', 'Feathers + Knex (Node)'),
    build: { npm: 'bench/peers/feathers-knex' },
    command: (port, { database }) => ['node', 'bench/peers/feathers-knex/server.mjs', port, ...words(database)],
    byDefault: false,
    lacks: ['tls'],
    of: 'feathers',
    // Its SQLite is compiled where there is no binary for this Node.
    optional: true,
  },
]

/** A server from the command line: `NAME=COMMAND with PORT`. */
export function extraServer(text) {
  const [, name, command] = /^([^=\s]+)=(.*\bPORT\b.*)$/.exec(text) ?? []
  if (!name) throw new Error(`--extra ${text}: NAME=COMMAND is needed, with PORT in the command`)
  const words = command.split(/\s+/)
  return {
    name,
    title: name,
    command: (port) => words.map((word) => word.replaceAll('PORT', port)),
    allocator: 'not known',
    extra: true,
    byDefault: true,
    lacks: ['tls'],
  }
}
