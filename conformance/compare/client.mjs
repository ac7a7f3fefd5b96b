// A bare client of Socket.IO over a WebSocket: it sends any arguments, and sees every frame.
import WebSocket from 'ws'

// How long an answer may take. Feathers leaves some questions without any.
const PATIENCE = 400
const PROBE = ['find', 'tools', {}]

export class Client {
  #url
  #socket
  #events = []
  #waiting = new Map()
  #next = 0

  constructor(port) {
    this.#url = `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`
  }

  /** The text of the answer (`undefined` if none came) and of the events that came with it. */
  async ask(question) {
    if (!this.#socket) await this.#open()
    const answer = await this.#emit(question)
    // What a call publishes has left the server before a later call is answered.
    if (this.#socket) await this.#emit(PROBE)
    return { answer, events: this.#events.splice(0) }
  }

  async #open() {
    const socket = new WebSocket(this.#url)
    const next = () => new Promise((resolve) => socket.once('message', resolve))
    await next()
    socket.send('40')
    await next()
    socket.on('message', (data) => this.#heard(String(data)))
    socket.on('close', () => {
      this.#socket = undefined
      for (const [id] of this.#waiting) this.#answered(id, undefined)
    })
    this.#socket = socket
  }

  #emit(args) {
    const id = this.#next++
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answered(id, undefined), PATIENCE)
      this.#waiting.set(id, { resolve, timer })
      this.#socket.send(`42${id}${JSON.stringify(args)}`)
    })
  }

  #heard(text) {
    const [, id, answer] = /^43(\d+)(.*)$/s.exec(text) ?? []
    if (id !== undefined) this.#answered(Number(id), answer)
    else if (text === '2') this.#socket.send('3')
    else this.#events.push(text)
  }

  #answered(id, answer) {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    waiting.resolve(answer)
  }
}
