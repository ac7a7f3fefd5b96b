// Events that are created on every node, numbered by room and node.
import { io } from 'socket.io-client'
import { setTimeout as pause } from 'node:timers/promises'

/** How long before a node's sudden end its last events may not have left it. */
const IN_FLIGHT = 1000

export class Events {
  #numbers = new Map()
  #uncertain = new Set()
  #recent = []
  #running = true
  created = 0

  constructor(rooms) {
    this.rooms = rooms
  }

  /** Creates events on a node until `stop`, one in each pause. */
  async run(node, every) {
    const socket = io(`http://127.0.0.1:${node.port}`, { transports: ['websocket'], forceNew: true, reconnectionDelayMax: 200 })
    this.sockets = [...(this.sockets ?? []), socket]
    while (this.#running) {
      await this.create(socket, node.letters, this.rooms[Math.floor(Math.random() * this.rooms.length)])
      await pause(every)
    }
    socket.disconnect()
  }

  async create(socket, from, room) {
    if (!socket.connected) return
    const key = `${room} ${from}`
    const n = (this.#numbers.get(key) ?? 0) + 1
    this.#numbers.set(key, n)
    const event = `${key} ${n}`
    try {
      const [error] = await new Promise((resolve, reject) => {
        socket.timeout(8000).emit('create', 'events', { room, from, n }, {}, (late, ...answer) => (late ? reject(late) : resolve(answer)))
      })
      if (error) throw new Error(error.message)
      this.created++
      this.#recent.push({ event, from, at: Date.now() })
      if (this.#recent.length > 10_000) this.#recent.splice(0, 5000)
    } catch {
      // Its node has gone, before or behind it.
      this.#uncertain.add(event)
    }
  }

  /** A node was killed: what it had just created may not have left it. */
  wasKilled(from) {
    const since = Date.now() - IN_FLIGHT
    for (const { event } of this.#recent.filter((one) => one.from === from && one.at > since)) this.#uncertain.add(event)
  }

  /** Whether any of these numbers was certainly told to everybody. */
  areCertain(key, from, until) {
    for (let n = from; n < until; n++) if (!this.#uncertain.has(`${key} ${n}`)) return true
    return false
  }

  async stop() {
    this.#running = false
  }

  /** One event more in every room from every node, which all have to hear. */
  async last(nodes) {
    const ends = []
    for (const node of nodes) {
      const socket = io(`http://127.0.0.1:${node.port}`, { transports: ['websocket'], forceNew: true })
      await new Promise((resolve) => socket.once('connect', resolve))
      for (const room of this.rooms) {
        await this.create(socket, node.letters, room)
        ends.push({ room, from: node.letters, n: this.#numbers.get(`${room} ${node.letters}`) })
      }
      socket.disconnect()
    }
    return ends
  }
}
