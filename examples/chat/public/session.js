// What happens after every `connect`: say who we are, enter the room, fetch what was missed, send what waits.

import * as link from './link.js';

const AGAIN_AFTER = 2000;

export class Session {
  #steps;
  #turn = 0;
  #timer;
  #settling = null;
  #entered = null;

  name = '';
  roomId = null;
  /** Named and in a room on this very connection. */
  isReady = false;

  /**
   * `steps`: `rooms()` loads the rooms and answers the one to be in, `ready()` is told when messages can be sent,
   * `missed()` fetches what was missed, `nameRefused(error)` asks for another name, `failed(error)` hears of the rest.
   */
  constructor(steps) {
    this.#steps = steps;
  }

  start() {
    link.watch(({ state }) => {
      if (state === 'connected') this.arrive();
      else this.#leave();
    });
  }

  /** Says the name on this connection; refused names are thrown. */
  async rename(name) {
    if (link.isConnected()) await link.people.create({ name });
    const isFirst = !this.name;
    this.name = name;
    if (isFirst && link.isConnected()) this.arrive();
  }

  async enter(roomId) {
    this.roomId = roomId;
    if (this.isReady) await this.#settle();
  }

  async arrive() {
    if (!this.name) return;
    const turn = this.#begin();
    try {
      if (!(await this.#sayName())) return;
      this.roomId = await this.#steps.rooms();
      await this.#settle();
      if (turn !== this.#turn) return;
      this.isReady = true;
      this.#steps.ready();
      await this.#steps.missed();
    } catch (error) {
      // A later connection has begun anew, or will.
      if (turn !== this.#turn || !link.isConnected()) return;
      this.#steps.failed(error);
      this.#timer = setTimeout(() => this.arrive(), AGAIN_AFTER);
    }
  }

  async #sayName() {
    try {
      await link.people.create({ name: this.name });
      return true;
    } catch (error) {
      if (error.code !== 400) throw error;
      this.name = '';
      this.#steps.nameRefused(error);
      return false;
    }
  }

  #begin() {
    clearTimeout(this.#timer);
    this.#turn += 1;
    return this.#turn;
  }

  #leave() {
    this.#begin();
    this.isReady = false;
    this.#entered = null;
  }

  /** Calls may finish in any order, so only one `enter` is under way; whoever changes rooms quickly skips some. */
  #settle() {
    this.#settling ??= (async () => {
      try {
        while (this.#entered !== this.roomId) {
          const id = this.roomId;
          await link.rooms.enter({ id });
          this.#entered = id;
        }
      } finally {
        this.#settling = null;
      }
    })();
    return this.#settling;
  }
}
