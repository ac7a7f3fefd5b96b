// Members of the chat in a real browser: signing up, in and out, and staying so, whatever happens to the connection.

import assert from 'node:assert/strict';
import { backstage, openBrowser, startChat, test, visit } from './driver.mjs';

const browser = await openBrowser();
const ADA = ['Ada', 'correct horse'];
const GRACE = ['Grace', 'battery staple'];

/** Signs up at the dialog that asks a stranger for a name. */
async function signUp(visitor, [name, password]) {
  await visitor.page.click('#to-sign-up');
  await submit(visitor, name, password);
  await isSignedIn(visitor, name);
}

async function submit({ page }, name, password) {
  await page.fill('#account-name', name);
  await page.fill('#account-password', password);
  await page.keyboard.press('Enter');
}

async function isSignedIn(visitor, name) {
  // On a narrow screen they are in the drawer.
  const isThere = { state: 'attached' };
  await visitor.page.waitForSelector('#my-state:text-is("Signed in")', isThere);
  await visitor.page.waitForSelector(`#my-name:text-is("${name}")`, isThere);
  await visitor.page.waitForSelector('.room:has-text("Members")', isThere);
  await visitor.arrived();
}

const isGuest = ({ page }) => page.waitForSelector('.room:has-text("Members")', { state: 'detached' });

/** What the page has of members' talk: on display, and in what it remembers. */
const holds = ({ page }, text) => page.evaluate(
  (wanted) => document.body.textContent.includes(wanted) || JSON.stringify(localStorage).includes(wanted), text);

test('two members talk among themselves, and a guest hears and finds nothing', async (t) => {
  const chat = await startChat(t);
  const guest = await visit(t, browser, chat, 'Linus');
  const ada = await visit(t, browser, chat, null);
  const grace = await visit(t, browser, chat, null);
  await signUp(ada, ADA);
  await signUp(grace, GRACE);
  await guest.page.waitForSelector('.person:has-text("Grace") .member');
  await ada.enter('Members');
  await grace.enter('Members');
  await ada.page.waitForSelector('#room-members:text-is("2 here, 3 online")');
  await ada.say('Among us');
  await grace.sees('Among us');
  await grace.say('Just so');
  await ada.sees('Just so');
  await ada.screenshot('members');
  assert.equal(await grace.page.locator('.message.mine').count(), 1);

  await grace.page.waitForSelector('.message:has-text("Among us") .meta .member');

  // Heard after it, so what the guest was to hear has come.
  await ada.enter('General');
  await ada.say('For everybody');
  await guest.sees('For everybody');
  await guest.say('And from a guest');
  await guest.page.waitForSelector('.message:has-text("For everybody") .meta .member');
  await ada.sees('And from a guest');
  assert.equal(await ada.page.locator('.message:has-text("And from a guest") .member').count(), 0);
  assert.equal(await guest.page.locator('.room:has-text("Members")').count(), 0);
  assert.equal(await holds(guest, 'Among us'), false);
  const stage = await backstage(t, chat, 'Stagehand');
  assert.throws(() => stage.roomId('Members'));
  assert.deepEqual(await stage.all(), ['For everybody', 'And from a guest']);

  // Nor can the guest take a member's name.
  await guest.page.click('#me');
  await guest.page.fill('#name-field', 'ada');
  await guest.page.keyboard.press('Enter');
  await guest.page.waitForSelector('#name-error:text-matches("belongs to a member")');
});

test('who has signed in stays so over a reload, without network, and when the server has died', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, null);
  const grace = await visit(t, browser, chat, null);
  await signUp(ada, ADA);
  await signUp(grace, GRACE);
  await ada.enter('Members');
  await grace.enter('Members');
  await ada.say('Before');
  await grace.sees('Before');

  await ada.page.reload();
  await isSignedIn(ada, 'Ada');
  await ada.page.waitForSelector('h1:text-is("Members")');
  await ada.sees('Before');
  assert.equal(await ada.page.locator('dialog[open]').count(), 0, 'nobody is asked again');

  await ada.context.setOffline(true);
  await ada.page.waitForSelector('#connection[data-state=offline]');
  await ada.say('From the tunnel');
  await grace.say('While you were away');
  await ada.context.setOffline(false);
  await ada.arrived();
  await ada.sees('While you were away');
  await grace.sees('From the tunnel');

  await chat.kill();
  await ada.page.waitForSelector('#trouble:visible');
  await ada.say('Into the dark');
  await chat.restart();
  await Promise.all([ada.arrived(), grace.arrived()]);
  await grace.sees('Into the dark');
  await ada.outboxIsEmpty();
  await grace.say('Still here');
  await ada.sees('Still here');
  await isSignedIn(ada, 'Ada');
  assert.equal((await ada.texts()).length, 5);
});

