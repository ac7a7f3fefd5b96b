// The messages on display: which lines there are, where the reader stands in them, and asking for older ones.

import { dayOf, messageElement, separatorElement } from './message.js';

const TOGETHER = 5 * 60_000;
const NEAR = 60;

export class Timeline {
  #log = document.getElementById('log');
  #list = document.getElementById('messages');
  #beginning = document.getElementById('beginning');
  #jump = document.getElementById('jump');
  #nodes = new Map();
  #actions;
  #isAtEnd = true;

  /** `actions`: `older()`, `retry(uid)`, `discard(uid)`, `reachedEnd()`. */
  constructor(actions) {
    this.#actions = actions;
    this.#log.addEventListener('scroll', () => this.#scrolled());
    this.#jump.addEventListener('click', () => {
      this.toEnd();
      this.#log.focus();
    });
    // The box grows and shrinks with the keyboard of a phone and with the composer; the end stays in sight.
    new ResizeObserver(() => this.#isAtEnd && this.toEnd()).observe(this.#log);
  }

  get isAtEnd() {
    return this.#isAtEnd;
  }

  toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#isAtEnd = true;
    this.#jump.hidden = true;
  }

  /** Another room: nothing of the last one's position is kept. */
  reset(roomName) {
    this.#nodes.clear();
    this.#list.replaceChildren();
    this.#log.setAttribute('aria-label', `Messages in ${roomName}`);
    this.#isAtEnd = true;
    this.#jump.hidden = true;
  }

  /** `view`: `{history, isMine, waiting, name, unreadFrom, roomName}`; `waiting` are the outbox's entries for this room, with reasons. */
  render(view) {
    const lines = linesOf(view);
    const anchor = this.#isAtEnd ? null : this.#firstInSight();
    const grew = lines.at(-1)?.key !== this.#list.lastElementChild?.dataset.key;
    this.#reconcile(lines);
    this.#showBeginning(view, lines.length);
    const anchored = anchor && this.#nodes.get(anchor.key)?.node;
    if (anchored) {
      this.#log.scrollTop += anchored.getBoundingClientRect().bottom - anchor.bottom;
      if (grew && !lines.at(-1)?.isMine) this.#jump.hidden = false;
    } else if (this.#isAtEnd) this.toEnd();
    // Too little to scroll: the reader could not ask for more.
    if (this.#log.scrollHeight <= this.#log.clientHeight) this.#askForOlder(view.history);
  }

  #reconcile(lines) {
    const kept = new Map();
    let next = this.#list.firstElementChild;
    for (const line of lines) {
      const known = this.#nodes.get(line.key);
      const looks = JSON.stringify(line);
      const node = known?.looks === looks ? known.node : this.#draw(line);
      kept.set(line.key, { looks, node });
      if (known && known.node !== node) {
        if (next === known.node) next = next.nextElementSibling;
        known.node.replaceWith(node);
      } else if (next === node) next = next.nextElementSibling;
      else this.#list.insertBefore(node, next);
    }
    while (next) {
      const gone = next;
      next = next.nextElementSibling;
      gone.remove();
    }
    this.#nodes = kept;
  }

  #draw(line) {
    const node = line.separator ? separatorElement(line.separator, line.text) : messageElement(line, {
      retry: () => this.#actions.retry(line.uid),
      discard: () => this.#actions.discard(line.uid),
    });
    node.dataset.key = line.key;
    return node;
  }

  #showBeginning({ history, roomName }, count) {
    this.#beginning.hidden = !history.isOpen && !history.isLoading;
    this.#beginning.classList.toggle('loading', !history.isComplete);
    if (!history.isComplete) this.#beginning.textContent = 'Loading messages';
    else this.#beginning.textContent = count ? `This is where ${roomName} begins` : `Nothing here yet. Say the first word in ${roomName}.`;
  }

  /** By its lower edge: the upper one moves when the line above turns out to be by the same author. */
  #firstInSight() {
    const top = this.#log.getBoundingClientRect().top;
    for (const node of this.#list.children) {
      const box = node.getBoundingClientRect();
      if (box.bottom > top && node.classList.contains('message')) return { key: node.dataset.key, bottom: box.bottom };
    }
    return null;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#log;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    if (this.#isAtEnd) {
      this.#jump.hidden = true;
      this.#actions.reachedEnd();
    }
    if (scrollTop < clientHeight / 2) this.#actions.older();
  }

  #askForOlder(history) {
    if (history.isOpen && !history.isComplete && !history.isLoading) this.#actions.older();
  }
}

/** Whoever sends a message chooses its uid: it names messages only, and no other line of the list. */
function keyOf(uid) {
  return `message ${uid}`;
}

function linesOf({ history, isMine, waiting, name, unreadFrom }) {
  const stored = history.items.map((message) => ({
    key: keyOf(message.uid), uid: message.uid, author: message.author, byMember: message.byMember, text: message.text, at: message.createdAt,
    isMine: isMine(message), state: '', isUnread: message.id > unreadFrom,
  }));
  const known = new Set(stored.map((line) => line.uid));
  const sending = waiting.filter((entry) => !known.has(entry.uid)).map((entry) => ({
    key: keyOf(entry.uid), uid: entry.uid, author: name, byMember: Boolean(entry.author), text: entry.text, at: entry.at,
    isMine: true, state: entry.error ? 'failed' : 'waiting', error: entry.error ?? entry.reason,
  }));
  const lines = [];
  let last = null;
  let hasDivider = false;
  for (const { isUnread, ...line } of [...stored, ...sending]) {
    const day = dayOf(line.at);
    if (!last || dayOf(last.at) !== day) {
      lines.push({ separator: 'day', key: `day ${day}`, text: day });
      last = null;
    }
    if (isUnread && !hasDivider && !line.isMine) {
      hasDivider = true;
      lines.push({ separator: 'unread', key: 'unread', text: 'New' });
      last = null;
    }
    const isFirst = !last || last.author !== line.author || last.byMember !== line.byMember || last.isMine !== line.isMine || line.at - last.at > TOGETHER;
    lines.push({ ...line, isFirst });
    last = line;
  }
  return lines;
}
