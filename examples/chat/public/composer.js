// The box one writes in: Enter sends, Shift+Enter makes a new line, each room keeps its own draft.

const LONGEST = 2000;

export class Composer {
  #form = document.getElementById('composer');
  #text = document.getElementById('text');
  #letters = document.getElementById('letters');
  #drafts = new Map();
  #room = null;
  #actions;

  /** `actions`: `send(text)`, `typed()`, `tooLong(longest)`. */
  constructor(actions) {
    this.#actions = actions;
    this.#text.addEventListener('input', () => {
      this.#fit();
      if (this.#text.value.trim()) actions.typed();
    });
    this.#text.addEventListener('keydown', (event) => {
      // While an input method composes, Enter picks a word. In Safari that is over by then, and only the code 229 tells.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
      this.focus();
    });
    // On the way to the send button the focus, and with it a phone's keyboard, stays.
    this.#form.addEventListener('pointerdown', (event) => {
      if (event.target !== this.#text) event.preventDefault();
    });
  }

  focus() {
    this.#text.focus();
  }

  open(room) {
    // What was written before there was a room is for the first one.
    this.#drafts.set(this.#room ?? room.id, this.#text.value);
    this.#room = room.id;
    this.#text.value = this.#drafts.get(room.id) ?? '';
    this.#text.placeholder = `Message ${room.name}`;
    this.#fit();
  }

  #submit() {
    const text = this.#text.value.trim();
    if (!text || this.#room === null) return;
    if ([...text].length > LONGEST) {
      this.#actions.tooLong(LONGEST);
      return;
    }
    this.#text.value = '';
    this.#fit();
    this.#actions.send(text);
  }

  #fit() {
    this.#text.style.height = 'auto';
    this.#text.style.height = `${this.#text.scrollHeight}px`;
    const left = LONGEST - [...this.#text.value.trim()].length;
    this.#letters.textContent = left > 200 ? '' : String(left);
    this.#letters.classList.toggle('over', left < 0);
    this.#form.classList.toggle('empty', this.#text.value.trim() === '');
  }
}
