// The chat example in a real browser, from the first word to a server that dies in mid-sentence.

import assert from 'node:assert/strict';
import * as runner from 'node:test';
import { backstage, openBrowser, startChat, visit } from './driver.mjs';

const test = (name, scene) => runner.test(name, { timeout: 120_000 }, scene);

let browser;
runner.before(async () => {
  browser = await openBrowser();
});
runner.after(() => browser?.close());

const numbered = (count, name) => Array.from({ length: count }, (_, i) => `${name} ${i + 1}`);

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

test('a server killed while both write costs no message and doubles none', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  const grace = await visit(t, browser, chat, 'Grace');
  const count = 40;
  const write = async (who, name, at) => {
    for (const [index, text] of numbered(count, name).entries()) {
      await who.say(text);
      await at[index]?.();
    }
  };
  // For one of them it happens between two messages, for the other at any moment.
  const kill = async () => {
    await chat.kill();
    await Promise.all([ada, grace].map((who) => who.page.waitForSelector('#trouble:visible')));
  };
  const restart = async () => {
    await chat.restart();
    await ada.page.waitForSelector('#connection[data-state=connected]');
  };
  await Promise.all([
    write(ada, 'Ada', { 8: kill, 16: restart, 24: kill, 32: restart }),
    write(grace, 'Grace', { 20: () => ada.page.waitForSelector('#connection[data-state=connected]') }),
  ]);
  await Promise.all([ada.arrived(), grace.arrived()]);
  await ada.outboxIsEmpty();
  await grace.outboxIsEmpty();
  await ada.sees(`Grace ${count}`);
  await grace.sees(`Ada ${count}`);
  const stored = await (await backstage(t, chat, 'Stagehand')).stored('General');
  assert.deepEqual([...stored].sort(), [...numbered(count, 'Ada'), ...numbered(count, 'Grace')].sort());
  for (const name of ['Ada', 'Grace']) {
    assert.deepEqual(stored.filter((text) => text.startsWith(name)), numbered(count, name), 'in the order written');
  }
  assert.deepEqual(await ada.texts(), stored);
  assert.deepEqual(await grace.texts(), stored);
});

test('a message whose acknowledgement was lost is sent again and stored once', async (t) => {
  const chat = await startChat(t);
  const create = '"create","messages"';
  let sent = 0;
  let upgraded;
  const isUpgraded = new Promise((done) => {
    upgraded = done;
  });
  const cut = async (page) => {
    // The second time it may go by polling, before the upgrade.
    page.on('request', (request) => {
      if (request.postData()?.includes(create)) sent += 1;
    });
    await page.routeWebSocket(/\/socket\.io\//, (client) => {
      const server = client.connectToServer();
      let isCut = false;
      client.onMessage((frame) => {
        if (frame === '5') upgraded();
        if (String(frame).includes(create)) {
          sent += 1;
          isCut = sent === 1;
        }
        server.send(frame);
      });
      server.onMessage((frame) => {
        // The server has stored it; neither the event nor the acknowledgement comes through.
        if (isCut) client.close();
        else client.send(frame);
      });
    });
  };
  const ada = await visit(t, browser, chat, 'Ada', { prepare: cut });
  const grace = await visit(t, browser, chat, 'Grace');
  await isUpgraded;
  await ada.say('Only once');
  await grace.sees('Only once');
  await ada.outboxIsEmpty();
  assert.equal(sent, 2);
  await ada.say('Then this');
  await grace.sees('Then this');
  await ada.sees('Then this');
  assert.deepEqual(await ada.texts(), ['Only once', 'Then this']);
  assert.deepEqual(await grace.texts(), ['Only once', 'Then this']);
  assert.deepEqual(await (await backstage(t, chat, 'Stagehand')).stored('General'), ['Only once', 'Then this']);
});

