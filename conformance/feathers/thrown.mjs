// The service `errors`: whatever a method can throw (FIXTURE.md, section 8).
import {
  BadRequest,
  Conflict,
  errors,
  GeneralError,
  NotFound,
  NotImplemented,
  Unprocessable
} from '@feathersjs/errors'

export class Thrower {
  async find() {
    throw new NotImplemented('no listing')
  }
  async get(id) {
    const ByCode = /^\d+$/.test(id) ? errors[id] : undefined
    if (ByCode) throw new ByCode(`error ${id}`)
    const named = NAMED.get(id)
    if (named) throw named()
    return { id, ok: true }
  }
}

const plain = (message, members) => Object.assign(new Error(message), members)

const NAMED = new Map([
  ['plain', () => plain('plain error')],
  ['typeerror', () => new TypeError('type error')],
  ['withcode', () => plain('has code', { code: 418, data: { teapot: true }, extra: 'kept' })],
  ['named', () => plain('has name', { name: 'Forbidden', code: 403 })],
  ['string', () => 'just a string'],
  ['number', () => 42],
  ['object', () => ({ message: 'an object', code: 499, other: [1] })],
  ['data', () => new BadRequest('with data', { field: 'text', n: 1 })],
  ['errors', () => new BadRequest('with errors', { errors: { text: 'is required' }, note: 'kept' })],
  ['arraydata', () => new BadRequest('with array', [{ a: 1 }, { b: 2 }])],
  ['objmsg', () => new BadRequest({ message: 'from object', errors: [{ path: 'x' }], hint: 'h' })],
  ['nomsg', () => new NotFound()],
  ['nulldata', () => new Conflict('null data', { a: null, b: undefined })],
  ['nested', () => new GeneralError(new Error('inner'))],
  ['hook', () => plain('with hook', { hook: { secret: 'internal' } })],
  [
    'getter',
    () =>
      plain('custom json', {
        toJSON: () => ({ message: 'from toJSON', hook: 1, stack: 'visible-stack', name: 'X' })
      })
  ],
  [
    'validation',
    () =>
      new Unprocessable('validation failed', {
        errors: [{ instancePath: '/text', keyword: 'type', message: 'must be string' }]
      })
  ]
])
