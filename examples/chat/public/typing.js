// Who is typing in the room on display: told at most every other second, forgotten when not told again.

const TELL_EVERY = 2000;
const FORGET_AFTER = 4500;

export class Typing {
  #timers = new Map();
  #changed;
  #tell;
  #told = 0;

  /** `tell()` lets the server know that we are typing. */
  constructor(tell, changed) {
    this.#tell = tell;
    this.#changed = changed;
  }

  keyPressed() {
    if (Date.now() - this.#told < TELL_EVERY) return;
    this.#told = Date.now();
    this.#tell();
  }

  /** After a message the next key is news again. */
  sent() {
    this.#told = 0;
  }

  heard(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(name, setTimeout(() => this.stopped(name), FORGET_AFTER));
    this.#changed();
  }

  stopped(name) {
    if (!this.#timers.has(name)) return;
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
    this.#changed();
  }

  clear() {
    for (const name of [...this.#timers.keys()]) this.stopped(name);
  }

  get words() {
    const names = [...this.#timers.keys()];
    if (names.length === 0) return '';
    if (names.length === 1) return `${names[0]} is typing`;
    if (names.length === 2) return `${names[0]} and ${names[1]} are typing`;
    return 'Several people are typing';
  }
}
