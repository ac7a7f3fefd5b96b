// What happens after every `connect`, and when somebody signs in or out: say who we are, enter the room, fetch what was missed, send what waits.

import * as link from './link.js';

const AGAIN_AFTER = 2000;

export class Session {
  #steps;
  #turn = 0;
  #timer;
  #settling = null;
  #entered = null;
  /** All that was missed has been fetched, so a connection that is recovered lacks nothing. */
  #isCaughtUp = false;

  /** What a guest wants to be called. */
  guestName = '';
  /** Who is signed in, as the server has said on the last connection. */
  member = null;
  roomId = null;
  /** Named and in a room on this very connection. */
  isReady = false;

  /**
   * `steps`: `known()` is told when it is clear who is signed in, `signedOut(error)` when the server does not know them
   * any more, `nameless(refusal)` asks for a name, `rooms()` loads the rooms and answers the one to be in, `ready()` is
   * told when messages can be sent, `missed()` fetches what was missed, `failed(error)` hears of the rest.
   */
  constructor(steps) {
    this.#steps = steps;
  }

  get name() {
    return this.member?.name ?? this.guestName;
  }

  start() {
    link.watch(({ state }) => {
      if (state === 'connected') this.arrive();
      else this.#leave();
    });
  }

  /** Says a guest's name on this connection; refused names are thrown. */
  async rename(name) {
    const given = link.isConnected() ? await link.people.create({ name }) : { name };
    const isFirst = !this.guestName;
    // The server writes it in its own way.
    this.guestName = given.name;
    if (isFirst && link.isConnected()) this.arrive();
  }

  /** Nobody is signed in any more, though the server may not have heard it: until it has, nothing is sent. */
  leave() {
    this.member = null;
    this.#isCaughtUp = false;
    this.isReady = false;
  }

  /** Somebody has signed in (or nobody is, any more): on this connection everything begins anew. */
  async become(member) {
    this.member = member;
    this.#isCaughtUp = false;
    this.#leave();
    if (link.isConnected()) await this.arrive();
  }

  async enter(roomId) {
    this.roomId = roomId;
    if (!this.isReady) return;
    try {
      await this.#settle();
    } catch (error) {
      // The server still has us in another room.
      if (link.isPassing(error)) this.#again();
      throw error;
    }
  }

  async arrive() {
    const turn = this.#begin();
    this.isReady = false;
    if (!link.isRecovered()) this.#isCaughtUp = false;
    try {
      await this.#recognise();
      if (turn !== this.#turn || !(await this.#sayName())) return;
      this.roomId = await this.#steps.rooms();
      await this.#settle();
      if (turn !== this.#turn) return;
      this.isReady = true;
      this.#steps.ready();
      if (this.#isCaughtUp) return;
      await this.#steps.missed();
      if (turn === this.#turn) this.#isCaughtUp = true;
    } catch (error) {
      // A later connection has begun anew, or will.
      if (turn !== this.#turn || !link.isConnected()) return;
      this.#steps.failed(error);
      this.#again();
    }
  }

  async #recognise() {
    try {
      this.member = await link.signInAgain();
    } catch (error) {
      if (error.code !== 401) throw error;
      this.member = null;
      this.#isCaughtUp = false;
      this.#steps.signedOut(error);
    }
    this.#steps.known();
  }

  async #sayName() {
    if (!this.name) {
      this.#steps.nameless('');
      return false;
    }
    try {
      const { name } = await link.people.create({ name: this.name });
      if (!this.member) this.guestName = name;
      return true;
    } catch (error) {
      if (error.code !== 400 && error.code !== 409) throw error;
      this.guestName = '';
      this.#steps.nameless(error.message);
      return false;
    }
  }

  #again() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.arrive(), AGAIN_AFTER);
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
