// The reference's client in Chromium against the engine alone: every choice of transports, headers of the page's own,
// and cookies across origins.

import assert from 'node:assert/strict';
import { startRaw } from '../interop/raw.mjs';
import { openBrowser, test } from './driver.mjs';

const browser = await openBrowser();

/** A page of the server's own origin, with one of the client's bundles from a server. */
async function page(t, home, bundle = home, file = 'socket.io.js') {
  const context = await browser.newContext();
  t.after(() => context.close());
  const opened = await context.newPage();
  await opened.goto(home.url);
  await opened.addScriptTag({ url: `${bundle.url}/socket.io/${file}` });
  return opened;
}

/** Connects in the page, asks for `question`, and says by which transport in the end. */
function ask(opened, url, options, question) {
  return opened.evaluate(async ([url, options, question]) => {
    const socket = io(url, { forceNew: true, ...options });
    const failed = new Promise((_, fail) => socket.once('connect_error', fail));
    const upgrading = !options.transports || options.transports.length > 1;
    const upgraded = new Promise((done) => {
      socket.once('connect', () => {
        const engine = socket.io.engine;
        if (!upgrading || engine.transport.name === 'websocket') done();
        else engine.once('upgrade', done);
      });
    });
    await Promise.race([upgraded, failed]);
    const answer = await socket.timeout(5000).emitWithAck(...question);
    // A buffer: in browsers the MessagePack parser takes a typed array for an ordinary object.
    const bytes = await socket.timeout(5000).emitWithAck('echo', new Uint8Array([1, 255]).buffer);
    const transport = socket.io.engine.transport.name;
    socket.disconnect();
    return { answer, bytes: [...new Uint8Array(bytes)], transport };
  }, [url, options, question]);
}

const PARSERS = [
  { parser: 'JSON', state: 'files', file: 'socket.io.js' },
  { parser: 'MessagePack', state: 'msgpack,files', file: 'socket.io.msgpack.min.js' },
];

for (const { parser, state, file } of PARSERS) {
  for (const [name, options, transport] of [
    ['the default transports', {}, 'websocket'],
    ['polling only', { transports: ['polling'] }, 'polling'],
    ['websocket only', { transports: ['websocket'] }, 'websocket'],
  ]) {
    test(`a page connects with ${name}, and speaks ${parser}`, async (t) => {
      const server = await startRaw(t, state);
      const opened = await page(t, server, server, file);
      const got = await ask(opened, server.url, options, ['echo', { text: 'é😀' }]);
      assert.deepEqual(got, { answer: { text: 'é😀' }, bytes: [1, 255], transport });
    });
  }
}

test('headers of the page come along with polls', async (t) => {
  const server = await startRaw(t, 'files');
  const opened = await page(t, server);
  const options = { transports: ['polling'], extraHeaders: { 'x-page': 'mine' } };
  assert.equal((await ask(opened, server.url, options, ['header', 'x-page'])).answer, 'mine');
});

test('across origins, headers and cookies need the permission that they get', async (t) => {
  const home = await startRaw(t, 'files');
  const other = await startRaw(t, 'credentials');
  const opened = await page(t, home, other);
  // Another host, not only another port: cookies do not know ports.
  const url = other.url.replace('127.0.0.1', 'localhost');
  const options = { transports: ['polling'], withCredentials: true, extraHeaders: { 'x-page': 'far' } };
  assert.equal((await ask(opened, other.url, options, ['header', 'x-page'])).answer, 'far');
  await ask(opened, other.url, { transports: ['polling'], withCredentials: true }, ['echo', 1]);
  const cookie = await ask(opened, other.url, { ...options, forceNew: true }, ['header', 'cookie']);
  assert.match(cookie.answer, /(^|; )io=/);
  const without = await ask(opened, url, { transports: ['polling'] }, ['header', 'cookie']);
  assert.equal(without.answer, null);
});

test('across origins nothing works where nobody has allowed it', async (t) => {
  const home = await startRaw(t, 'files');
  const other = await startRaw(t, 'plain');
  const opened = await page(t, home);
  await assert.rejects(ask(opened, other.url, { transports: ['polling'] }, ['echo', 1]), /xhr poll error/);
});
