// The dialogs of an account: signing in, signing up, signing out.

const byId = (id) => document.getElementById(id);
const dialog = byId('account-dialog');
const form = byId('account-form');
const name = byId('account-name');
const password = byId('account-password');
const error = byId('account-error');
const submit = form.querySelector('[type=submit]');
const mine = byId('me-dialog');

const SHORTEST = 8;
const WORDS = {
  in: {
    title: 'Sign in', text: 'Members keep their name, and have a room of their own.', submit: 'Sign in',
    question: 'New here?', other: 'Create an account', autocomplete: 'current-password',
  },
  up: {
    title: 'Create an account', text: `Your name will be yours alone. The password needs ${SHORTEST} characters.`,
    submit: 'Create account', question: 'Have an account?', other: 'Sign in', autocomplete: 'new-password',
  },
};

let mode = 'in';

/**
 * `signIn(name, password)`, `signUp(name, password)` and `signOut()` may refuse by throwing; the dialog then stays and
 * says why. `done()` is told when somebody is signed in.
 */
export function setUpAccount({ signIn, signUp, signOut, done }) {
  byId('account-other').addEventListener('click', () => {
    show(mode === 'in' ? 'up' : 'in');
    (name.value ? password : name).focus();
  });
  byId('account-cancel').addEventListener('click', () => dialog.close());
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const who = name.value.trim().replace(/\s+/g, ' ');
    if (!who || !password.value) return refuse('Name and password are needed', who ? password : name);
    if (mode === 'up' && [...password.value].length < SHORTEST) return refuse(`The password needs ${SHORTEST} characters`, password);
    error.textContent = '';
    submit.disabled = true;
    try {
      if (mode === 'up') {
        await signUp(who, password.value);
        // Whatever happens from here on, the account exists.
        show('in');
      }
      await signIn(who, password.value);
      password.value = '';
      dialog.close();
      done();
    } catch (refusal) {
      refuse(refusal.message, refusal.code === 409 ? name : password);
    } finally {
      submit.disabled = false;
    }
  });
  byId('me-close').addEventListener('click', () => mine.close());
  byId('sign-out').addEventListener('click', async () => {
    mine.close();
    await signOut();
  });
}

function refuse(text, field) {
  error.textContent = text;
  field.select();
}

function show(next) {
  mode = next;
  const words = WORDS[mode];
  byId('account-title').textContent = words.title;
  byId('account-text').textContent = words.text;
  byId('account-question').textContent = words.question;
  byId('account-other').textContent = words.other;
  submit.textContent = words.submit;
  password.autocomplete = words.autocomplete;
  error.textContent = '';
}

/** `way` is `in` or `up`. */
export function askToSignIn(way, suggested = '', refusal = '') {
  show(way);
  name.value = suggested;
  password.value = '';
  error.textContent = refusal;
  if (!dialog.open) dialog.showModal();
  (suggested ? password : name).focus();
}

export function showAccount(of) {
  byId('me-name').textContent = of;
  mine.showModal();
}