test('who signs out sees nothing of the members any more, and can come back', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, 'Countess');
  const grace = await visit(t, browser, chat, null);
  await ada.page.click('#me');
  await ada.page.click('#to-sign-up');
  await submit(ada, ...ADA);
  await isSignedIn(ada, 'Ada');
  await signUp(grace, GRACE);
  await ada.enter('Members');
  await grace.enter('Members');
  await grace.say('Among us');
  await ada.sees('Among us');

  await ada.page.click('#me');
  await ada.page.waitForSelector('#me-name:text-is("Ada")');
  await ada.screenshot('signed-in');
  await ada.page.click('#sign-out');
  await isGuest(ada);
  await ada.page.waitForSelector('#my-name:text-is("Countess")');
  await ada.arrived();
  assert.equal(await holds(ada, 'Among us'), false);
  assert.equal(await holds(ada, 'eyJ'), false, 'the token is still there');
  await grace.say('Without Ada');
  await grace.enter('General');
  await grace.say('To everybody');
  await ada.sees('To everybody');
  assert.equal(await holds(ada, 'Without Ada'), false);

  await ada.page.reload();
  await ada.arrived();
  await isGuest(ada);
  await ada.page.click('#me');
  await ada.page.click('#to-sign-in');
  await submit(ada, 'ada', ADA[1]);
  await isSignedIn(ada, 'Ada');
  await ada.enter('Members');
  await ada.sees('Without Ada');
});

test('what a member could not send waits for the member, whoever signs in meanwhile', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, null);
  const grace = await visit(t, browser, chat, null);
  await signUp(ada, ADA);
  await signUp(grace, GRACE);
  await grace.enter('Members');
  await ada.context.setOffline(true);
  await ada.page.waitForSelector('#connection[data-state=offline]');
  await ada.enter('Members');
  await ada.say('For members');
  await ada.enter('General');
  await ada.say('By Ada');
  await ada.sees('By Ada');

  await ada.page.click('#me');
  await ada.page.click('#sign-out');
  await isGuest(ada);
  assert.equal(await holds(ada, 'For members'), false);
  assert.deepEqual(await ada.texts(), []);
  // The server could not be told; when that is clear, the token is gone.
  await ada.page.waitForFunction(() => !localStorage.getItem('wingbeat.token'));
  await ada.context.setOffline(false);
  await ada.page.click('#to-sign-in');
  await submit(ada, ...GRACE);
  await isSignedIn(ada, 'Grace');
  await ada.say('By Grace');
  await grace.enter('General');
  await grace.sees('By Grace');
  assert.deepEqual(await ada.texts(), ['By Grace']);

  await ada.page.click('#me');
  await ada.page.click('#sign-out');
  await isGuest(ada);
  await ada.page.click('#to-sign-in');
  await submit(ada, ...ADA);
  await isSignedIn(ada, 'Ada');
  await grace.sees('By Ada');
  await grace.page.waitForSelector('.message:has-text("By Ada") strong:text-is("Ada")');
  await grace.enter('Members');
  assert.deepEqual(await grace.texts(), []);
});

test('a name is somebody else\'s from when they have signed up with it, and messages stay whose they were', async (t) => {
  const chat = await startChat(t);
  const bob = await visit(t, browser, chat, 'Bob');
  const namesake = await visit(t, browser, chat, 'Bob');
  const mine = ({ page }) => page.$$eval('.mine .bubble', (all) => all.map((bubble) => bubble.textContent));
  await bob.say('I am Bob');
  await namesake.sees('I am Bob');
  await bob.outboxIsEmpty();
  assert.deepEqual([await mine(bob), await mine(namesake)], [['I am Bob'], []]);

  const member = await visit(t, browser, chat, null);
  await signUp(member, ['Bob', 'correct horse']);
  await member.sees('I am Bob');
  await bob.say('Who else?');
  await bob.page.waitForSelector('#name-error:text-matches("belongs to a member")');
  await bob.screenshot('name-taken');
  await bob.page.fill('#name-field', 'Rob');
  await bob.page.keyboard.press('Enter');
  await member.sees('Who else?');
  await member.page.waitForSelector('.message:has-text("Who else?") strong:text-is("Rob")');
  await bob.outboxIsEmpty();
  assert.ok((await mine(bob)).includes('Who else?'));
  await member.say('I am');
  await namesake.sees('I am');
  await member.page.reload();
  await isSignedIn(member, 'Bob');
  await member.sees('I am');
  assert.deepEqual([await mine(member), await mine(namesake)], [['I am'], []]);
});

