// The one connection: Socket.IO below, the services of Feathers above, and in words how it is doing.
/* global io, feathers */

import { forget, recall, remember } from './storage.js';

if (!globalThis.io || !globalThis.feathers) {
  document.getElementById('trouble').hidden = false;
  document.getElementById('trouble-text').textContent =
    'The client scripts did not load. Is the server running, and was `npm ci` run in examples/chat?';
  document.getElementById('retry').addEventListener('click', () => location.reload());
  throw new Error('/socket.io/socket.io.js or /feathers.js is missing');
}

// `ackTimeout` also ends the calls that are under way when the connection goes; without it they would wait for ever.
const socket = io({ ackTimeout: 10_000 });
const remote = feathers.socketio(socket);
const app = feathers().configure(remote);

app.use('rooms', remote.service('rooms'), { methods: ['find', 'get', 'create', 'enter', 'unread'] });
app.use('messages', remote.service('messages'), { methods: ['find', 'create', 'typing'] });
app.use('people', remote.service('people'), { methods: ['find', 'create'] });
// Nobody but the server says of a server's end who was there.
app.use('presence', remote.service('presence'), { methods: [] });

// Who is signed in says so again after every `connect`, in order with the rest (session.js). The client's own attempt
// would come in between, and leave its failures to nobody.
class Authentication extends feathers.authentication.AuthenticationClient {
  handleSocket() {}

  // A link must not sign anybody in.
  getFromLocation() {
    return Promise.resolve(null);
  }
}

const TOKEN = 'token';
const storage = { getItem: (key) => recall(key, null), setItem: remember, removeItem: forget };
app.configure(feathers.authentication({ Authentication, storage, storageKey: TOKEN }));

/** Whether this browser was signed in; the server may see it differently by now. */
export const wasSignedIn = () => recall(TOKEN, null) !== null;

/** Who is signed in, on a new connection; null if nobody was. Refused tokens are forgotten, and the refusal is thrown. */
export async function signInAgain() {
  return wasSignedIn() ? (await app.reAuthenticate(true)).user : null;
}

export async function signIn(name, password) {
  return (await app.authenticate({ strategy: 'local', name, password })).user;
}

export async function signUp(name, password) {
  await app.service('users').create({ name, password });
}

/** Works without a connection, too. */
export async function signOut() {
  try {
    await app.logout();
  } catch {
    // Nobody knows whether the server has heard it. The next connection is nobody's in any case.
    await forgetToken();
    socket.disconnect().connect();
  }
}

export async function forgetToken() {
  await app.authentication.removeAccessToken();
  await app.authentication.reset();
}

export const authentication = app.service('authentication');
export const rooms = app.service('rooms');
export const messages = app.service('messages');
export const people = app.service('people');
export const presence = app.service('presence');

const REASONS = {
  'transport close': 'the connection was lost',
  'transport error': 'the connection broke',
  'ping timeout': 'the server fell silent',
  'parse error': 'the server sent something unreadable',
  'io server disconnect': 'the server ended the connection',
  'io client disconnect': 'trying again',
};

const TOO_MANY = 429;

/** Whether the server says that it is only now: the same is to be tried again, and a message is never given up for it. */
export function isPassing({ code }) {
  return [401, 408, 425, TOO_MANY, 503].includes(code);
}

const watchers = [];
let status = { state: 'connecting', reason: '' };

export const isConnected = () => socket.connected;

/** Whether nothing was missed since the last connection: the server has sent what happened in between, in order. */
export const isRecovered = () => socket.recovered;

/** Calls `watcher` with `{state, reason}` now and at every change. */
export function watch(watcher) {
  watchers.push(watcher);
  watcher(status);
}

/** Tries at once instead of waiting for the next attempt. */
export function retry() {
  if (!socket.connected) socket.disconnect().connect();
}

function change(state, reason = '') {
  if (state === status.state && reason === status.reason) return;
  status = { state, reason };
  for (const watcher of watchers) watcher(status);
}

function trouble(reason) {
  if (navigator.onLine === false) change('offline', 'there is no network');
  else change(socket.active ? 'reconnecting' : 'offline', reason);
}

socket.on('connect', () => change('connected'));
socket.on('disconnect', (reason) => trouble(REASONS[reason] ?? reason));
socket.on('connect_error', (error) => {
  // A refusal by the server has words of its own; a failed attempt only has the transport's, and perhaps a status.
  if (!socket.active) trouble(error.message);
  else trouble(error.description === TOO_MANY ? 'too many connections come from your address' : 'the server does not answer');
});
addEventListener('offline', () => {
  if (!socket.connected) trouble('');
});
addEventListener('online', retry);
