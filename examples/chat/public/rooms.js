// The rooms, what is unread in each, and up to which message each was read (remembered over reloads).

import { recall, remember } from './storage.js';

const PAGE = 200;

export class Rooms {
  #services;
  #changed;
  #read = recall('read', {});
  #byId = new Map();

  constructor(services, changed) {
    this.#services = services;
    this.#changed = changed;
  }

  get list() {
    return [...this.#byId.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  get unread() {
    return this.list.reduce((sum, room) => sum + room.unread, 0);
  }

  get(id) {
    return this.#byId.get(id);
  }

  /** Where the reader stopped last time. */
  readUpTo(id) {
    return this.#read[id] ?? 0;
  }

  add({ id, name, membersOnly }) {
    const known = this.#byId.get(id);
    if (known) known.name = name;
    else this.#byId.set(id, { id, name, membersOnly, unread: 0, isCounted: false });
    this.#changed();
  }

  /** Guests know nothing of them. */
  forgetThoseForMembers() {
    for (const { id, membersOnly } of this.list) if (membersOnly) this.#byId.delete(id);
    this.#changed();
  }

  async refresh() {
    for (let skip = 0; ;) {
      const { data, total } = await this.#services.rooms.find({ query: { $sort: { name: 1 }, $limit: PAGE, $skip: skip } });
      data.forEach((room) => this.add(room));
      skip += data.length;
      if (data.length === 0 || skip >= total) break;
    }
  }

  /** Asks the server how many messages were missed up to `start`; later ones are counted as they come. */
  async countPast(start) {
    const open = this.list.filter((room) => !room.isCounted);
    await Promise.all(open.map(async ({ id }) => {
      let missed = 0;
      // A room never read before starts at zero, and so does one whose server began anew with lower ids.
      if (this.#read[id] === undefined || this.#read[id] > start) this.#read[id] = start;
      else if (this.#read[id] < start) {
        const query = { roomId: id, id: { $gt: this.#read[id], $lt: start + 1 }, $limit: 0 };
        missed = (await this.#services.messages.find({ query })).total;
      }
      const room = this.#byId.get(id);
      if (room.isCounted) return;
      room.isCounted = true;
      room.unread += missed;
    }));
    remember('read', this.#read);
    this.#changed();
  }

  note(message) {
    const room = this.#byId.get(message.roomId);
    if (!room || message.id <= this.readUpTo(room.id)) return;
    room.unread += 1;
    this.#changed();
  }

  markRead(id, upTo) {
    const room = this.#byId.get(id);
    if (!room || (room.unread === 0 && upTo <= this.readUpTo(id))) return;
    room.unread = 0;
    room.isCounted = true;
    this.#read[id] = Math.max(upTo, this.readUpTo(id));
    // Another tab may have read other rooms since.
    const elsewhere = recall('read', {});
    for (const key of Object.keys(elsewhere)) {
      this.#read[key] = Math.max(elsewhere[key], this.#read[key] ?? 0);
    }
    remember('read', this.#read);
    this.#changed();
  }
}
