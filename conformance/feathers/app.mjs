// The application in its states: what surrounds the services (FIXTURE.md, sections 5, 7, 9 and 10).
import express from '@feathersjs/express'
import { feathers } from '@feathersjs/feathers'
import socketio from '@feathersjs/socketio'
import msgpackParser from 'socket.io-msgpack-parser'
import { publishAccounts } from './accounts.mjs'
import { trace } from './hooked.mjs'
import { registerServices } from './services.mjs'

/** The Socket.IO options of each state. */
export const STATES = new Map([
  ['base', {}],
  ['none', {}],
  ['production', {}],
  ['nopublish', {}],
  ['polling-only', { transports: ['polling'] }],
  ['websocket-only', { transports: ['websocket'] }],
  ['path-ws', { path: '/ws/' }],
  ['cors', { cors: { origin: true, credentials: true } }],
  ['allow-request', { allowRequest: (_request, done) => done('not today', false) }],
  ['cookie', { cookie: true }],
  ['fast-ping', { pingInterval: 300, pingTimeout: 200 }],
  ['small-buffer', { maxHttpBufferSize: 1000 }],
  ['eio3', { allowEIO3: true }],
  ['recovery', { connectionStateRecovery: { maxDisconnectionDuration: 60_000, skipMiddlewares: true } }],
  ['recovery-mw', { connectionStateRecovery: { maxDisconnectionDuration: 60_000, skipMiddlewares: false } }],
  ['no-client', { serveClient: false }],
  ...['auth-jwt-local', 'auth-none', 'auth-parse-only', 'auth-1s', 'auth-noentity'].map((name) => [name, {}]),
  // Not of FIXTURE.md: for clients that speak MessagePack, and for messages of many megabytes.
  ['msgpack', { parser: msgpackParser }],
  ['large', { maxHttpBufferSize: 20 << 20 }],
  // Sockets on a port of their own.
  ['two-ports', {}]
])

export function buildApp(state, socketsPort) {
  if (state === 'production') process.env.NODE_ENV = 'production'
  const overHttp = state !== 'none'
  const app = overHttp ? express(feathers()) : feathers()
  if (overHttp) {
    app.use(express.json())
    app.use(express.urlencoded({ extended: true }))
    app.configure(express.rest())
  }
  app.configure(socketsPort ? socketio(socketsPort, STATES.get(state), guard) : socketio(STATES.get(state), guard))

  registerServices(app, state)
  app.hooks(applicationHooks)
  app.on('connection', (connection) => app.channel('everybody', 'anonymous').join(connection))
  if (state !== 'nopublish') publish(app)

  if (overHttp) {
    app.use(express.notFound())
    app.use(express.errorHandler({ logger: false }))
  }
  return app
}

function guard(io) {
  io.use((socket, next) => {
    const { deny, tenant, override } = socket.handshake.query
    if (deny !== undefined) return next(Object.assign(new Error('denied by middleware'), { data: { reason: deny } }))
    if (tenant !== undefined) socket.feathers.tenant = tenant
    if (override !== undefined) socket.feathers.query = { overridden: true }
    next()
  })
  io.of('/other')
}

const applicationHooks = {
  around: { all: [trace.around('app.around.all')], find: [trace.around('app.around.find')] },
  before: { all: [trace('app.before.all')], find: [trace('app.before.find')] },
  after: { all: [trace('app.after.all')], find: [trace('app.after.find')] },
  error: { all: [trace('app.error.all')] }
}

function publish(app) {
  const everybody = () => app.channel('everybody')
  app.publish(everybody)
  publishAccounts(app)
  app.publish('patched', (_data, { path }) =>
    path.startsWith('prec') ? everybody().send({ via: 'app:patched' }) : everybody()
  )
  app.service('prec').publish('created', () => everybody().send({ via: 'service:created' }))
  app.service('prec').publish(() => everybody().send({ via: 'service:all' }))
  app.service('prec2').publish('created', () => everybody().send({ via: 'service:created' }))
  app.service('chat').publish((data) => app.channel(`rooms/${data.roomId}`))
  app.service('silent').publish(() => null)
  app.service('filtered').publish((data) => everybody().filter(({ user }) => user?.id === data.userId))
  app.service('mixed').publish(() => [
    null,
    [app.channel('authenticated').send({ from: 'authenticated' })],
    undefined,
    everybody(),
    app.channel('anonymous').send({ from: 'anonymous' })
  ])
  app.service('badpub').publish(() => {
    throw new Error('publisher failed')
  })
  app.service('slowpub').publish(async () => {
    await new Promise((resolve) => setTimeout(resolve, 40))
    return everybody()
  })
}
