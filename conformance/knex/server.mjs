// Feathers 5 over Knex: `sqlite` in memory, and `postgres` where POSTGRES_URL is set. It prints its address and ends with
// its standard input, as a fixture does.
import { once } from 'node:events'
import { feathers } from '@feathersjs/feathers'
import { KnexService } from '@feathersjs/knex'
import socketio from '@feathersjs/socketio'
import knex from 'knex'
import pg from 'pg'

// PostgreSQL's driver answers texts for bigint, which `count` is, unless it is told to read them.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

const databases = {
  sqlite: knex({ client: 'better-sqlite3', connection: { filename: ':memory:' }, useNullAsDefault: true }),
}
const { POSTGRES_URL } = process.env
if (POSTGRES_URL) databases.postgres = knex({ client: 'pg', connection: POSTGRES_URL })

const app = feathers()
app.configure(socketio())
for (const [name, Model] of Object.entries(databases)) {
  await Model.schema.dropTableIfExists('knex_people')
  await Model.schema.createTable('knex_people', (table) => {
    table.increments('id')
    table.text('name')
    table.integer('age')
    table.boolean('created')
  })
  app.use(name, new KnexService({ Model, name: 'knex_people' }))
  app.use(`${name}-paged`, new KnexService({ Model, name: 'knex_people', paginate: { default: 3, max: 5 } }))
}
// SQLite has no booleans, and Knex does not read them: an application has such a hook.
const booleans = async (context, next) => {
  await next()
  const { result } = context
  const records = Array.isArray(result.data ?? result) ? (result.data ?? result) : [result]
  for (const record of records) if (typeof record.created === 'number') record.created = record.created !== 0
}
app.hooks({ around: { all: [booleans] } })
app.on('connection', (connection) => app.channel('everybody').join(connection))
app.publish(() => app.channel('everybody'))

const server = await app.listen(0, '127.0.0.1')
if (!server.listening) await once(server, 'listening')
console.log(`listening 127.0.0.1:${server.address().port}`)
process.stdin.resume().on('end', () => process.exit())
