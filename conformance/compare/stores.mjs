// What Feathers over Knex and the SQL stores are asked, and where their answers may differ.

const NAMES = ['Ann', 'ann', 'Bob', 'Çelik', '', '10', '9', null, 'x%y', 'a_b']
const VALUES = [null, 0, 1, -1, 2.5, '1', '2.0', 'x', '', true, false, [], [1, 2], ['Ann', null], {}, { $x: 1 }]
const TESTS = ['$in', '$nin', '$lt', '$lte', '$gt', '$gte', '$ne', '$like', '$notlike', '$ilike', '$regex', '$or']
const FIELDS = ['id', 'name', 'age', 'created', 'nope']
const GROUPS = [[], [{}], [{ id: 1 }], [{ id: 1 }, { name: 'Bob' }], [{ age: { $gt: 20 } }, { name: null }], [{ $or: [{ id: 1 }] }]]
const FILTERS = [null, 0, 1, 2, -1, '1', 'x', 1e9, {}, [], { id: 1 }, { id: -1 }, { age: -1, id: 1 }, { name: '1', id: 1 }, { nope: 1 }]
const SELECTS = [['name'], ['id', 'age'], ['nope'], [], 'name', ['name', 'name']]
const PATTERNS = ['A%', '%n', '_nn', 'a\\_b', '%\\%%', '%', '']
const ORDER = { id: 1 }

/** One service's: rows, queries with every operator and value, and writes. */
export function* questions(service) {
  for (const [at, name] of NAMES.entries()) {
    yield ['create', service, { name, age: at % 4 === 3 ? null : at * 7, created: [true, false, null][at % 3] }, {}]
  }
  const paged = `${service}-paged`
  const find = (query) => ['find', service, { $sort: ORDER, ...query }]
  for (const field of FIELDS) {
    for (const value of [...VALUES, ...NAMES]) {
      yield find({ [field]: value })
      for (const test of TESTS) yield find({ [field]: { [test]: value } })
    }
    for (const pattern of PATTERNS) for (const test of ['$like', '$notlike', '$ilike']) yield find({ [field]: { [test]: pattern } })
    yield find({ [field]: { $gt: 1, $lt: 30 } })
    yield find({ [field]: { $in: [1, 2, 'Ann', null] } })
  }
  for (const group of GROUPS) for (const name of ['$or', '$and']) yield find({ [name]: group })
  for (const value of FILTERS) {
    yield ['find', paged, { $sort: ORDER, $limit: value }]
    yield ['find', paged, { $sort: ORDER, $skip: value }]
    yield ['find', service, { $sort: value, $limit: 4 }]
  }
  for (const $select of SELECTS) {
    yield find({ $select, id: 2 })
    yield ['get', service, 2, { $select }]
    // Knex has written when it fails.
    if (typeof $select === 'string' || $select.includes('nope')) continue
    yield ['create', service, { name: 'selected' }, { $select }]
    yield ['patch', service, 2, { age: 30 }, { $select }]
  }
  for (const id of [1, '1', 99, 'x', 1.5, '', null]) {
    yield ['get', service, id, {}]
    yield ['get', service, id, { name: 'Ann' }]
    yield ['patch', service, id, { name: 'patched' }, { name: 'nobody' }]
  }
  for (const data of [{}, { name: 'new', age: 1 }, { nope: 1 }, { id: 500, name: 'own' }, { id: 500 }, [{ name: 'a' }], { name: null }]) {
    yield ['create', service, data, {}]
    yield ['update', service, 3, data, {}]
    yield ['patch', service, 4, data, {}]
  }
  for (const id of [5, 99, null]) {
    yield ['remove', service, id, {}]
    yield ['patch', service, id, { age: 2 }, {}]
    yield ['update', service, id, { name: 'updated' }, {}]
  }
  yield find({})
  // Knex writes some of these.
  for (const data of [{ age: 'x' }, { created: 1 }]) {
    yield ['create', service, data, {}]
    yield ['patch', service, 4, data, {}]
  }
}

const TYPES = { id: 'number', name: 'string', age: 'number', created: 'boolean' }
const refused = (answer) => answer.error?.code === 400
const failed = ({ error }) => error && (error.code === undefined || error.code === 500 || /^(select|insert|update|delete) /.test(error.message))
const isObject = (value) => value !== null && typeof value === 'object'

/** The tests of a question's fields: field, operator and operand. */
const tests = (question) =>
  Object.entries(Object(question.at(-1)))
    .filter(([field]) => !field.startsWith('$'))
    .flatMap(([field, test]) => {
      if (!isObject(test) || Array.isArray(test)) return [[field, '=', test]]
      const operators = Object.entries(test)
      return operators.length === 0 ? [[field, '=', test]] : operators.map(([name, operand]) => [field, name, operand])
    })
const uses = (question, ...names) => tests(question).some(([, name]) => names.includes(name))
const operands = (question) =>
  tests(question).flatMap(([field, name, operand]) =>
    (Array.isArray(operand) && ['$in', '$nin'].includes(name) ? operand : [operand]).map((one) => [field, one])
  )

export const DIFFERENCES = [
  {
    why: 'what Knex makes invalid SQL of, or the database refuses, is answered or a BadRequest',
    when: (question, theirs, ours) => failed(theirs) && ours.error?.code !== 500
  },
  {
    why: '$like and its kin are for texts',
    when: (question, theirs, ours) => uses(question, '$like', '$notlike', '$ilike') && refused(ours)
  },
  {
    why: "SQLite's LIKE takes both cases for the same, and a backslash for itself",
    when: (question, theirs, ours) => question[1] === 'sqlite' && uses(question, '$like', '$notlike') && !ours.error
  },
  {
    why: '$or is refused below a field',
    when: (question, theirs, ours) => uses(question, '$or') && refused(ours)
  },
  {
    why: 'a value of another type than the column is like none of it, and neither less nor more',
    when: (question, theirs, ours) =>
      !ours.error && operands(question).some(([field, one]) => one !== null && field in TYPES && typeof one !== TYPES[field])
  },
  {
    why: 'a field that the table has not is a BadRequest',
    when: (question, theirs, ours) => refused(ours) && ours.error.message === "Unknown field 'nope'"
  },
  {
    why: '$or and $and of nothing are refused',
    when: (question, theirs, ours) => ['$or', '$and'].some((name) => question.at(-1)?.[name]?.length === 0) && refused(ours)
  },
  {
    why: 'null differs from every value, and is one',
    when: (question, theirs, ours) => !ours.error && (uses(question, '$ne', '$nin', '$notlike') || operands(question).some(([, one]) => one === null))
  },
  {
    why: 'null comes before all values, as in memory',
    when: (question) => question[1] === 'postgres' && ['age', 'name'].some((name) => name in Object(question.at(-1)?.$sort))
  },
  {
    why: 'null is the id of no record',
    when: (question, theirs, ours) => question[0] === 'get' && question[2] === null && ours.error?.code === 404
  },
  {
    why: 'a value that does not fit the column is refused, not written',
    when: (question, theirs, ours) => ['create', 'patch'].includes(question[0]) && refused(ours)
  }
]
