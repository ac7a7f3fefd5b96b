// The raw server of crates/wingbeat-engine/examples/raw.rs, a process of its own for every test.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { startServer } from './server.mjs'

/** $RAW_SERVER, or what `make interop` builds. */
function command() {
  if (process.env.RAW_SERVER) return process.env.RAW_SERVER
  const built = fileURLToPath(new URL('../../target/quick/examples/raw', import.meta.url))
  if (!existsSync(built)) throw new Error('no raw server: run `make interop`, or set RAW_SERVER to a command')
  return `"${built}"`
}

/** Starts a raw server that ends with the test. */
export const startRaw = (t, state = 'plain') => startServer(t, state, command())
