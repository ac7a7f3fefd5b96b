// The rooms, what is unread in each, and up to which message each was read (remembered over reloads).

import { recall, remember } from './storage.js';

const PAGE = 200;
/** In so many rooms the server counts with one call. */
const AT_ONCE = 1000;

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

  /** Asks the server how many messages were missed up to `start`, in all rooms at once; later ones are counted as they come. */
  async countPast(start) {
    const open = this.list.filter((room) => !room.isCounted).map(({ id }) => id);
    // A room never read before starts at zero, and so does one whose server began anew with lower ids.
    for (const id of open) if (this.#read[id] === undefined || this.#read[id] > start) this.#read[id] = start;
    const behind = open.filter((id) => this.#read[id] < start);
    const missed = new Map();
    for (let at = 0; at < behind.length; at += AT_ONCE) {
      const read = Object.fromEntries(behind.slice(at, at + AT_ONCE).map((id) => [id, this.#read[id]]));
      for (const { roomId, unread } of await this.#services.rooms.unread({ read, upTo: start })) missed.set(roomId, unread);
    }
    for (const id of open) {
      const room = this.#byId.get(id);
      if (!room || room.isCounted) continue;
      room.isCounted = true;
      room.unread += missed.get(id) ?? 0;
    }
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
