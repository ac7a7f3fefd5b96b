// The chat example in a real browser: what people do in it.

import assert from 'node:assert/strict';
import { backstage, numbered, openBrowser, startChat, test, visit } from './driver.mjs';

const browser = await openBrowser();

test('two pages see each message at once, marked as own for its author only', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  const grace = await visit(t, browser, chat, 'Grace');
  await ada.say('The engine weaves patterns.');
  await grace.sees('The engine weaves patterns.');
  await grace.say('As the loom weaves flowers.');
  await ada.sees('As the loom weaves flowers.');
  assert.deepEqual(await ada.texts(), ['The engine weaves patterns.', 'As the loom weaves flowers.']);
  assert.deepEqual(await grace.texts(), await ada.texts());
  assert.equal(await ada.page.locator('.message.mine').count(), 1);
  assert.equal(await grace.page.locator('.message.mine .bubble').textContent(), 'As the loom weaves flowers.');
  assert.match(await grace.page.locator('.message:not(.mine) .meta').textContent(), /^Ada/);
  assert.equal(await ada.page.locator('.day').textContent(), 'Today');
  await ada.outboxIsEmpty();
});

test('markup in a message stays text and an address becomes a link', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  const text = '<img src=x onerror="document.title=1"> & see https://example.org/a?b=1.';
  await ada.say(text);
  await ada.outboxIsEmpty();
  assert.deepEqual(await ada.texts(), [text]);
  assert.equal(await ada.page.locator('.bubble img').count(), 0);
  assert.equal(await ada.page.locator('.bubble a').getAttribute('href'), 'https://example.org/a?b=1');
});

test('Enter sends nothing while it picks a word, as Safari tells it too', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  await ada.page.fill('#text', 'かな');
  for (const told of [{ isComposing: true }, { keyCode: 229 }]) {
    const isLeft = await ada.page.$eval('#text', (text, told) => {
      const event = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...told });
      return text.dispatchEvent(event) && text.value === 'かな';
    }, told);
    assert.ok(isLeft, JSON.stringify(told));
  }
  await ada.page.press('#text', 'Enter');
  await ada.sees('かな');
});

test('typing shows in the same room only and goes with the message or with time', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  const grace = await visit(t, browser, chat, 'Grace');
  const linus = await visit(t, browser, chat, 'Linus');
  await linus.enter('Random');
  await ada.page.waitForSelector('#room-members:text-is("2 here, 3 online")');
  await grace.page.locator('#text').pressSequentially('Well');
  await ada.page.waitForSelector('#typing:text-is("Grace is typing")');
  assert.equal(await grace.page.locator('#typing').textContent(), '', 'nobody sees themselves typing');
  assert.equal(await linus.page.locator('#typing').textContent(), '');
  await grace.page.keyboard.press('Enter');
  await ada.sees('Well');
  await ada.page.waitForSelector('#typing:empty', { state: 'attached' });
  await grace.page.locator('#text').pressSequentially('Hm');
  await ada.page.waitForSelector('#typing:text-is("Grace is typing")');
  await ada.page.waitForSelector('#typing:empty', { state: 'attached' });
});

test('people come, change their names, and go', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  const grace = await visit(t, browser, chat, 'Grace');
  await ada.page.waitForSelector('.person:has-text("Grace")');
  await grace.page.click('#me');
  await grace.page.fill('#name-field', 'Admiral');
  await grace.page.keyboard.press('Enter');
  await grace.arrived();
  await ada.page.waitForSelector('.person:has-text("Admiral")');
  assert.equal(await ada.page.locator('.person:has-text("Grace")').count(), 0);
  await grace.say('Aye');
  await ada.sees('Aye');
  assert.match(await ada.page.locator('.meta').textContent(), /^Admiral/);
  await grace.page.close();
  await ada.isAlone('.person:has-text("Admiral")');
  assert.equal(await ada.page.locator('#people-count').textContent(), '1');
});

/** A page that does not connect before it may. */
function heldBack() {
  let connect;
  const mayConnect = new Promise((done) => {
    connect = done;
  });
  const prepare = (page) => page.route(/\/socket\.io\/\?/, async (route) => {
    await mayConnect;
    await route.continue();
  });
  return { connect, prepare };
}

