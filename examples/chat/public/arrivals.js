// Which messages the page has seen, over all rooms, and how it fetches the ones that came while it was away.

const PAGE = 100;
// Ids are handed out before events go out, so an event may arrive after one with a higher id, or be lost with the
// connection while that one was not. Looking a little further back costs one page and finds it.
const OVERLAP = 50;
const REMEMBERED = 2000;

export class Arrivals {
  #find;
  #take;
  #uids = new Set();
  #isCatchingUp = false;
  #highest = 0;
  /** Newest id at the first connect: up to here the past, counted by the server; from here on counted by us. */
  start = null;

  /** `take(message, isNews)` gets every message; `isNews` once each, and only for those after the start. */
  constructor(find, take) {
    this.#find = find;
    this.#take = take;
  }

  async #begin() {
    const { data } = await this.#find({ query: { $sort: { id: -1 }, $limit: 1 } });
    this.start = data[0]?.id ?? 0;
    this.#highest = this.start;
  }

  receive(message) {
    // Whether it is news is seen when the start is known; then it is fetched again.
    if (this.start === null) {
      this.#take(message, false);
      return;
    }
    // While pages are missing, a new event says nothing about the ids below it.
    if (!this.#isCatchingUp) this.#highest = Math.max(this.#highest, message.id);
    this.#pass(message);
  }

  /** Everything after the last message seen, page after page; stops half-way without harm. */
  async catchUp() {
    if (this.start === null) await this.#begin();
    let after = Math.max(this.start, this.#highest - OVERLAP);
    this.#isCatchingUp = true;
    for (;;) {
      const { data } = await this.#find({ query: { id: { $gt: after }, $sort: { id: 1 }, $limit: PAGE } });
      for (const message of data) this.#pass(message);
      if (data.length === 0) break;
      after = data.at(-1).id;
      this.#highest = Math.max(this.#highest, after);
    }
    this.#isCatchingUp = false;
  }

  #pass(message) {
    const isNews = message.id > this.start && !this.#uids.has(message.uid);
    this.#uids.add(message.uid);
    if (this.#uids.size > REMEMBERED) this.#uids.delete(this.#uids.values().next().value);
    this.#take(message, isNews);
  }
}
