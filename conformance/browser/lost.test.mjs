// Servers that die, networks that go, answers that get lost: no message may be lost or doubled.

import assert from 'node:assert/strict';
import { backstage, numbered, openBrowser, startChat, test, visit } from './driver.mjs';

const browser = await openBrowser();

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

test('a message whose acknowledgement was lost is stored once, and its event comes when the page is back', async (t) => {
  const chat = await startChat(t);
  const create = '"create","messages"';
  let sent = 0;
  let upgraded;
  const isUpgraded = new Promise((done) => {
    upgraded = done;
  });
  const cut = async (page) => {
    // A second time it might go by polling, before the upgrade.
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
  // Recovered, the page hears its own event, and has no reason to send it again.
  assert.equal(sent, 1);
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

/** A page that has heard a message, and what is written behind it; `wasSentWhatItMissed` checks that it asked for none. */
async function heardOne(t) {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Ada');
  const stage = await backstage(t, chat, 'Stagehand');
  await stage.write('General', ['Heard']);
  await ada.sees('Heard');
  const sent = [];
  ada.page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => sent.push(String(payload))));
  ada.page.on('request', (request) => sent.push(request.postData() ?? ''));
  const wasSentWhatItMissed = async () => {
    assert.deepEqual(await ada.texts(), ['Heard', ...numbered(20, 'Missed')]);
    assert.ok(sent.some((packet) => packet.includes('40{"pid":')), sent.join('\n'));
    assert.deepEqual(sent.filter((packet) => packet.includes('"find","messages"')), []);
  };
  return { ada, stage, wasSentWhatItMissed };
}

test('a page that was away for a moment is sent what it missed, and asks for nothing', async (t) => {
  const { ada, stage, wasSentWhatItMissed } = await heardOne(t);
  await ada.context.setOffline(true);
  await ada.page.waitForSelector('#connection[data-state=offline]');
  await stage.write('General', numbered(20, 'Missed'));
  await ada.context.setOffline(false);
  await ada.arrived();
  await ada.sees('Missed 20');
  await wasSentWhatItMissed();
  await ada.say('Here again');
  await ada.outboxIsEmpty();
  assert.deepEqual(await ada.texts(), await stage.stored('General'));
});

test('a page that was frozen while its connection was lost is sent what it missed', async (t) => {
  const { ada, stage, wasSentWhatItMissed } = await heardOne(t);
  // As a browser does with tabs that nobody has looked at for long.
  const control = await ada.context.newCDPSession(ada.page);
  await control.send('Page.setWebLifecycleState', { state: 'frozen' });
  await ada.context.setOffline(true);
  await stage.write('General', numbered(20, 'Missed'));
  await ada.context.setOffline(false);
  await control.send('Page.setWebLifecycleState', { state: 'active' });
  await ada.sees('Missed 20');
  await wasSentWhatItMissed();
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
  await ada.page.evaluate(() => localStorage.setItem('uid', document.querySelector('.message').dataset.key.replace('message ', '')));
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
