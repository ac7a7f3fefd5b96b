// Feathers 5 with Knex over Socket.IO: the peer with data. usage: node server.mjs PORT sqlite FILE | postgres URL
// `messages` is a table and nothing else, `notes` has the hooks of an application (as bench/src/data/notes.rs).
import { AuthenticationService, JWTStrategy, authenticate } from '@feathersjs/authentication'
import { feathers } from '@feathersjs/feathers'
import { KnexService } from '@feathersjs/knex'
import { Ajv, getValidator, querySyntax, resolve, resolveResult, validateData, validateQuery, virtual } from '@feathersjs/schema'
import socketio from '@feathersjs/socketio'
import knex from 'knex'
import { http, port, words } from '../options.mjs'

const [store, place] = words
const Model =
  store === 'sqlite'
    ? knex({
        client: 'better-sqlite3',
        connection: { filename: place },
        useNullAsDefault: true,
        pool: {
          afterCreate(connection, done) {
            connection.pragma('journal_mode = WAL')
            connection.pragma('synchronous = NORMAL')
            done()
          },
        },
      })
    : knex({ client: 'pg', connection: place, pool: { min: 10, max: 10 } })

const table = (name) => new KnexService({ Model, name, paginate: { default: 10, max: 50 } })
const app = feathers()
app.configure(socketio())
app.use('messages', table('messages'), { methods: ['find', 'get', 'create', 'patch'] })
app.use('notes', table('notes'), { methods: ['find', 'get', 'create', 'remove'] })
app.use('users', table('users'), { methods: [] })

app.set('authentication', {
  entity: 'user',
  service: 'users',
  // What the load generator signs its tokens with.
  secret: 'nothing that is worth to be kept secret',
  authStrategies: ['jwt'],
  jwtOptions: { audience: 'https://bench.example', issuer: 'feathers', algorithm: 'HS256', expiresIn: '1d' },
})
const authentication = new AuthenticationService(app)
authentication.register('jwt', new JWTStrategy())
app.use('authentication', authentication)

const ajv = new Ajv()
const fields = {
  id: { type: 'integer' },
  roomId: { type: 'integer' },
  userId: { type: 'integer' },
  text: { type: 'string' },
}
const query = getValidator(
  { $id: 'NoteQuery', type: 'object', additionalProperties: false, properties: querySyntax(fields) },
  new Ajv({ coerceTypes: true }),
)
const data = getValidator(
  {
    $id: 'NewNote',
    type: 'object',
    additionalProperties: false,
    required: ['roomId', 'text'],
    properties: { roomId: { type: 'integer', minimum: 0 }, text: { type: 'string', minLength: 1, maxLength: 2000 } },
  },
  ajv,
)
const link = resolve({ link: virtual(async (note) => `/rooms/${note.roomId}#${note.id}`) })

/** Everybody sees what is his. */
async function own(context) {
  if (context.params.provider) context.params.query = { ...context.params.query, userId: context.params.user.id }
}

/** What is created belongs to who creates it. */
async function sign(context) {
  if (context.params.provider) context.data = { ...context.data, userId: context.params.user.id }
}

app.service('notes').hooks({
  around: { all: [authenticate('jwt'), resolveResult(link)] },
  before: {
    all: [validateQuery(query)],
    find: [own],
    get: [own],
    remove: [own],
    create: [validateData(data), sign],
  },
})
app.service('notes').publish(() => app.channel('members'))
app.on('login', (_, { connection }) => connection && app.channel('members').join(connection))

const server = http()
await app.setup(server)
server.listen(port, '127.0.0.1', () => console.log('listening', port))
