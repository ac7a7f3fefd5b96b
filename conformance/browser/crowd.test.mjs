// What one visitor may do of the chat example, and what the page says beyond it.

import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import { backstage, numbered, openBrowser, startChat, test, visit } from './driver.mjs';

const browser = await openBrowser();

/** Asks until the server says no. */
async function untilRefused(ask) {
  for (let turn = 0; ; turn += 1) {
    try {
      await ask(turn);
    } catch (refusal) {
      return refusal.message;
    }
  }
}

test('a message beyond what one visitor may send says so, waits, and is sent', async (t) => {
  const chat = await startChat(t);
  const stage = await backstage(t, chat, 'Stagehand');
  const ada = await visit(t, browser, chat, 'Ada');
  const roomId = stage.roomId('Random');
  const text = 'x'.repeat(2000);
  const refusal = await untilRefused(() => stage.call('create', 'messages', { uid: crypto.randomUUID(), roomId, text }, {}));
  assert.equal(refusal, 'You have sent much in a short time: wait a moment with the next message');
  await ada.say('y'.repeat(2000));
  await ada.page.waitForSelector(`.message.waiting .state:text-is("Waiting: ${refusal}")`);
  await ada.outboxIsEmpty();
  assert.equal((await stage.stored('General')).length, 1);
});

test('a page says what there is too much of: rooms, names, connections', async (t) => {
  const chat = await startChat(t);
  const stage = await backstage(t, chat, 'Stagehand');
  const ada = await visit(t, browser, chat, 'Ada');
  const { page } = ada;
  const rooms = await untilRefused((turn) => stage.call('create', 'rooms', { name: `Room ${turn}` }, {}));
  assert.match(rooms, /^You have made many rooms/);
  await page.click('#new-room');
  await page.fill('#room-name-field', 'One more');
  await page.keyboard.press('Enter');
  await page.waitForSelector(`#room-error:text-is("${rooms}")`);

  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
  const names = await untilRefused((turn) => stage.call('create', 'people', { name: `Stage ${letters[turn]}` }, {}));
  assert.match(names, /^You have changed your name often/);
  await page.click('#me');
  await page.fill('#name-field', 'Grace');
  await page.keyboard.press('Enter');
  await page.waitForSelector(`#name-error:text-is("${names}")`);

  const strangers = [];
  t.after(() => strangers.forEach((one) => one.disconnect()));
  await untilRefused(() => new Promise((done, failed) => {
    const stranger = io(chat.url, { transports: ['websocket'], forceNew: true, reconnection: false });
    strangers.push(stranger.on('connect', done).on('connect_error', failed));
  }));
  const late = await visit(t, browser, chat, null);
  await late.page.waitForSelector('#trouble-text:has-text("too many connections come from your address")');
});

test('a page that reloads asks once what it has missed in all rooms', async (t) => {
  const chat = await startChat(t);
  const stage = await backstage(t, chat, 'Stagehand');
  for (const name of numbered(9, 'Room')) await stage.call('create', 'rooms', { name }, {});
  const ada = await visit(t, browser, chat, 'Ada');
  await stage.write('General', numbered(3, 'Line'));
  await ada.sees('Line 3');
  await ada.enter('Random');
  await ada.page.reload();
  await ada.arrived();
  await stage.write('General', numbered(2, 'More'));
  await ada.page.waitForSelector('.room:has-text("General") .badge:has-text("2")');

  const asked = [];
  const note = (sent) => asked.push(...(String(sent ?? '').match(/\["unread"|"\$limit":0/g) ?? []));
  ada.page.on('request', (request) => note(request.postData()));
  ada.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => note(payload)));
  await ada.page.reload();
  await ada.arrived();
  await ada.page.waitForSelector('.room:has-text("General") .badge:has-text("2")');
  assert.deepEqual(asked, ['["unread"']);
});

test('no uid that somebody chooses names another line of the page', async (t) => {
  const chat = await startChat(t);
  const stage = await backstage(t, chat, 'Stagehand');
  const ada = await visit(t, browser, chat, 'Ada');
  const roomId = stage.roomId('General');
  for (const uid of ['day Today', 'unread', 'message day Today', '__proto__']) {
    await stage.call('create', 'messages', { uid, roomId, text: `I am ${uid}` }, {});
    await ada.sees(`I am ${uid}`);
  }
  assert.equal(await ada.page.locator('.day').count(), 1);
  assert.equal((await ada.texts()).length, 4);
});
