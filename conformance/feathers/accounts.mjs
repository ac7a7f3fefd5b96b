// Accounts, and what needs one (FIXTURE.md, sections 5, 6 and 8): `users`, `authentication`, `secure` and `notes`.
import authentication from '@feathersjs/authentication'
import local from '@feathersjs/authentication-local'
import { NotAuthenticated } from '@feathersjs/errors'

const { AuthenticationBaseStrategy, AuthenticationService, JWTStrategy, authenticate } = authentication

const USERS = [
  {
    id: 1,
    email: 'ann@example.com',
    name: 'Ann',
    password: '$2a$04$abcdefghijklmnopqrstuuCHf7DUmNUvMBdGje9JveOQe49tH5xFK'
  },
  {
    id: 2,
    email: 'bob@example.com',
    name: 'Bob',
    password: '$2a$04$abcdefghijklmnopqrstuulGPK4fzXEtj4nBuq572tAa2r32TW6di'
  }
]
const KEYS = new Map([
  ['key-user-1', 1],
  ['key-anon', undefined]
])

class ApiKeyStrategy extends AuthenticationBaseStrategy {
  async authenticate({ key }, { provider }) {
    if (!KEYS.has(key)) throw new NotAuthenticated('Incorrect API Key')
    const id = KEYS.get(key)
    const user = id && (await this.app.service('users').get(id, { provider }))
    return { authentication: { strategy: 'apiKey' }, apiKey: true, ...(user && { user }) }
  }
  async parse({ headers }) {
    const key = headers['x-api-key']
    return key ? { strategy: 'apiKey', key } : null
  }
}

// Feathers' own defaults: settings replace them as a whole.
const JWT_OPTIONS = {
  header: { typ: 'access' },
  audience: 'https://yourdomain.com',
  issuer: 'feathers',
  algorithm: 'HS256'
}

/** The settings that differ in a state. */
const SETTINGS = new Map([
  ['auth-jwt-local', { authStrategies: ['jwt', 'local'] }],
  ['auth-none', { authStrategies: [] }],
  ['auth-parse-only', { authStrategies: ['jwt', 'local'], parseStrategies: ['jwt', 'apiKey'] }],
  ['auth-1s', { jwtOptions: { ...JWT_OPTIONS, expiresIn: '1s' } }],
  ['auth-noentity', { entity: null }]
])

export function registerAccounts(app, state, { memory, Echo }) {
  app.use('users', memory({ multi: ['remove'], records: USERS }))
  app.service('users').hooks({ around: { all: [withoutPassword] }, before: { create: [local.hooks.hashPassword('password')] } })

  app.set('authentication', {
    secret: 'golden-fixture-secret',
    entity: 'user',
    service: 'users',
    authStrategies: ['jwt', 'local', 'apiKey'],
    local: { usernameField: 'email', passwordField: 'password', hashSize: 4 },
    ...SETTINGS.get(state)
  })
  const service = new AuthenticationService(app)
  service.register('jwt', new JWTStrategy())
  service.register('local', new local.LocalStrategy())
  service.register('apiKey', new ApiKeyStrategy())
  app.use('authentication', service)

  app.use('secure', new Echo())
  app.service('secure').hooks({ before: { all: [authenticate('jwt', 'apiKey')] }, after: { all: [who] } })
  app.use('notes', memory({ multi: true }))
  app.service('notes').hooks({ before: { create: [authenticate('jwt')] } })
}

export function publishAccounts(app) {
  app.on('login', (_result, { connection }) => {
    if (!connection) return
    app.channel('anonymous').leave(connection)
    app.channel('authenticated').join(connection)
  })
  app.on('logout', (_result, { connection }) => connection && app.channel('anonymous').join(connection))
  app.service('notes').publish(() => app.channel('authenticated'))
}

async function withoutPassword(context, next) {
  await next()
  if (!context.params.provider) return
  const safe = (record) => {
    const { password, ...rest } = record
    return rest
  }
  const { result } = context
  context.result = Array.isArray(result) ? result.map(safe) : result && safe(result)
}

async function who(context) {
  const { user, authentication, authenticated } = context.params
  Object.assign(context.result, {
    ...(user && { user: { id: user.id, name: user.name, internal: 'password' in user } }),
    ...(authentication && { strategy: authentication.strategy }),
    ...(authenticated !== undefined && { authenticated })
  })
}
