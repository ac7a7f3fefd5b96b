// What clients hear, and whether it is what was promised: each event of a room once, those of one node in order, and nothing
// missing that was not told.
import { io } from 'socket.io-client'

/** How long after a gap a client may be told of it: connections are broken off within some ten seconds. */
const TOLD_WITHIN = 25_000

export class Listener {
  faults = []
  recovered = 0
  anew = 0
  heard = 0
  /** The last number of each room from each node. */
  #last = new Map()
  /** Those of which any number may come next: something was missed, and that was told. */
  #open = new Set()
  #gaps = []
  #told = []

  /** `events` knows whose fate nobody knows. */
  constructor(name, url, rooms, transports, events) {
    Object.assign(this, { name, rooms, events })
    this.socket = io(url, {
      query: { rooms: rooms.join(',') }, transports, forceNew: true,
      reconnectionDelay: 50, reconnectionDelayMax: 500, timeout: 5000,
    })
    this.socket.on('connect', () => this.#connected())
    this.socket.on('events created', (event) => this.#hears(event))
  }

  #connected() {
    if (this.socket.recovered) return this.recovered++
    this.anew++
    this.#told.push(Date.now())
    this.#open = new Set(this.#last.keys())
  }

  #hears({ room, from, n }) {
    this.heard++
    const key = `${room} ${from}`
    const last = this.#last.get(key) ?? 0
    if (n <= last) return this.faults.push(`${this.name}: ${key}: ${n} after ${last}`)
    // Of a room that it has heard nothing of yet it may have come late.
    const isOpen = this.#open.delete(key) || last === 0
    if (!isOpen && this.events.areCertain(key, last + 1, n)) this.#gaps.push({ at: Date.now(), key, last, n })
    this.#last.set(key, n)
  }

  /** Whether it has heard, or passed, the last event of everything that it hears. */
  isUpToDate(ends) {
    return ends.every(({ room, from, n }) => !this.rooms.includes(room) || (this.#last.get(`${room} ${from}`) ?? 0) >= n)
  }

  missing(ends) {
    return ends.filter(({ room, from, n }) => this.rooms.includes(room) && (this.#last.get(`${room} ${from}`) ?? 0) < n)
  }

  /** All that was not as promised. */
  get violations() {
    const untold = this.#gaps.filter(({ at }) => !this.#told.some((told) => Math.abs(told - at) < TOLD_WITHIN))
    return [...this.faults, ...untold.map(({ key, last, n }) => `${this.name}: ${key}: ${n} after ${last}, and was not told`)]
  }
}
