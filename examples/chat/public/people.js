// Who is online. A name may be here several times (two tabs, or a connection the server has not yet given up).

export class People {
  #byId = new Map();
  #changed;
  #since = null;

  constructor(changed) {
    this.#changed = changed;
  }

  /** One entry a name, and another for a guest who has had a member's name since before: in which rooms that one is. */
  get list() {
    const byName = new Map();
    for (const { name, roomId, member } of this.#byId.values()) {
      const key = `${member ? 'member' : 'guest'} ${name}`;
      if (!byName.has(key)) byName.set(key, { name, rooms: new Set(), member });
      byName.get(key).rooms.add(roomId);
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
