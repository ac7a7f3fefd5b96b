// Messages on their way, and which of those that are stored this browser has sent. Each has a uid from birth and is sent
// again, in order, until the server has acknowledged it; the server stores a uid once, so sending too often is harmless
// and sending too rarely is impossible.

import { isPassing } from './link.js';
import { forget, keysUnder, recall, remember } from './storage.js';

const KEY = 'outbox.';
const SENT = 'sent';
const TRIES = 6;
/** The server does not know who we are; the session says it again. */
const NAMELESS = 401;
const REMEMBERED = 500;

export class Outbox {
  #entries;
  #reasons = new Map();
  #busy = false;
  #timer;
  #sent = new Set(recall(SENT, []));
  #send;
  #author;
  #isReady;
  #canSend;
  #changed;

  /**
   * `send(entry)` answers the stored record; `author()` is who is signed in, null for guests; `isReady()` says whether
   * sending makes sense now, `canSend(roomId)` whether there.
   */
  constructor({ send, author, isReady, canSend, changed }) {
    this.#send = send;
    this.#author = author;
    this.#isReady = isReady;
    this.#canSend = canSend;
    this.#changed = changed;
    // One key a message: two tabs of one browser do not overwrite each other's.
    this.#entries = keysUnder(KEY).map((key) => recall(key)).filter((entry) => entry?.uid && entry.roomId != null);
    this.#entries.sort((a, b) => a.at - b.at || a.turn - b.turn);
    // Another tab sends as well.
    addEventListener('storage', () => {
      this.#sent = new Set(recall(SENT, []));
    });
  }

  in(roomId) {
    return this.#entries.filter((entry) => entry.roomId === roomId && this.#isOwn(entry));
  }

  /** Why the server does not take it now, if it has said so. */
  reason(uid) {
    return this.#reasons.get(uid) ?? '';
  }

  /** Whether this browser has sent it. */
  hasSent(uid) {
    return this.#sent.has(uid);
  }

  put(roomId, text) {
    const turn = (this.#entries.at(-1)?.turn ?? 0) + 1;
    const entry = { uid: newUid(), author: this.#author(), roomId, text, at: Date.now(), turn };
    this.#entries.push(entry);
    this.#sent = new Set([...recall(SENT, []), entry.uid].slice(-REMEMBERED));
    remember(SENT, [...this.#sent]);
    this.#keep(entry);
    if (this.#timer === undefined) this.flush();
  }

  /** The server has it: an acknowledgement and an event say so equally well. */
  settle(uid) {
    const index = this.#entries.findIndex((entry) => entry.uid === uid);
    if (index < 0) return;
    this.#entries.splice(index, 1);
    this.#reasons.delete(uid);
    forget(KEY + uid);
    this.#changed();
  }

  retry(uid) {
    const entry = this.#entries.find((other) => other.uid === uid);
    if (!entry) return;
    delete entry.error;
    delete entry.tries;
    this.#keep(entry);
    this.flush();
  }

  discard(uid) {
    this.settle(uid);
  }

  /** What waits for one of these rooms is not sent any more. */
  forget(roomIds) {
    for (const { uid } of this.#entries.filter((entry) => roomIds.includes(entry.roomId))) this.settle(uid);
  }

  /** Sends what waits, one after the other, so that the order written is the order stored. */
  async flush() {
    if (this.#busy) return;
    this.#busy = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      let entry;
      while (this.#isReady() && (entry = this.#next())) {
        if (!(await this.#attempt(entry))) break;
      }
    } finally {
      this.#busy = false;
    }
  }

  #next() {
    return this.#entries.find((entry) => !entry.error && this.#isOwn(entry) && this.#canSend(entry.roomId));
  }

  /** What somebody has written waits until they are back: the server would take the next one for its author. */
  #isOwn(entry) {
    return (entry.author ?? null) === this.#author();
  }

  async #attempt(entry) {
    try {
      await this.#send(entry);
      this.settle(entry.uid);
      return true;
    } catch (error) {
      if (!this.#isReady()) return false;
      entry.tries = (entry.tries ?? 0) + 1;
      if (isRefusal(error) || (!isPassing(error) && entry.tries >= TRIES)) {
        entry.error = error.message || 'The server refused it';
        this.#keep(entry);
        return true;
      }
      if (isPassing(error) && error.code !== NAMELESS) this.#tell(entry, error.message);
      this.#timer = setTimeout(() => this.flush(), Math.min(500 * 2 ** entry.tries, 15_000));
      return false;
    }
  }

  /** What it waits for; that is for now, and not kept. */
  #tell(entry, reason) {
    this.#reasons.set(entry.uid, reason);
    this.#changed();
  }

  #keep(entry) {
    // Already acknowledged by an event while the refusal was under way: nothing to keep.
    if (!this.#entries.includes(entry)) return;
    remember(KEY + entry.uid, entry);
    this.#changed();
  }
}

/** Whether sending the same again would be answered the same. */
function isRefusal(error) {
  return error.code >= 400 && error.code < 500 && !isPassing(error);
}

// `randomUUID` exists only on secure origins; a phone on the local network has none.
function newUid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
