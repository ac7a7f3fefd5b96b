// The page for everybody: by keyboard alone, on a phone, in light and in the dark.

import assert from 'node:assert/strict';
import { openBrowser, startChat, test, visit } from './driver.mjs';

const browser = await openBrowser();

test('everything can be done with the keyboard alone', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, null);
  const { keyboard } = ada.page;
  const focus = () => ada.page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  const tabTo = async (wanted, key = 'Tab') => {
    const seen = [];
    while ((await focus()) !== wanted) {
      seen.push(await focus());
      assert.ok(seen.length < 20, `${wanted} not reached: ${seen.join(', ')}`);
      await keyboard.press(key);
    }
  };
  await ada.page.waitForSelector('#name-dialog[open]');
  await keyboard.press('Escape');
  await keyboard.press('Escape');
  assert.equal(await ada.page.isVisible('#name-dialog'), true, 'a first name cannot be refused');
  await keyboard.type('Ada');
  await keyboard.press('Enter');
  await ada.arrived();
  await ada.page.waitForSelector('#text:focus');
  await keyboard.type('One line');
  await keyboard.press('Shift+Enter');
  await keyboard.type('and another');
  await keyboard.press('Enter');
  await ada.outboxIsEmpty();
  assert.deepEqual(await ada.texts(), ['One line\nand another']);

  await keyboard.press('Alt+ArrowDown');
  await ada.page.waitForSelector('h1:text-is("Help")');
  assert.equal(await focus(), 'text');
  await tabTo('log', 'Shift+Tab');
  await tabTo('me', 'Shift+Tab');
  const current = ada.page.locator('.room[aria-current]');
  while (!(await current.evaluate((node) => node === document.activeElement))) await keyboard.press('Shift+Tab');
  assert.notEqual(await current.evaluate((node) => getComputedStyle(node).outlineStyle), 'none', 'the focus is visible');
  await ada.screenshot('keyboard');
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await ada.page.waitForSelector('h1:text-is("Random")');
  assert.equal(await focus(), 'text');

  await tabTo('new-room', 'Shift+Tab');
  await keyboard.press('Enter');
  await keyboard.type('By hand');
  await keyboard.press('Enter');
  await ada.page.waitForSelector('h1:text-is("By hand")');
  await keyboard.type('Made it');
  await keyboard.press('Enter');
  await ada.sees('Made it');

  await tabTo('me', 'Shift+Tab');
  await keyboard.press('Enter');
  await ada.page.waitForSelector('#name-dialog[open]');
  await keyboard.press('Escape');
  await ada.page.waitForSelector('#name-dialog', { state: 'hidden' });
  assert.equal(await focus(), 'me', 'back where the dialog was opened');
});

test('at 360 pixels nothing is wider than the screen and the rooms are in a drawer', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada', { viewport: { width: 360, height: 700 }, hasTouch: true, isMobile: true });
  const grace = await visit(t, browser, chat, 'Grace');
  const fits = () => ada.page.evaluate(() => document.documentElement.scrollWidth <= 360
    && [...document.querySelectorAll('main *')].every((node) => node.getBoundingClientRect().right <= 360.5));
  await grace.say(`A long word: ${'wingbeat'.repeat(20)} and an address https://example.org/${'path/'.repeat(30)}`);
  await grace.say('Short');
  await ada.sees('Short');
  await ada.say('And from a phone, a line that is long enough to be broken once or twice.');
  await grace.sees('And from a phone, a line that is long enough to be broken once or twice.');
  assert.ok(await fits());
  await ada.screenshot('phone');
  assert.equal(await ada.page.isVisible('.room >> nth=0'), false);
  await ada.page.tap('#menu');
  await ada.page.waitForSelector('.room:has-text("Random"):visible');
  await ada.page.waitForFunction(() => document.getElementById('sidebar').getBoundingClientRect().left === 0);
  await ada.screenshot('phone-menu');
  await ada.page.tap('.room:has-text("Random")');
  await ada.page.waitForSelector('h1:text-is("Random")');
  await ada.page.waitForSelector('#sidebar', { state: 'hidden' });
  await grace.say('Are you there?');
  await ada.page.waitForSelector('#menu-badge:visible');
  await chat.kill();
  await ada.page.waitForSelector('#trouble:visible');
  assert.ok(await fits());
});

test('light and dark follow the system, with readable contrast', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada', { colorScheme: 'light' });
  const grace = await visit(t, browser, chat, 'Grace Hopper', { colorScheme: 'dark' });
  const linus = await visit(t, browser, chat, 'Linus');
  const talk = async (...lines) => {
    for (const [who, text] of lines) {
      await who.say(text);
      await Promise.all([ada, grace, linus].map((one) => one.sees(text)));
    }
  };
  await talk(
    [linus, 'The train has no network before the tunnel, so I may fall silent.'],
    [linus, 'Whatever I write will turn up later.'],
    [grace, 'Morning! Everybody in the room gets the same bytes now.'],
    [ada, 'Lovely. The big room is twice as fast as last week.'],
    [ada, 'Is https://example.org/channels still right?'],
    [linus, 'Reading it now.\nTwo typos, otherwise yes.'],
  );
  await linus.enter('Random');
  await linus.say('Anyone for lunch?');
  await linus.say('It is soup today');
  await grace.say('Thank you both');
  await ada.sees('Thank you both');
  await ada.page.waitForSelector('.badge:has-text("2")');
  await grace.page.locator('#text').pressSequentially('And');
  await ada.page.waitForSelector('#typing:not(:empty)');
  await ada.screenshot('light');
  await grace.screenshot('dark');
  for (const [who, isDark] of [[ada, false], [grace, true]]) {
    for (const selector of ['main', '.bubble', '.mine .bubble', '#room-members', '.room', '.meta', '#connection', '#hint']) {
      const { text, ground } = await who.page.locator(selector).first().evaluate(colours);
      assert.equal(luminance(ground) < 0.2, isDark || selector === '.mine .bubble', `ground of ${selector}`);
      assert.ok(contrast(text, ground) >= 4.5, `${selector}: ${contrast(text, ground).toFixed(2)}`);
    }
  }
});

/** Runs in the page: the colour of the text and of the first opaque ground behind it. */
function colours(node) {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  let behind = node;
  while ((channels(getComputedStyle(behind).backgroundColor)[3] ?? 1) === 0) behind = behind.parentElement;
  return { text: channels(getComputedStyle(node).color), ground: channels(getComputedStyle(behind).backgroundColor) };
}

function luminance(channels) {
  const [r, g, b] = channels.slice(0, 3).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
