// The JavaScript clients, each with a connection of its own that ends with the test.
import { createRequire } from 'node:module'
import errors from '@feathersjs/errors'
import { feathers } from '@feathersjs/feathers'
import socketio from '@feathersjs/socketio-client'
import { io } from 'socket.io-client'

const bundle = createRequire(import.meta.url)('@feathersjs/client')

/** The two ways to have a Feathers client: the modules, and the bundle that a page loads. */
export const CLIENTS = [
  { name: '@feathersjs/socketio-client', feathers, socketio, errors },
  { name: '@feathersjs/client', feathers: bundle.feathers, socketio: bundle.socketio, errors: bundle.errors }
]

/** A bare Socket.IO client. Reconnects fast, because a test waits for it. */
export function socketOf(t, server, options = {}) {
  const socket = io(server.socketsUrl ?? server.url, { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 100, ...options })
  t.after(() => socket.disconnect())
  return socket
}

/** A Feathers client; `app.io` is its socket. */
export function appOf(t, server, { client = CLIENTS[0], ...options } = {}) {
  const app = client.feathers()
  const connection = client.socketio(socketOf(t, server, options))
  app.configure(connection)
  // A custom method exists on a client only where it is listed.
  const custom = { tools: ['reverse', 'batch', 'fail'], rooms: ['join', 'leave'], echo: ['shout'] }
  for (const [path, names] of Object.entries(custom)) {
    app.use(path, connection.service(path), { methods: [...SIX, ...names] })
  }
  return app
}

const SIX = ['find', 'get', 'create', 'update', 'patch', 'remove']

/** Clients that have joined: only then does the server send them events. */
export async function connectedApps(t, server, count, options) {
  const apps = Array.from({ length: count }, () => appOf(t, server, options))
  await Promise.all(apps.map((app) => connected(app.io)))
  return apps
}

export async function connected(socket) {
  if (!socket.connected) await once(socket, 'connect')
}

/**
 * The socket has the transport it will keep. A server that ends between the client's probe and its upgrade leaves
 * engine.io-client without either transport until the ping timeout, whoever the server is.
 */
export async function settled(socket) {
  await connected(socket)
  const { engine } = socket.io
  if (engine.transports.includes('websocket') && engine.transport.name !== 'websocket') await once(engine, 'upgrade')
}

/** The first argument of the next `name`. */
export function once(emitter, name) {
  return new Promise((resolve) => emitter.once(name, resolve))
}

/** The data of the next `count` events `name`, in order. */
export function heard(emitter, name, count) {
  const data = []
  return new Promise((resolve) => {
    emitter.on(name, (item) => {
      data.push(item)
      if (data.length === count) resolve(data)
    })
  })
}

/** Collects events, for tests that say what is not heard; `until` waits for the one that comes last. */
export function listen(service, ...names) {
  const seen = []
  const waiting = []
  for (const name of names) {
    service.on(name, (data) => {
      seen.push([name, data])
      for (const check of waiting) check(data)
    })
  }
  const until = (last) =>
    new Promise((resolve) => {
      const check = (data) => last(data, seen) && resolve()
      for (const [, data] of seen) check(data)
      waiting.push(check)
    })
  return { seen, until }
}

/** Waits until an answer of the server satisfies `holds`: for what happens there without telling us. */
export async function eventually(ask, holds) {
  for (;;) {
    const answer = await ask()
    if (holds(answer)) return answer
  }
}