test('what is written before there is a room stays for the first one', async (t) => {
  const chat = await startChat(t);
  const { connect, prepare } = heldBack();
  const ada = await visit(t, browser, chat, null, { prepare });
  await ada.page.fill('#name-field', 'Ada');
  await ada.page.keyboard.press('Enter');
  await ada.page.waitForSelector('#name-dialog', { state: 'hidden' });
  await ada.say('Early');
  connect();
  await ada.arrived();
  assert.equal(await ada.page.inputValue('#text'), 'Early');
  await ada.page.press('#text', 'Enter');
  await ada.sees('Early');
  await ada.outboxIsEmpty();
});

test('the name that somebody is writing stays while the page connects', async (t) => {
  const chat = await startChat(t);
  const { connect, prepare } = heldBack();
  const ada = await visit(t, browser, chat, null, { prepare });
  await ada.page.fill('#name-field', 'Ada');
  connect();
  await ada.page.waitForSelector('#connection[data-state=connected]');
  assert.equal(await ada.page.inputValue('#name-field'), 'Ada');
  await ada.page.keyboard.press('Enter');
  await ada.arrived();
  assert.equal(await ada.page.locator('#my-name').textContent(), 'Ada');
});

test('a reload keeps the name, the room, the messages and what was unread', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  const grace = await visit(t, browser, chat, 'Grace');
  await ada.enter('Random');
  await ada.say('Before');
  await ada.outboxIsEmpty();
  await grace.say('In General');
  await ada.page.waitForSelector('.room:has-text("General") .badge:has-text("1")');
  await ada.page.reload();
  await ada.arrived();
  await ada.sees('Before');
  await ada.page.waitForSelector('.room:has-text("General") .badge:has-text("1")');
  assert.equal(await ada.page.locator('#name-dialog[open]').count(), 0);
  assert.equal(await ada.page.locator('#my-name').textContent(), 'Ada');
  assert.deepEqual(await ada.texts(), ['Before']);
  await ada.say('After');
  await grace.enter('Random');
  await grace.sees('After');
  assert.deepEqual(await grace.texts(), ['Before', 'After']);
});

test('a new room appears to everybody, counts its unread messages, and two cannot share a name', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  const grace = await visit(t, browser, chat, 'Grace');
  const create = async () => {
    if (await ada.page.isHidden('#room-form')) await ada.page.click('#new-room');
    await ada.page.fill('#room-name-field', 'Looms');
    await ada.page.keyboard.press('Enter');
  };
  await create();
  await ada.page.waitForSelector('h1:text-is("Looms")');
  await ada.say('One');
  await ada.say('Two');
  await grace.page.waitForSelector('.room:has-text("Looms") .badge:has-text("2")');
  assert.match(await grace.page.title(), /^\(2\) /);
  await grace.enter('Looms');
  await grace.sees('Two');
  await grace.page.waitForSelector('.room:has-text("Looms") .badge', { state: 'hidden' });
  await create();
  await ada.page.waitForSelector('#room-error:not(:empty)');
  assert.equal(await ada.page.locator('.room:has-text("Looms")').count(), 1);
});

test('older messages come on scrolling up and the reader keeps the place', async (t) => {
  const chat = await startChat(t);
  const stage = await backstage(t, chat, 'Stagehand');
  await stage.write('General', numbered(95, 'Line'));
  const ada = await visit(t, browser, chat, 'Ada');
  await ada.sees('Line 95');
  assert.deepEqual(await ada.texts(), numbered(95, 'Line').slice(-30), 'the newest page only');
  const top = (text) => ada.page.locator(`.bubble:text-is("${text}")`).evaluate((node) => node.getBoundingClientRect().top);
  const log = ada.page.locator('#log');
  // In one go, before older ones can arrive.
  const before = await log.evaluate((node) => {
    node.scrollTo(0, 100);
    return [...node.querySelectorAll('.bubble')].find((one) => one.textContent === 'Line 70').getBoundingClientRect().top;
  });
  await ada.sees('Line 36');
  assert.ok(Math.abs((await top('Line 70')) - before) < 2, 'what was in sight did not move');
  // A message that arrives meanwhile does not move the reader either.
  await stage.write('General', ['Fresh']);
  await ada.page.waitForSelector('#jump:visible');
  assert.ok(Math.abs((await top('Line 70')) - before) < 2);
  await ada.page.waitForFunction(() => {
    document.getElementById('log').scrollTo(0, 0);
    return !document.querySelector('#beginning.loading');
  });
  assert.deepEqual(await ada.texts(), [...numbered(95, 'Line'), 'Fresh']);
  await ada.page.click('#jump');
  assert.ok(await log.evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight < 2));
});
