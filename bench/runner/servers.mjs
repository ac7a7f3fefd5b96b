// The servers that are compared. `build` is a folder to build in, below the project's root;
// a `reference` is measured less often, because its distance is many times the noise.

const wingbeat = (mode) => ({
  name: mode === 'typed' ? 'wingbeat' : `wingbeat-${mode}`,
  title: mode === 'typed' ? 'Wingbeat' : `Wingbeat, ${modes[mode]}`,
  build: { cargo: '.', package: 'bench' },
  command: (port) => ['target/release/bench-server', '--port', port, '--mode', mode, '--threads', '1'],
  byDefault: mode === 'typed',
})

const modes = {
  typed: 'typed services',
  engine: 'the engine alone',
  raw: 'raw services',
  hooks5: 'five around hooks',
}

const floor = (name, title, options, more) => ({
  name,
  title,
  build: { cargo: 'bench/peers/floor' },
  command: (port) => ['bench/peers/floor/target/release/floor', '--port', port, ...options],
  withoutPolling: true,
  ...more,
})

const rust = (name) => ({
  name,
  title: name,
  build: { cargo: `bench/peers/${name}` },
  command: (port) => [`bench/peers/${name}/target/release/peer_${name}`, port, 'current'],
  reference: true,
  byDefault: true,
})

const node = (name, title, script) => ({
  name,
  title,
  build: { npm: 'bench/peers' },
  command: (port) => ['node', `bench/peers/${script}`, port],
  reference: true,
  byDefault: true,
})

export const servers = [
  floor('floor', 'floor, by hand', ['--ws', 'own', '--bcast', 'queue'], { byDefault: true }),
  wingbeat('typed'),
  wingbeat('engine'),
  wingbeat('raw'),
  wingbeat('hooks5'),
  floor('floor-direct', 'floor, publisher writes', ['--ws', 'own', '--bcast', 'direct'], {}),
  floor('tungstenite', 'tokio-tungstenite, by hand', ['--ws', 'tungstenite'], { reference: true }),
  rust('socketioxide'),
  rust('engineioxide'),
  node('feathers', 'Feathers (Node)', 'feathers.mjs'),
  node('socket.io', 'socket.io (Node)', 'socketio.mjs'),
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
    extra: true,
    byDefault: true,
  }
}
