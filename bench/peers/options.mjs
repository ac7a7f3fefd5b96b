// The command line of the peers on Node: PORT [--cert FILE --key FILE], and words that a peer has of its own behind the port
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  options: { cert: { type: 'string' }, key: { type: 'string' } },
  allowPositionals: true,
})

export const port = Number(positionals[0] ?? 3030)
export const words = positionals.slice(1)

/** An HTTP server, encrypted if there is a certificate. */
export const http = () =>
  values.cert
    ? createSecureServer({ cert: readFileSync(values.cert), key: readFileSync(values.key) })
    : createServer()

/** What an application keeps of somebody who has logged in. */
export const user = (id) => ({ id, email: `user${id}@example.com`, name: 'Some One' })

export const team = (id) => `team/${id.at(-1)}`
