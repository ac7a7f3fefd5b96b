// The services of FIXTURE.md, section 8.
import { BadRequest } from '@feathersjs/errors'
import { MemoryService } from '@feathersjs/memory'
import { registerAccounts } from './accounts.mjs'
import { registerHooked } from './hooked.mjs'
import { Thrower } from './thrown.mjs'

const MESSAGES = [
  { id: 1, text: 'one', userId: 1, read: false, n: 10 },
  { id: 2, text: 'two', userId: 2, read: true, n: 20 },
  { id: 3, text: 'three', userId: 1, read: false, n: 30 }
]
const PAGED = [
  { id: 1, text: 'a', n: 5, tags: ['x', 'y'] },
  { id: 2, text: 'b', n: 4 },
  { id: 3, text: 'c', n: 3, deep: { v: 1 } },
  { id: 4, text: 'd', n: 2, deep: { v: 2 } },
  { id: 5, text: 'e', n: 1, tags: ['y'] }
]

export function registerServices(app, state) {
  app.use('messages', memory({ multi: true, records: MESSAGES }))
  app.use('paged', memory({ paginate: { default: 2, max: 3 }, records: PAGED }))
  app.use('/my/messages/', memory())
  app.use('users/:userId/messages', new UserMessages())
  app.use('tools', new Tools(), {
    methods: ['find', 'get', 'create', 'reverse', 'batch', 'fail'],
    events: ['progress']
  })
  app.use('readonly', memory({ records: [{ id: 1, text: 'fixed' }] }), { methods: ['find', 'get'] })
  app.use('echo', new Echo(), { methods: [...SIX, 'shout'] })
  app.use('errors', new Thrower())
  app.use('specials', { get: async (id) => (SPECIALS.has(id) ? SPECIALS.get(id) : { id }) })
  app.use('blob', new Blobs())
  app.use('chat', memory({ multi: true }))
  app.use('rooms', new Rooms(app), { methods: ['find', 'join', 'leave'] })
  for (const path of ['silent', 'mixed', 'prec', 'prec2', 'filtered', 'badpub', 'slowpub']) app.use(path, memory())
  app.use('own', new Own(), { events: ['created'] })
  registerAccounts(app, state, { memory, Echo })
  registerHooked(app)
}

// Ids count up from the one after the records.
function memory({ records = [], ...options } = {}) {
  const store = Object.fromEntries(records.map((record) => [record.id, { ...record }]))
  return new MemoryService({ ...options, store, startId: records.length + 1 })
}

class UserMessages {
  async find({ query, route }) {
    return [{ userId: route.userId, route, query }]
  }
  async get(id, { route }) {
    return { id, userId: route.userId, route }
  }
  async create(data, { route }) {
    return { ...data, userId: route.userId }
  }
}

class Tools {
  async find() {
    return ['hammer', 'saw']
  }
  async get(id) {
    return { id }
  }
  async create(data) {
    return { made: data }
  }
  async reverse({ text }) {
    this.emit('progress', { step: 1, of: 2 })
    this.emit('progress', { step: 2, of: 2 })
    return { text: [...text].reverse().join('') }
  }
  async batch({ items }) {
    return items
  }
  async fail() {
    throw new BadRequest('Tool failed', { tool: 'hammer' })
  }
  async hidden() {
    return 'hidden'
  }
}

const SIX = ['find', 'get', 'create', 'update', 'patch', 'remove']

class Echo {}
for (const [method, arity] of Object.entries({ find: 0, get: 1, create: 1, update: 2, patch: 2, remove: 1, shout: 1 })) {
  Echo.prototype[method] = async function (...given) {
    const args = given.slice(0, arity)
    const params = given[arity]
    return {
      method,
      args,
      argTypes: args.map((arg) => (arg === null ? 'null' : Array.isArray(arg) ? 'array' : typeof arg)),
      query: params.query,
      route: params.route,
      provider: params.provider ?? 'none',
      connection: params.connection !== undefined,
      keys: Object.keys(params).sort()
    }
  }
}

const SPECIALS = new Map([
  ['null', null],
  ['undefined', undefined],
  ['false', false],
  ['zero', 0],
  ['empty', ''],
  ['string', 'str'],
  ['array', []],
  ['nan', { a: NaN, b: Infinity, c: undefined, d: null, e: -0 }],
  ['date', { at: new Date(0) }],
  ['unicode', { s: 'hé \u2028 \u{1F600} \u0000 \uD800' }],
  ['bigint', { n: 1n }],
  ['num', { big: 9007199254740993, f: 0.1, e: 1e21, small: 1e-7 }],
  ['tojson', { toJSON: () => ({ via: 'toJSON' }) }],
  ['map', { m: new Map([[1, 2]]), s: new Set([1]) }]
])

class Blobs {
  async find() {
    return Buffer.from([9, 8, 7])
  }
  async get(id) {
    return { id, parts: [Buffer.from('a'), { x: Buffer.from('bc') }] }
  }
  async create({ buf }) {
    return { isBuffer: Buffer.isBuffer(buf), len: buf?.length ?? -1, back: buf }
  }
}

class Rooms {
  constructor(app) {
    this.app = app
  }
  async find() {
    return [...this.app.channels].sort()
  }
  async join({ id }, { connection }) {
    const room = this.app.channel(`rooms/${id}`).join(connection)
    return { joined: id, size: room.length }
  }
  async leave({ id }, { connection }) {
    const room = this.app.channel(`rooms/${id}`).leave(connection)
    return { left: id, size: room.length }
  }
}

class Own {
  async create(data) {
    this.emit('created', { own: true, ...data })
    return { returned: true, ...data }
  }
}
