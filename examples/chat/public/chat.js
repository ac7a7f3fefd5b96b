// Puts the parts together: what the server says goes to the models, what the models hold goes on display.

import { askToSignIn, setUpAccount, showAccount } from './account.js';
import { Arrivals } from './arrivals.js';
import { Composer } from './composer.js';
import { History } from './history.js';
import * as link from './link.js';
import { askForName, nameIsNotNeeded, setUpNameDialog, showName } from './name.js';
import { announce, notice, setUpConnection } from './notices.js';
import { Outbox } from './outbox.js';
import { People } from './people.js';
import { Rooms } from './rooms.js';
import { Session } from './session.js';
import { Sidebar } from './sidebar.js';
import { recall, remember } from './storage.js';
import { Timeline } from './timeline.js';
import { Typing } from './typing.js';

const KEPT_ON_LEAVING = 60;
const KEPT_AT_THE_END = 300;
const KEPT_AT_MOST = 400;

const histories = new Map();
let room = null;
let unreadFrom = Infinity;

const showTimeline = later(renderTimeline);
const session = new Session({
  rooms: chooseRoom,
  ready: () => outbox.flush(),
  missed: fetchMissed,
  known: showWhoIAm,
  signedOut: () => leaveMembers('You have been signed out.'),
  nameless: (refusal) => askForName(recall('name', ''), refusal),
  failed: (error) => notice(`${error.message}. Trying again.`),
});
const arrivals = new Arrivals(find, take);
const rooms = new Rooms(link, later(renderRooms));
const people = new People(later(renderPeople));
const outbox = new Outbox({
  send,
  author: () => session.member?.name ?? null,
  isReady: () => session.isReady,
  canSend: (id) => rooms.get(id),
  changed: showTimeline,
});
const typing = new Typing(tellTyping, renderTyping);
const timeline = new Timeline({
  older: loadOlder,
  retry: (uid) => outbox.retry(uid),
  discard: (uid) => outbox.discard(uid),
  reachedEnd: markRead,
});
const sidebar = new Sidebar({ choose: enter, create: (name) => connected(() => link.rooms.create({ name })) });
const composer = new Composer({
  send(text) {
    timeline.toEnd();
    unreadFrom = Infinity;
    typing.sent();
    outbox.put(room.id, text);
  },
  typed: () => typing.keyPressed(),
  tooLong: (longest) => notice(`A message has at most ${longest} characters.`),
});

// From the server

link.messages.on('created', (message) => arrivals.receive(message));
link.messages.on('typing', ({ roomId, name }) => {
  if (roomId === room?.id && name !== session.name) typing.heard(name);
});
link.rooms.on('created', (created) => rooms.add(created));
link.authentication.on('expired', async () => {
  await link.forgetToken();
  leaveMembers('You have been signed in for so long that you have to sign in again.');
  await session.become(null);
});
link.people.on('created', (person) => people.set(person));
link.people.on('patched', (person) => people.set(person));
link.people.on('removed', (person) => people.remove(person));
// On a server that has ended, perhaps, which could not say so itself.
link.presence.on('removed', (person) => people.remove(person));

function take(message, isNews) {
  outbox.settle(message.uid);
  const history = histories.get(message.roomId);
  history?.add(message);
  const isHere = message.roomId === room?.id;
  if (isHere) typing.stopped(message.author);
  else if (history?.items.length > KEPT_AT_MOST) history.trim(KEPT_ON_LEAVING);
  if (isNews && !isMine(message)) {
    rooms.note(message);
    if (isHere) announce(`${message.author}: ${message.text}`);
  }
  showTimeline();
}

/** A member's name is the member's alone; of guests there may be several of one name. */
function isMine({ uid, author, byMember }) {
  return author === session.name && byMember === (session.member !== null) && (byMember || outbox.hasSent(uid));
}

/** What is found stored has arrived, whatever became of its acknowledgement. */
async function find(params) {
  const page = await link.messages.find(params);
  for (const { uid } of page.data) outbox.settle(uid);
  return page;
}

async function send({ uid, roomId, text }) {
  try {
    arrivals.receive(await link.messages.create({ uid, roomId, text }));
  } catch (error) {
    // The server does not know who we are, though nobody has told us: we say it again.
    if (error.code === 401) session.arrive();
    throw error;
  }
}

async function chooseRoom() {
  await rooms.refresh();
  const chosen = rooms.get(session.roomId) ?? rooms.get(recall('room')) ?? rooms.list[0];
  if (!chosen) throw new Error('The server has no rooms');
  if (room?.id !== chosen.id) open(chosen);
  return chosen.id;
}

async function fetchMissed() {
  const past = arrivals.catchUp().then(() => rooms.countPast(arrivals.start));
  await Promise.all([past, openHistory(), people.refresh(link.people)]);
  markRead();
}

async function openHistory() {
  const { id } = room;
  const history = histories.get(id);
  const readUpTo = history.isOpen ? 0 : rooms.readUpTo(id);
  const opening = history.open();
  renderTimeline();
  await opening;
  if (id === room.id && readUpTo > 0 && history.items.at(-1)?.id > readUpTo) unreadFrom = readUpTo;
  renderTimeline();
}

