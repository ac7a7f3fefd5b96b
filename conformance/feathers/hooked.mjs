// The service `hooked` and its hooks (FIXTURE.md, sections 8 and 9).
import { Conflict, Forbidden, GeneralError } from '@feathersjs/errors'

/** A hook that notes its label when `hooked.find` passes through it. */
export const trace = (label) => async (context) => note(context, label)

trace.around = (label) => async (context, next) => {
  note(context, `${label}>`)
  await next()
  note(context, `<${label}`)
}

export function registerHooked(app) {
  app.use('hooked', new Hooked())
  const service = app.service('hooked')
  service.hooks({
    around: { all: [trace.around('svc.around.all')], find: [trace.around('svc.around.find')] },
    before: {
      all: [trace('svc.before.all')],
      find: [trace('svc.before.find.1'), trace('svc.before.find.2')],
      get: [beforeGet]
    },
    after: {
      all: [trace('svc.after.all')],
      find: [trace('svc.after.find.1'), trace('svc.after.find.2')],
      get: [afterGet],
      create: [afterCreate]
    },
    error: { get: [errorGet] }
  })
  service.hooks([trace.around('svc.legacy.array')])
  service.hooks({ find: [trace.around('svc.method.find')] })
}

function note({ path, method, params }, label) {
  if (path === 'hooked' && method === 'find') (params.trace ??= []).push(label)
}

const FAILING = ['boom', 'swallow', 'transform', 'swallow-null']

class Hooked {
  async find({ trace }) {
    return { trace }
  }
  async get(id) {
    if (FAILING.includes(id)) throw new GeneralError('boom')
    return { id, from: 'method' }
  }
  async create(data) {
    return { id: 1, ...data }
  }
  async patch(id, data) {
    return { id, ...data }
  }
}

async function beforeGet(context) {
  switch (context.id) {
    case 'preset':
      context.result = { preset: true }
      break
    case 'preset-undefined':
      context.result = undefined
      break
    case 'throw-before':
      throw new Forbidden('stopped before')
    case 'status':
      context.http = { status: 202 }
      break
    case 'location':
      context.http = { location: '/hooked/elsewhere' }
      break
    case 'header':
      context.http = { headers: { 'X-Golden': 'yes' } }
      break
    case 'rewrite':
      context.id = 'rewritten'
  }
}

async function afterGet(context) {
  if (context.id === 'throw-after') throw new Conflict('stopped after')
  if (context.id === 'dispatch-null') context.dispatch = null
  if (context.id === 'dispatch-obj') context.dispatch = { dispatched: true }
}

async function afterCreate(context) {
  const { data, result } = context
  if (data.quiet) context.event = null
  if (data.rename) context.event = 'updated'
  if (data.dispatch) context.dispatch = { id: result.id, safe: true }
  if (data.many) context.result = [{ k: 1 }, { k: 2 }, { k: 2 }]
}

async function errorGet(context) {
  const { id, error } = context
  if (id === 'swallow') context.result = { swallowed: true, code: error.code, type: context.type }
  if (id === 'swallow-null') context.result = null
  if (id === 'transform') context.error = new Conflict('transformed', { was: error.name })
}
