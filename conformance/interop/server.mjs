// The server under test: a fixture process of its own for every test.
import { existsSync } from 'node:fs'
import { test as nodeTest } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Fixture } from '../replay/fixture.mjs'

const START_LIMIT = 10_000
const STEP_LIMIT = 5_000

/** A test with a limit: what does not come fails, and does not hang. */
export const test = (name, ...rest) => nodeTest(name, { timeout: 30_000, ...(rest.length > 1 && rest[0]) }, rest.at(-1))

/** The fixture's command without arguments: $FIXTURE, or what `make interop` builds. */
function command() {
  if (process.env.FIXTURE) return process.env.FIXTURE
  const built = fileURLToPath(new URL('../../target/quick/fixture', import.meta.url))
  if (!existsSync(built)) throw new Error('no fixture: run `make interop`, or set FIXTURE to a command')
  return `"${built}"`
}

/** Starts a server that ends with the test. */
export async function startServer(t, state = 'base', program = command()) {
  const server = new Server(state, program)
  t.after(() => server.stop())
  await server.start()
  return server
}

class Server {
  #state
  #program
  #fixture
  port = 0

  constructor(state, program) {
    this.#state = state
    this.#program = program
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  /** Where sockets are served. */
  get socketsUrl() {
    return `http://127.0.0.1:${this.#fixture.socketsPort}`
  }

  /** Starts on the port of the last time, so that clients find the server again. */
  async start() {
    this.#fixture = new Fixture(`${this.#program} --state {state} --port ${this.port}`, this.#state)
    try {
      await this.#fixture.listening(START_LIMIT)
    } catch (error) {
      throw new Error(`${error.message}; its stderr: ${this.#fixture.stderr.trim()}`)
    }
    this.port = this.#fixture.port
  }

  async stop() {
    this.resume()
    await this.#fixture.stop()
  }

  /** Ends as supervisors have it, while standard input stays open. */
  async terminate() {
    this.#signal('SIGTERM')
    await this.#fixture.gone
  }

  /** Ends without a goodbye, as a crash does. */
  async kill() {
    this.#signal('SIGKILL')
    await this.#fixture.gone
  }

  /** Stops answering, as a hung process or a lost route does. */
  pause() {
    this.#signal('SIGSTOP')
  }

  resume() {
    this.#signal('SIGCONT')
  }

  /** Performs one of the steps of replay/README.md inside the server. */
  step(text) {
    return this.#fixture.step(text, STEP_LIMIT)
  }

  // The whole group: the command may be a wrapper.
  #signal(name) {
    try {
      process.kill(-this.#fixture.child.pid, name)
    } catch (error) {
      if (error.code !== 'ESRCH') throw error
    }
  }
}