test('without a network the page says so, keeps what is written, and fetches what it missed', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  const grace = await visit(t, browser, chat, 'Grace');
  await ada.context.setOffline(true);
  await ada.page.waitForSelector('#connection[data-state=offline]');
  assert.match(await ada.page.locator('#trouble-text').textContent(), /no network/);
  await ada.say('From the tunnel');
  await ada.page.waitForSelector('.message.waiting');
  // The word beside it comes late, so that it does not flash at every message.
  await ada.page.waitForFunction(() => getComputedStyle(document.querySelector('.waiting .state')).opacity === '1');
  await ada.screenshot('offline');
  // More than a page of what was missed.
  const stage = await backstage(t, chat, 'Stagehand');
  await stage.write('General', numbered(120, 'Missed'));
  await stage.write('Random', ['Missed too']);
  await grace.sees('Missed 120');
  await ada.context.setOffline(false);
  await ada.arrived();
  await ada.outboxIsEmpty();
  await grace.sees('From the tunnel');
  await ada.sees('Missed 120');
  assert.deepEqual((await ada.texts()).toSorted(), [...numbered(120, 'Missed'), 'From the tunnel'].toSorted());
  assert.deepEqual(await ada.texts(), await stage.stored('General'));
  await ada.page.waitForSelector('.room:has-text("Random") .badge:has-text("1")');
  assert.equal(await ada.page.isHidden('#trouble'), true);
});

test('what waits in the outbox survives a reload', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  const grace = await visit(t, browser, chat, 'Grace');
  await chat.kill();
  await ada.page.waitForSelector('#trouble:visible');
  await ada.say('Written');
  await ada.say('in the dark');
  await ada.page.waitForSelector('.message.waiting >> nth=1');
  await chat.restart();
  await ada.page.reload();
  await ada.arrived();
  await ada.outboxIsEmpty();
  await grace.sees('in the dark');
  assert.deepEqual(await ada.texts(), ['Written', 'in the dark']);
  assert.deepEqual(await grace.texts(), ['Written', 'in the dark']);
});

test('a message found stored leaves the outbox, though sending it again was refused', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  await ada.say('Stored');
  await ada.outboxIsEmpty();
  // As if the acknowledgement had been lost, and the server had since come to refuse it.
  await ada.page.addInitScript(() => {
    if (localStorage.getItem('seeded')) return;
    localStorage.setItem('seeded', 'yes');
    const uid = localStorage.getItem('uid');
    const entry = { uid, roomId: 1, text: 'Stored', at: Date.now(), turn: 1, error: 'Refused' };
    localStorage.setItem(`wingbeat.outbox.${uid}`, JSON.stringify(entry));
  });
  await ada.page.evaluate(() => localStorage.setItem('uid', document.querySelector('.message').dataset.key));
  await ada.page.reload();
  await ada.arrived();
  assert.equal(await ada.page.evaluate(() => localStorage.getItem('seeded')), 'yes');
  await ada.outboxIsEmpty();
  assert.deepEqual(await ada.texts(), ['Stored']);
});

test('a refused message is marked, can be tried again, and can be discarded', async (t) => {
  const chat = await startChat(t);
  const stage = await backstage(t, chat, 'Stagehand');
  // The page does not send what is too long; an outbox from elsewhere might.
  const entry = { uid: 'too-long', roomId: stage.roomId('General'), text: 'x'.repeat(2001), at: Date.now(), turn: 1 };
  const ada = await visit(t, browser, chat, 'Ada', {
    prepare: (page) => page.addInitScript((one) => {
      if (!localStorage.getItem('seeded')) localStorage.setItem(`wingbeat.outbox.${one.uid}`, JSON.stringify(one));
      localStorage.setItem('seeded', 'yes');
    }, entry),
  });
  await ada.page.waitForSelector('.message.failed .state:has-text("Not sent")');
  await ada.say('Later ones are not held up');
  await ada.sees('Later ones are not held up');
  await ada.page.reload();
  await ada.page.waitForSelector('.message.failed');
  await ada.page.click('.failed button:text-is("Try again")');
  await ada.page.waitForSelector('.message.failed');
  await ada.screenshot('refused');
  await ada.page.click('.failed button:text-is("Discard")');
  await ada.outboxIsEmpty();
  assert.deepEqual(await ada.texts(), ['Later ones are not held up']);
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
