// What the page says: errors for the eye, new messages for the ear, and how the connection is doing.

import * as link from './link.js';
import { element } from './message.js';

const STAYS = 8000;
const LABELS = { connecting: 'Connecting', connected: 'Connected', reconnecting: 'Reconnecting', offline: 'Offline' };
const byId = (id) => document.getElementById(id);

/** An error that nothing else on the page shows. */
export function notice(text) {
  const box = byId('notices');
  // The same trouble again only stays longer.
  for (const old of box.children) if (old.dataset.text === text) old.remove();
  const close = element('button', 'icon', '×');
  close.type = 'button';
  close.setAttribute('aria-label', 'Close');
  const note = element('p', 'notice', element('span', '', text), close);
  note.dataset.text = text;
  close.addEventListener('click', () => note.remove());
  setTimeout(() => note.remove(), STAYS);
  box.append(note);
  while (box.children.length > 3) box.firstElementChild.remove();
}

export function announce(text) {
  byId('announcer').textContent = text;
}

/** Keeps the page's word on the connection true. */
export function setUpConnection() {
  const pill = byId('connection');
  link.watch(({ state, reason }) => {
    pill.dataset.state = state;
    pill.firstElementChild.textContent = LABELS[state];
    pill.title = reason;
    const isTrouble = state === 'reconnecting' || state === 'offline';
    byId('trouble').hidden = !isTrouble;
    if (isTrouble) byId('trouble-text').textContent = `${LABELS[state]}: ${reason}. What you write is kept and sent later.`;
    // Nobody can say who is online now; what is shown is what was.
    document.body.classList.toggle('stale', isTrouble);
  });
  byId('retry').addEventListener('click', () => {
    link.retry();
    byId('text').focus();
  });
}