// From the user

async function enter(id) {
  if (room?.id !== id) open(rooms.get(id));
  composer.focus();
  await tried(async () => {
    await session.enter(id);
    if (link.isConnected()) await openHistory();
    markRead();
  });
}

function open(next) {
  histories.get(room?.id)?.trim(KEPT_ON_LEAVING);
  room = next;
  remember('room', room.id);
  unreadFrom = room.unread > 0 ? rooms.readUpTo(room.id) : Infinity;
  if (!histories.has(room.id)) histories.set(room.id, new History(find, room.id));
  typing.clear();
  timeline.reset(room.name);
  composer.open(room);
  document.getElementById('room-title').textContent = room.name;
  renderTimeline();
  renderRooms();
  renderPeople();
}

async function loadOlder() {
  const history = histories.get(room?.id);
  if (!history || history.isLoading || !link.isConnected()) return;
  if (await tried(() => history.older())) renderTimeline();
}

function tellTyping() {
  // Nobody misses it when it fails.
  if (session.isReady) link.messages.typing({ roomId: room.id }).catch(() => {});
}

function markRead() {
  if (!room || document.hidden || !timeline.isAtEnd) return;
  const newest = histories.get(room.id).items.at(-1);
  if (newest) rooms.markRead(room.id, newest.id);
}

async function rename(name) {
  await session.rename(name);
  remember('name', session.guestName);
  showWhoIAm();
}

async function signIn(name, password) {
  const member = await connected(() => link.signIn(name, password));
  nameIsNotNeeded();
  session.become(member);
  announce(`Signed in as ${member.name}`);
}

async function signOut() {
  outbox.forget(rooms.list.filter(({ membersOnly }) => membersOnly).map(({ id }) => id));
  leaveMembers();
  await link.signOut();
  await session.become(null);
}

/** What members have said is for members: nothing of it stays behind. */
function leaveMembers(reason) {
  session.leave();
  announce(reason ?? 'Signed out');
  if (reason) notice(reason);
  rooms.forgetThoseForMembers();
  for (const id of histories.keys()) if (!rooms.get(id)) histories.delete(id);
  if (room && !rooms.get(room.id)) open(rooms.list[0]);
  showWhoIAm();
}

function showWhoIAm() {
  const isMember = session.member !== null;
  if (isMember) nameIsNotNeeded();
  if (session.name) showName(session.name, isMember);
  renderTimeline();
  renderPeople();
}

document.getElementById('me').addEventListener('click', () => {
  if (session.member) showAccount(session.name);
  else askForName(session.name);
});
document.getElementById('to-sign-in').addEventListener('click', () => askToSignIn('in'));
document.getElementById('to-sign-up').addEventListener('click', () => askToSignIn('up', session.name));
document.addEventListener('visibilitychange', markRead);
document.addEventListener('keydown', (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!event.altKey || !step || !room) return;
  event.preventDefault();
  const all = rooms.list;
  const at = all.findIndex(({ id }) => id === room.id);
  enter(all[(at + step + all.length) % all.length].id);
});

// On display

function renderTimeline() {
  if (!room) return;
  const history = histories.get(room.id);
  if (timeline.isAtEnd && history.items.length > KEPT_AT_MOST) history.trim(KEPT_AT_THE_END);
  const waiting = outbox.in(room.id).map((entry) => ({ ...entry, reason: outbox.reason(entry.uid) }));
  timeline.render({ history, isMine, waiting, name: session.name, unreadFrom, roomName: room.name });
  markRead();
}

function renderRooms() {
  sidebar.renderRooms(rooms.list, room?.id);
  const unread = rooms.unread;
  document.title = `${unread ? `(${unread > 99 ? '99+' : unread}) ` : ''}${room ? `${room.name} · ` : ''}Wingbeat chat`;
}

function renderPeople() {
  sidebar.renderPeople(people.list, { name: session.name, isMember: session.member !== null, roomId: room?.id, roomName: room?.name });
}

function renderTyping() {
  document.getElementById('typing').textContent = typing.words;
}

/** Many changes, one rendering: after the current batch of events. A timer, since hidden pages get no frames. */
function later(render) {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    setTimeout(() => {
      isDue = false;
      render();
    });
  };
}

// Errors

async function connected(call) {
  if (!link.isConnected()) throw new Error('There is no connection at the moment.');
  return call();
}

async function tried(act) {
  try {
    await act();
    return true;
  } catch (error) {
    // Without a connection the banner says enough, and the next arrival does it again.
    if (link.isConnected()) notice(error.message);
    return false;
  }
}

session.guestName = recall('name', '');
setUpAccount({ signIn, signOut, signUp: (name, password) => connected(() => link.signUp(name, password)), done: () => composer.focus() });
setUpNameDialog(rename, () => {
  // After the first name there is no button to go back to; until the next frame the focus stays in the closed dialog.
  const { activeElement } = document;
  if (activeElement === document.body || activeElement.closest('dialog')) composer.focus();
});
setUpConnection();
link.watch(({ state }) => state !== 'connected' && typing.clear());
renderTimeline();
if (session.name) showName(session.name, link.wasSignedIn());
else if (!link.wasSignedIn()) askForName('');
session.start();