test('what is wrong with name or password is said in words, and nothing is lost', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, null);
  await signUp(ada, ADA);
  const other = await visit(t, browser, chat, 'Linus');
  const error = async (text) => {
    await other.page.waitForSelector(`#account-error:text-is("${text}")`);
    assert.equal(await other.page.isEnabled('#account-form [type=submit]'), true);
  };
  await other.page.click('#me');
  await other.page.click('#to-sign-in');
  await submit(other, 'Ada', 'wrong horse');
  await error('Wrong name or password');
  await other.screenshot('wrong-password');
  await submit(other, 'Nobody', 'wrong horse');
  await error('Wrong name or password');
  await submit(other, 'Ada', '');
  await error('Name and password are needed');
  await other.page.click('#account-other');
  await submit(other, 'ADA', 'some other');
  await error('Somebody has this name already');
  await submit(other, 'Linus', 'short');
  await error('The password needs 8 characters');
  await other.screenshot('sign-up');
  await other.page.click('#account-other');
  // While somebody guesses, attempts are given back, one every three seconds.
  for (let attempt = 0; attempt < 60; attempt += 1) {
    await submit(other, 'Ada', `guess ${attempt}`);
    await other.page.waitForSelector('#account-error:not(:empty)');
    if ((await other.page.textContent('#account-error')).startsWith('Too many')) break;
  }
  await error('Too many attempts, try again later');
  await other.page.keyboard.press('Escape');
  await other.page.keyboard.press('Escape');
  await other.say('Still a guest');
  await ada.sees('Still a guest');
});

test('a token that the server takes no more signs out, and says so', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, null);
  await signUp(ada, ADA);
  await ada.page.evaluate(() => {
    const [head, claims] = JSON.parse(localStorage.getItem('wingbeat.token')).split('.');
    localStorage.setItem('wingbeat.token', JSON.stringify(`${head}.${claims}.${'A'.repeat(43)}`));
  });
  await ada.page.reload();
  await ada.page.waitForSelector('.notice:has-text("You have been signed out")');
  await ada.page.waitForSelector('#name-dialog[open]');
  await isGuest(ada);
  assert.equal(await holds(ada, 'eyJ'), false);
});

test('signing up, in and out takes the keyboard alone, on a small dark screen', async (t) => {
  const chat = await startChat(t);
  const ada = await visit(t, browser, chat, null, { viewport: { width: 360, height: 700 }, colorScheme: 'dark' });
  const { page } = ada;
  const { keyboard } = page;
  const focus = () => page.evaluate(() => document.activeElement.id);
  const tabTo = async (wanted) => {
    for (let steps = 0; (await focus()) !== wanted; steps += 1) {
      assert.ok(steps < 20, `${wanted} not reached`);
      await keyboard.press('Tab');
    }
  };
  await page.waitForSelector('#name-dialog[open]');
  await tabTo('to-sign-up');
  await ada.screenshot('phone-name');
  await keyboard.press('Enter');
  await page.waitForSelector('#account-name:focus');
  await ada.screenshot('phone-sign-up');
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360));
  for (const id of ['account-name', 'account-password']) {
    assert.ok(await page.locator(`label[for=${id}]:visible`).count(), `${id} has no label`);
  }
  await keyboard.press('Escape');
  await page.waitForSelector('#account-dialog', { state: 'hidden' });
  assert.equal(await page.isVisible('#name-dialog'), true);
  await tabTo('to-sign-up');
  await keyboard.press('Enter');
  await keyboard.type('Ada');
  await keyboard.press('Tab');
  await keyboard.type('correct horse');
  await keyboard.press('Enter');
  await isSignedIn(ada, 'Ada');
  assert.equal(await focus(), 'text');
  await page.click('#menu');
  await page.waitForFunction(() => document.getElementById('sidebar').getBoundingClientRect().left === 0);
  await ada.screenshot('phone-member');
  await tabTo('me');
  await keyboard.press('Enter');
  await page.waitForSelector('#me-dialog[open]');
  await tabTo('sign-out');
  await keyboard.press('Enter');
  await isGuest(ada);
  await page.waitForSelector('#name-dialog[open]');
});
