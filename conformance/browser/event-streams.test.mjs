// A browser's own `EventSource` on the stream of events over REST.

import assert from 'node:assert/strict';
import { startServer } from '../interop/server.mjs';
import { openBrowser, test } from './driver.mjs';

const browser = await openBrowser();

/** A page of the server's own that listens; what it hears, one after the other. */
async function listen(t, server) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  // Any page of this origin.
  await page.goto(`${server.url}/messages/1`);
  await page.evaluate(() => {
    window.heard = [];
    window.source = new EventSource('/sse?room=7');
    window.source.onmessage = ({ data }) => window.heard.push(JSON.parse(data));
  });
  return async () => {
    await page.waitForFunction(() => window.heard.length > 0, null, { timeout: 30_000 });
    return page.evaluate(() => window.heard.shift());
  };
}

async function create(server, text) {
  const headers = { 'content-type': 'application/json' };
  await fetch(`${server.url}/messages`, { method: 'POST', headers, body: JSON.stringify({ text }) });
}

const connected = { event: 'connected', data: { room: '7' }, path: 'sse' };

for (const [how, end] of [['in order', 'terminate'], ['without a word', 'kill']]) {
  test(`EventSource hears events, and finds a server again that has ended ${how}`, async (t) => {
    const server = await startServer(t);
    const next = await listen(t, server);
    assert.deepEqual(await next(), connected);
    for (const text of ['one', 'two\nlines', 'é😀']) {
      await create(server, text);
      const { event, data, path } = await next();
      assert.deepEqual([event, data.text, path], ['created', text, 'messages']);
    }
    await server[end]();
    await server.start();
    assert.deepEqual(await next(), connected);
    await create(server, 'again');
    assert.equal((await next()).data.text, 'again');
  });
}
