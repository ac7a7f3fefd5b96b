// The dialog that asks for a name: without one at first, to change it later.

import { paintAvatar } from './message.js';

const dialog = document.getElementById('name-dialog');
const form = document.getElementById('name-form');
const field = document.getElementById('name-field');
const error = document.getElementById('name-error');
const cancel = document.getElementById('name-cancel');
const submit = form.querySelector('[type=submit]');

let isNeeded = false;

/** `accept(name)` may refuse by throwing; the dialog then stays and says why. */
export function setUpNameDialog(accept, closed) {
  // Of two refused `cancel`s in a row browsers ignore the second, so the key itself has to be stopped; `close` is for
  // whatever else closes a dialog (a phone's back gesture).
  dialog.addEventListener('keydown', (event) => isNeeded && event.key === 'Escape' && event.preventDefault());
  dialog.addEventListener('cancel', (event) => isNeeded && event.preventDefault());
  dialog.addEventListener('close', () => (isNeeded ? dialog.showModal() : closed()));
  cancel.addEventListener('click', () => dialog.close());
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const name = field.value.trim().replace(/\s+/g, ' ');
    if (!name) return;
    submit.disabled = true;
    try {
      await accept(name);
      isNeeded = false;
      dialog.close();
    } catch (refusal) {
      error.textContent = refusal.message;
      field.focus();
    } finally {
      submit.disabled = false;
    }
  });
}

export function askForName(current, refusal = '') {
  isNeeded = !current || refusal !== '';
  cancel.hidden = isNeeded;
  submit.textContent = current ? 'Keep this name' : 'Go to the chat';
  error.textContent = refusal;
  // Every new connection of somebody without a name asks; what they are writing meanwhile stays.
  if (dialog.open) return;
  field.value = current;
  dialog.showModal();
  field.select();
}

/** Somebody has signed in instead. */
export function nameIsNotNeeded() {
  isNeeded = false;
  if (dialog.open) dialog.close();
}

export function showName(name, isMember) {
  document.getElementById('my-name').textContent = name;
  document.getElementById('my-state').textContent = isMember ? 'Signed in' : 'Guest: change name, sign in';
  paintAvatar(document.getElementById('my-avatar'), name);
}
