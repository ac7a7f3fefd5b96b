// Who is online. A name may be here several times (two tabs, or a connection the server has not yet given up).

export class People {
  #byId = new Map();
  #changed;
  #since = null;

  constructor(changed) {
    this.#changed = changed;
  }

  /** One entry a name: in which rooms that name is. */
  get list() {
    const byName = new Map();
    for (const { name, roomId, member } of this.#byId.values()) {
      if (!byName.has(name)) byName.set(name, { name, rooms: new Set(), member: false });
      byName.get(name).rooms.add(roomId);
      byName.get(name).member ||= member;
    }
    return [...byName.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  async refresh(service) {
    const since = [];
    this.#since = since;
    const everybody = await service.find();
    if (this.#since !== since) return;
    this.#since = null;
    this.#byId = new Map(everybody.map((person) => [person.id, person]));
    // Events that overtook the answer count on top of it.
    for (const apply of since) apply();
    this.#changed();
  }

  set(person) {
    this.#apply(() => this.#byId.set(person.id, person));
  }

  remove(person) {
    this.#apply(() => this.#byId.delete(person.id));
  }

  #apply(apply) {
    this.#since?.push(apply);
    apply();
    this.#changed();
  }
}
