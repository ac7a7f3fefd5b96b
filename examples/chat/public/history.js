// The messages of one room that the page holds: in the order of their ids, without gaps from the newest downwards.

const PAGE = 30;

export class History {
  #find;
  #roomId;
  #uids = new Set();
  #loading = null;

  items = [];
  isOpen = false;
  /** The first message ever written here is among the items. */
  isComplete = false;

  constructor(find, roomId) {
    this.#find = find;
    this.#roomId = roomId;
  }

  get isLoading() {
    return this.#loading !== null;
  }

  /** Takes what an event, an acknowledgement or a page brought. Before the room was opened there is nothing to add to. */
  add(message) {
    if ((!this.isOpen && !this.isLoading) || this.#uids.has(message.uid)) return false;
    this.#uids.add(message.uid);
    let at = this.items.length;
    while (at > 0 && this.items[at - 1].id > message.id) at -= 1;
    this.items.splice(at, 0, message);
    return true;
  }

  /** The newest page. */
  open() {
    return this.isOpen ? Promise.resolve() : this.#once(async () => {
      await this.#page({});
      this.isOpen = true;
    });
  }

  /** The page before the oldest item. `$skip` counts from our newest item, not from the newest of all, which moves. */
  older() {
    if (!this.isOpen || this.isComplete) return Promise.resolve();
    return this.#once(() => {
      const newest = this.items.at(-1);
      return this.#page(newest ? { id: { $lt: newest.id + 1 }, $skip: this.items.length } : {});
    });
  }

  /** Lets go of the oldest; they can be loaded again. */
  trim(keep) {
    if (this.items.length <= keep || this.isLoading) return;
    for (const { uid } of this.items.splice(0, this.items.length - keep)) this.#uids.delete(uid);
    this.isComplete = false;
  }

  async #page(place) {
    const query = { roomId: this.#roomId, $sort: { id: -1 }, $limit: PAGE, ...place };
    const { data } = await this.#find({ query });
    for (const message of data) this.add(message);
    this.isComplete = data.length < PAGE;
  }

  #once(load) {
    this.#loading ??= load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }
}
