// Starts the chat server and Chromium, and plays the people who use the page. The environment may say otherwise:
// CHAT_SERVER   the server, started as `<it> --port PORT --db FILE` (default: the one `make run` builds)
// CHROMIUM      the browser
// SCREENSHOTS   a folder for pictures; without it none are taken

import { spawn } from 'node:child_process';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as runner from 'node:test';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { io } from 'socket.io-client';

const SERVER = process.env.CHAT_SERVER
  ? resolve(process.env.CHAT_SERVER)
  : fileURLToPath(new URL('../../target/quick/chat', import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const SCREENSHOTS = process.env.SCREENSHOTS;
const STARTS_WITHIN = 20_000;

/** A test that ends even when a page never does what it waits for. */
export const test = (name, run) => runner.test(name, { timeout: 120_000 }, run);

export const numbered = (count, name) => Array.from({ length: count }, (_, i) => `${name} ${i + 1}`);

/** One browser for all tests of a file; each visitor has a context of their own in it. */
export async function openBrowser() {
  const flags = [
    '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync',
  ];
  // Chromium's sandbox does not work for root.
  if (process.getuid?.() === 0) flags.push('--no-sandbox');
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: flags });
  runner.after(() => browser.close());
  return browser;
}

/** A chat of its own for one test, on a new database; `restart` brings it back at the same address. */
export async function startChat(t) {
  const folder = await mkdtemp(join(tmpdir(), 'chat-test-'));
  const chat = {
    url: null,
    server: null,
    async start(port = 0) {
      chat.server = await startServer(port, join(folder, 'chat.db'));
      chat.url = chat.server.url;
    },
    kill: () => chat.server.end('SIGKILL'),
    restart: () => chat.start(new URL(chat.url).port),
  };
  t.after(async () => {
    await chat.server?.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  });
  await chat.start();
  return chat;
}

async function startServer(port, db) {
  const child = spawn(SERVER, ['--port', String(port), '--db', db], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  const exited = new Promise((done) => {
    child.on('exit', done);
    child.on('error', (error) => done(said.push(error.message)));
  });
  let timer;
  const url = await new Promise((found, failed) => {
    const fail = (why) => failed(new Error(`${SERVER} ${why}\n${said.join('\n')}`));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line);
        const match = /listening on (http:\S+)/.exec(line);
        if (match) found(match[1]);
      });
    }
    exited.then(() => fail('ended instead of listening'));
    timer = setTimeout(() => fail('does not listen'), STARTS_WITHIN);
  }).finally(() => clearTimeout(timer)).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    url,
    async end(signal) {
      child.kill(signal);
      // One that does not heed SIGTERM must not outlive the test.
      const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(patience);
    },
  };
}

/** Somebody with a browser of their own; `name` null stays at the dialog. */
export async function visit(t, browser, chat, name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 760 }, locale: 'en-GB', ...options });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const visitor = new Visitor(context, page);
  t.after(async () => {
    await context.close();
    if (visitor.complaints.length) throw new Error(`${name}'s page: ${visitor.complaints.join('\n')}`);
  });
  await options.prepare?.(page);
  await page.goto(chat.url);
  if (name) {
    await page.fill('#name-field', name);
    await page.keyboard.press('Enter');
    await visitor.arrived();
  }
  return visitor;
}

export class Visitor {
  /** What no page should say: uncaught errors and violations of its content policy. */
  complaints = [];

  constructor(context, page) {
    this.context = context;
    this.page = page;
    page.on('pageerror', (error) => this.complaints.push(error.stack));
    page.on('console', (message) => {
      // A server that is away, on purpose, is an error to the console too.
      if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text())) {
        this.complaints.push(message.text());
      }
    });
  }

  /** Connected, in a room, and its messages are there. */
  async arrived() {
    await this.page.waitForSelector('#connection[data-state=connected]');
    await this.page.waitForSelector('#beginning:not(.loading):visible, .message');
    await this.page.waitForSelector('.person small:has-text("you")', { state: 'attached' });
    await this.page.waitForSelector('#name-dialog', { state: 'hidden' });
  }

  async say(text) {
    await this.page.fill('#text', text);
    await this.page.press('#text', 'Enter');
  }

  async enter(room) {
    await this.page.click(`.room:has-text("${room}")`);
    await this.page.waitForSelector(`h1:text-is("${room}")`);
  }

  sees(text) {
    const isThere = (wanted) => [...document.querySelectorAll('.bubble')].some((one) => one.textContent === wanted);
    return this.page.waitForFunction(isThere, text);
  }

  isAlone(selector) {
    return this.page.waitForSelector(selector, { state: 'detached' });
  }

  texts() {
    return this.page.$$eval('.bubble', (all) => all.map((bubble) => bubble.textContent));
  }

  /** Waits until nothing is on its way any more, failed ones included. */
  async outboxIsEmpty() {
    await this.page.waitForFunction(() => !Object.keys(localStorage).some((key) => key.startsWith('wingbeat.outbox.')));
    await this.page.waitForSelector('.waiting, .failed', { state: 'detached' });
  }

  async screenshot(name) {
    if (!SCREENSHOTS) return;
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
  }
}

/** A plain Socket.IO client that speaks to the services, to prepare a room or to look at what is stored. */
export async function backstage(t, chat, name) {
  const socket = io(chat.url, { transports: ['websocket'], forceNew: true, ackTimeout: 10_000 });
  t.after(() => socket.disconnect());
  const call = (...args) => new Promise((done, failed) => {
    socket.emit(...args, (late, error, result) => (late || error ? failed(late ?? new Error(error.message)) : done(result)));
  });
  await new Promise((done, failed) => socket.on('connect', done).on('connect_error', failed));
  await call('create', 'people', { name }, {});
  const rooms = (await call('find', 'rooms', {})).data;
  return {
    call,
    roomId: (room) => rooms.find((one) => one.name === room).id,
    async write(room, texts) {
      const roomId = this.roomId(room);
      for (const text of texts) await call('create', 'messages', { uid: crypto.randomUUID(), roomId, text }, {});
    },
    stored(room) {
      return this.all({ roomId: this.roomId(room) });
    },
    async all(where = {}) {
      const query = { ...where, $sort: { id: 1 }, $limit: 100 };
      const texts = [];
      for (;;) {
        const { data } = await call('find', 'messages', { ...query, $skip: texts.length });
        if (data.length === 0) return texts;
        texts.push(...data.map((message) => message.text));
      }
    },
  };
}
