// What is asked: the arguments of calls, in lists whose order counts. They cross every method and operator with values of
// every kind.

const VALUES = [
  null, 0, 1, -1, 2.7, '2', '', 'x', 'desc', true, false, [], [1], ['text'], {}, { $x: 1 }, { text: 1 }, { text: -1 },
  { text: '1' }, { text: null }, { text: { $x: 1 } }, { n: { $gt: 1 } }, [{ $x: 1 }], ['text', 'n'], ['id'], ['nope'],
  [null], '1e1', ' 2', '2abc', 1e15
]
const OPERANDS = [
  null, 1, 10, 4, '1', 'one', 'a', '', true, false, [1, 2], ['a', null], ['x', 'y'], {}, { v: 1 }, { $gt: 1 }, [{ v: 1 }], 3.5
]
const OPERATORS = ['$in', '$nin', '$lt', '$lte', '$gt', '$gte', '$ne', '$or', '$and', '$regex', '$not', '$where', '$eq']
const FIELDS = ['id', 'text', 'userId', 'n', 'read', 'tags', 'deep', 'deep.v', 'nope', 'tags.0']
const GROUPS = [
  [], [{}], [{ id: 1 }], [{ id: 1 }, { id: 2 }], [{ id: { $gt: 1 } }, { text: 'a' }], [{ $or: [{ id: 1 }] }],
  [{ $and: [{ id: 1 }] }], [{ $in: [1] }], [{ $ne: 1 }], [{ $x: 1 }], [{ id: { $x: 1 } }], [{ $limit: 1 }], [null], [1],
  ['x'], [[]], {}, { id: 1 }, 'x', 1, null, true, false, 0, ''
]
const STRANGE_FILTERS = ['$bogus', '$ne', '$in', '$where', '$populate', '$', '$$']

/** Queries on two services, one with pages. */
export function* queries() {
  for (const service of ['messages', 'paged']) {
    for (const filter of ['$limit', '$skip', '$sort', '$select']) {
      for (const value of VALUES) {
        yield ['find', service, { [filter]: value }]
        if (filter !== '$skip') yield ['get', service, 1, { [filter]: value }]
      }
    }
    for (const field of FIELDS) {
      for (const operand of OPERANDS) {
        yield ['find', service, { [field]: operand }]
        for (const operator of OPERATORS) yield ['find', service, { [field]: { [operator]: operand } }]
      }
    }
    for (const group of GROUPS) {
      for (const name of ['$or', '$and']) {
        yield ['find', service, { [name]: group }]
        yield ['find', service, { [name]: group, id: 1 }]
        yield ['get', service, 1, { [name]: group }]
      }
    }
    for (const filter of STRANGE_FILTERS) {
      const query = { [filter]: 1 }
      yield ['find', service, query]
      for (const id of [1, null]) {
        yield ['get', service, id, query]
        yield ['update', service, id, {}, query]
        yield ['patch', service, id, {}, query]
        yield ['remove', service, id ?? 99, query]
      }
    }
  }
}

const SERVICES = [
  'messages', 'paged', 'users', 'my/messages', '/my/messages/', 'users/2/messages', 'users/:userId/messages', 'tools',
  'readonly', 'echo', 'errors', 'specials', 'hooked', 'notes', 'chat', 'rooms', 'secure', 'silent', 'mixed', 'prec',
  'prec2', 'filtered', 'badpub', 'nope', '', '/', 'authentication', 'messages/', '//messages', 'messages/1', 'Messages'
]
const IDS = [null, 1, '1', 99, 'x', '', 0, 1.5, -1]
const RECORDS = [
  {}, { text: 'x' }, { id: 0 }, { id: 'k' }, { id: null }, { userId: 1, roomId: 1 }, { quiet: true }, { rename: true },
  { dispatch: true }, { many: true }
]
const SPECIAL = ['null', 'undefined', 'false', 'zero', 'empty', 'string', 'array', 'nan', 'date', 'num', 'tojson', 'map']
const THROWN = ['data', 'errors', 'arraydata', 'objmsg', 'nomsg', 'nulldata', 'nested', 'validation', 418, '400']
const CODES = [400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 413, 422, 429, 500, 501, 502, 503]
const HOOKED = ['boom', 'swallow', 'swallow-null', 'transform', 'preset', 'throw-before', 'throw-after', 'rewrite', 'dispatch-obj']

