// A network between client and server, that can be cut.
import { connect, createServer } from 'node:net'
import { once } from 'node:events'

/** Starts a proxy to a server; it ends with the test. */
export async function startProxy(t, server) {
  const proxy = new Proxy(server)
  t.after(() => proxy.stop())
  await proxy.start()
  return proxy
}

class Proxy {
  #server
  #pairs = new Set()
  #listener
  #refuses = false
  /** How many bytes a connection carries, in both directions, before it is cut; a function, asked for each. */
  limit = () => Infinity
  /** How many connections were cut by their limit. */
  cuts = 0

  constructor(server) {
    this.#server = server
  }

  get url() {
    return `http://127.0.0.1:${this.#listener.address().port}`
  }

  async start() {
    this.#listener = createServer((client) => this.#serve(client)).listen(0, '127.0.0.1')
    await once(this.#listener, 'listening')
  }

  /** Cuts all connections, and lets none through until `restore`. */
  cut() {
    this.refuse()
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
  }

  /** Lets no new connection through. */
  refuse() {
    this.#refuses = true
  }

  restore() {
    this.#refuses = false
  }

  stop() {
    this.cut()
    this.#listener.close()
  }

  #serve(client) {
    client.on('error', () => {})
    if (this.#refuses) return client.destroy()
    const server = connect(this.#server.port, '127.0.0.1')
    const pair = [client, server]
    this.#pairs.add(pair)
    let left = this.limit()
    const end = () => {
      this.#pairs.delete(pair)
      for (const socket of pair) socket.destroy()
    }
    for (const [from, to] of [pair, [server, client]]) {
      from.on('error', () => {})
      from.on('close', end)
      from.on('data', (bytes) => {
        // The part before the cut still arrives.
        if (bytes.length > left) {
          this.cuts++
          const part = bytes.subarray(0, left)
          left = 0
          return part.length > 0 && !to.destroyed ? to.write(part, end) : end()
        }
        left -= bytes.length
        to.write(bytes)
      })
    }
  }
}
