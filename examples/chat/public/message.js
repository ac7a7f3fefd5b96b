// One line of the timeline as elements. What people wrote only ever becomes text nodes.

const LINK = /https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]]/g;
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const fullDate = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const dayName = new Intl.DateTimeFormat('en', { weekday: 'long', day: 'numeric', month: 'long' });
const dayAndYear = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long', year: 'numeric' });

export function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

/** Initials on a colour of their own, the same for everybody. */
export function paintAvatar(node, name) {
  const letters = name.trim().split(/\s+/).map((word) => [...word][0] ?? '');
  node.textContent = (letters.length > 1 ? letters[0] + letters.at(-1) : [...name.trim()].slice(0, 2).join('')).toUpperCase();
  let hue = 0;
  for (const letter of name) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  node.style.setProperty('--hue', hue);
  return node;
}

/** `line`: `{author, byMember, text, at, isMine, isFirst, state, error}`; `state` is '', 'waiting' or 'failed'. */
export function messageElement(line, { retry, discard }) {
  const time = element('time', '', clock.format(line.at));
  time.dateTime = new Date(line.at).toISOString();
  time.title = fullDate.format(line.at);
  const author = element('strong', '', line.isMine ? 'You' : line.author);
  const badge = line.byMember ? [' ', memberBadge()] : [];
  const bubble = element('div', 'bubble', ...words(line.text));
  bubble.dir = 'auto';
  const body = element('div', 'body', element('p', line.isFirst ? 'meta' : 'meta unseen', author, ...badge, ' ', time), bubble);
  if (line.state === 'waiting') body.append(element('p', 'state', line.error ? `Waiting: ${line.error}` : 'Waiting'));
  if (line.state === 'failed') {
    const actions = [button('Try again', retry), button('Discard', discard)];
    body.append(element('p', 'state', `Not sent: ${line.error} `, ...actions));
  }
  const classes = ['message', line.isMine && 'mine', line.isFirst && 'first', line.state];
  const avatar = paintAvatar(element('span', 'avatar'), line.author);
  avatar.setAttribute('aria-hidden', 'true');
  return element('li', classes.filter(Boolean).join(' '), avatar, body);
}

/** What only members have beside their names. */
export function memberBadge() {
  const badge = element('small', 'member', 'member');
  badge.title = 'Signed in: nobody else can have this name';
  return badge;
}

export function separatorElement(className, text) {
  const node = element('li', className, element('span', '', text));
  return node;
}

export function dayOf(at) {
  const day = new Date(at).setHours(0, 0, 0, 0);
  const today = new Date().setHours(0, 0, 0, 0);
  // Rounded, because the days on which clocks change are not 24 hours long.
  const ago = Math.round((today - day) / 86_400_000);
  if (ago === 0) return 'Today';
  if (ago === 1) return 'Yesterday';
  return (ago > 0 && ago < 180 ? dayName : dayAndYear).format(at);
}

function words(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = element('a', '', match[0]);
    link.href = match[0];
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    parts.push(text.slice(end, match.index), link);
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}

function button(label, act) {
  const node = element('button', '', label);
  node.type = 'button';
  node.addEventListener('click', act);
  return node;
}
