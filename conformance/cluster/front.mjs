// A balancer of the simplest kind: each client is sent to its own node, and to the next one while that is away.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** Starts the front of a client's first choice; it ends with the test. */
export async function startFront(t, nodes, first) {
  const front = new Front([...nodes.slice(first), ...nodes.slice(0, first)])
  t.after(() => front.stop())
  front.listener.listen(0, '127.0.0.1')
  await once(front.listener, 'listening')
  return front
}

class Front {
  #pairs = new Set()
  #nodes

  constructor(nodes) {
    this.#nodes = nodes
    this.listener = createServer((client) => this.#serve(client, 0))
  }

  get url() {
    return `http://127.0.0.1:${this.listener.address().port}`
  }

  /** Cuts all connections, as a network does that fails for a moment. */
  cut() {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
  }

  stop() {
    this.cut()
    this.listener.close()
  }

  #serve(client, choice) {
    client.on('error', () => {})
    if (choice === this.#nodes.length) return client.destroy()
    const node = connect(this.#nodes[choice].port, '127.0.0.1')
    const refused = () => this.#serve(client, choice + 1)
    node.once('error', refused)
    node.once('connect', () => {
      node.off('error', refused)
      const pair = [client, node]
      this.#pairs.add(pair)
      const end = () => {
        this.#pairs.delete(pair)
        for (const socket of pair) socket.destroy()
      }
      for (const socket of pair) socket.on('error', () => {}).on('close', end)
      client.pipe(node).pipe(client)
    })
  }
}
