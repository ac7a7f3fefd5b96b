// Feathers 5 over REST: the peers over plain HTTP. usage: node server.mjs PORT express|koa
import express from '@feathersjs/express'
import { feathers } from '@feathersjs/feathers'
import { bodyParser, errorHandler, koa, parseAuthentication, rest } from '@feathersjs/koa'
import { port, words } from '../options.mjs'

class Messages {
  async get(id) {
    return { id, text: 'hello' }
  }
}

function onExpress() {
  const app = express.default(feathers())
  return app.use(express.json()).configure(express.rest())
}

function onKoa() {
  const app = koa(feathers())
  app.use(errorHandler())
  app.use(parseAuthentication())
  app.use(bodyParser())
  return app.configure(rest())
}

const app = words[0] === 'koa' ? onKoa() : onExpress()
app.use('quiet', new Messages())
await app.listen(port, '127.0.0.1')
console.log('listening', port)