/** Every method of every service, with too few arguments, too many, and of every kind. */
export function* calls() {
  for (const service of SERVICES) {
    for (const query of [{}, { $select: ['text'] }, { text: 'x' }, null, 5, true]) yield ['find', service, query]
    for (const id of IDS) {
      yield ['get', service, id]
      yield ['get', service, id, {}]
      yield ['remove', service, String(id) === '1' ? 77 : id, {}]
    }
    for (const data of [...RECORDS, null, [], [{ text: 'a' }, { text: 'b' }]]) {
      yield ['create', service, data, {}]
      yield ['update', service, null, data, {}]
    }
    for (const data of [...RECORDS, null]) {
      yield ['patch', service, null, data, { text: 'nobody' }]
      for (const id of [1, 99, 'x']) {
        yield ['patch', service, id, data, {}]
        if (data) yield ['update', service, id, data, {}]
      }
    }
    for (const method of ['find', 'get', 'update', 'patch', 'remove']) yield [method, service]
    for (const method of ['find', 'get', 'create', 'update', 'patch', 'remove']) yield [method, service, 1, 2, 3, 4, 5]
    yield ['shout', service, { a: 1 }, {}]
    yield ['reverse', service, { text: 'abc' }, {}]
    yield ['batch', service, { items: [1] }]
    yield ['fail', service, {}]
    for (const id of [1, 'a']) {
      yield ['join', service, { id }, {}]
      yield ['create', 'chat', { roomId: id }, {}]
      yield ['leave', service, { id }, {}]
    }
  }
  for (const id of SPECIAL) yield ['get', 'specials', id]
  for (const id of [...THROWN, ...CODES]) yield ['get', 'errors', id]
  for (const id of HOOKED) yield ['get', 'hooked', id]
}

const ANN = { strategy: 'local', email: 'ann@example.com', password: 'secret1' }
const BOB = { strategy: 'local', email: 'bob@example.com', password: 'secret2' }
const ODD = [null, {}, [], 'x', 1, true, false, 0, '', ['ann@example.com']]
const TOKENS = [
  'a', 'a.b', 'a.b.c', 'a.b.c.d', '..', 'e30.e30.', 'e30.e30.x', 'eyJhbGciOiJub25lIn0.e30.', 'eyJhbGciOiJIUzI1NiJ9.e30.x',
  'eyJhbGciOiJIUzI1NiIsInR5cCI6ImFjY2VzcyJ9.bm9wZQ.sig', 'eyJhbGciOiJSUzI1NiJ9.e30.x', 'é.é.é',
  'eyJhbGciOiJIUzI1NiJ9.e30. ', ' eyJhbGciOiJIUzI1NiJ9.e30.x', 'eyJhbGciOiJIUzI1NiJ9.e30.x!'
]

/** Logins and logouts of one connection, and who it is after each. */
export function* logins() {
  const login = (data, query = {}) => ['create', 'authentication', data, query]
  const logout = (...id) => ['remove', 'authentication', ...id]
  const who = ['get', 'secure', 1, {}]
  for (const odd of ODD) {
    yield login(odd)
    yield login({ strategy: odd })
    yield login({ ...ANN, email: odd })
    yield login({ ...ANN, password: odd })
    yield login({ strategy: 'jwt', accessToken: odd })
    yield login({ strategy: 'apiKey', apiKey: odd })
    yield who
  }
  for (const strategy of ['local', 'jwt', 'apiKey', 'LOCAL', 'oauth', '__proto__', 'constructor', ' local']) {
    yield login({ strategy })
    yield login({ ...ANN, strategy })
    yield who
    yield logout(null, {})
  }
  for (const accessToken of TOKENS) yield login({ strategy: 'jwt', accessToken })
  yield login(ANN)
  for (const id of [[], ['x', {}], [1, {}], [null, {}, {}]]) {
    yield logout(...id)
    yield who
  }
  for (const wrong of [{ password: 'wrong' }, { email: 'nobody@example.com' }]) {
    yield login({ ...ANN, ...wrong })
    yield who
  }
  for (const service of ['notes', 'messages', 'mixed', 'users']) yield ['create', service, { text: service }, {}]
  for (const userId of [1, 2]) yield ['create', 'filtered', { userId }, {}]
  yield ['patch', 'users', 1, { name: 'Anna' }, {}]
  yield who
  yield login(ANN)
  yield login(BOB)
  yield who
  yield logout(null, {})
  yield who
  yield logout(null)
  yield logout()
  for (const service of ['notes', 'messages', 'mixed']) yield ['create', service, { text: service }, {}]
  for (const query of [{ name: 'Nobody' }, { $select: ['id'] }, null]) yield login(ANN, query)
  yield ['create', 'authentication', ANN]
  yield ['create', 'authentication', ANN, {}, {}]
  for (const method of ['find', 'get', 'update', 'patch']) yield [method, 'authentication', 1, {}]
}
