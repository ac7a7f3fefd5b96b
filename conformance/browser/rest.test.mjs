// The chat over REST, beside those who are in it with the page.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { io } from 'socket.io-client';
import { curl, curlLines } from '../interop/curl.mjs';
import { startChat, test } from './driver.mjs';

const feathers = createRequire(import.meta.url)('@feathersjs/client');
const password = 'correct horse';

/** A client over REST, which keeps its token to itself. */
function overRest(chat) {
  const client = feathers().configure(feathers.rest(chat.url).fetch(fetch));
  return client.configure(feathers.authentication({ storage: new feathers.authentication.MemoryStorage() }));
}

/** Somebody on a socket who has said a name, and what the next event of that name brings. */
async function guest(t, chat, name) {
  const socket = io(chat.url, { forceNew: true });
  t.after(() => socket.disconnect());
  const client = feathers().configure(feathers.socketio(socket));
  await client.service('people').create({ name });
  return { client, next: (path, event) => new Promise((heard) => client.service(path).once(event, heard)) };
}

test('a member writes over REST, and a guest with the page hears it', async (t) => {
  const chat = await startChat(t);
  const grace = await guest(t, chat, 'Grace');
  const ada = overRest(chat);
  await ada.service('users').create({ name: 'Ada', password });
  await ada.authenticate({ strategy: 'local', name: 'Ada', password });
  const heard = grace.next('messages', 'created');
  const sent = await ada.service('messages').create({ uid: 'a', roomId: 1, text: 'Hello', author: 'Grace' });
  assert.deepEqual([sent.author, sent.byMember, sent.text], ['Ada', true, 'Hello']);
  assert.deepEqual(await heard, sent);
  const { data } = await overRest(chat).service('messages').find({ query: { roomId: 1 } });
  assert.deepEqual(data, [sent]);
});

test('a guest reads over REST and writes nothing, and sees nothing of the members', async (t) => {
  const chat = await startChat(t);
  const [ada, stranger] = [overRest(chat), overRest(chat)];
  await ada.service('users').create({ name: 'Ada', password });
  await ada.authenticate({ strategy: 'local', name: 'Ada', password });
  const members = (await ada.service('rooms').find({ query: { membersOnly: true } })).data[0].id;
  await ada.service('messages').create({ uid: 'a', roomId: members, text: 'Among us' });
  for (const query of [{}, { membersOnly: true }, { roomId: members }]) {
    assert.equal((await stranger.service('messages').find({ query })).total, 0);
  }
  await assert.rejects(stranger.service('rooms').get(members), { code: 404 });
  const refused = { code: 401, message: 'Sign in first' };
  await assert.rejects(stranger.service('messages').create({ uid: 'b', roomId: 1, text: 'Hello' }), refused);
  await assert.rejects(stranger.service('rooms').create({ name: 'Mine' }), refused);
  await assert.rejects(stranger.service('people').create({ name: 'Eve' }), { code: 400 });
  await assert.rejects(stranger.service('users').find(), { code: 405 });
});

test('another page cannot write in the name of whoever reads it', async (t) => {
  const chat = await startChat(t);
  const headers = { 'content-type': 'application/json', origin: 'https://elsewhere.example' };
  const body = JSON.stringify({ name: 'Eve', password });
  const answer = await fetch(`${chat.url}/users`, { method: 'POST', headers, body });
  assert.equal(answer.status, 403);
});

test('what the README says to type works', async (t) => {
  const chat = await startChat(t);
  let token;
  const answers = [];
  for (const line of await curlLines('examples/chat/README.md')) {
    const { status, body } = await curl(line, chat, { secrets: { $TOKEN: token } });
    answers.push(status);
    token ??= JSON.parse(body).accessToken;
  }
  assert.deepEqual(answers, [200, 201, 201, 201]);
});
