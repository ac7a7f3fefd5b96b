// The rooms and the people beside the messages, and the drawer they are in on narrow screens.

import { element, memberBadge, paintAvatar } from './message.js';

const MOST_PEOPLE = 100;
const byId = (id) => document.getElementById(id);

export class Sidebar {
  #rooms = byId('rooms');
  #items = new Map();
  #choose;
  #create;

  /** `choose(id)` and `create(name)`, which answers when the room exists. */
  constructor({ choose, create }) {
    this.#choose = choose;
    this.#create = create;
    this.#rooms.addEventListener('keydown', (event) => this.#arrows(event));
    byId('new-room').addEventListener('click', () => this.#showForm(byId('room-form').hidden));
    byId('room-form').addEventListener('submit', (event) => this.#submit(event));
    byId('room-form').addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.#showForm(false);
    });
    byId('menu').addEventListener('click', () => this.#drawer(true));
    byId('close-menu').addEventListener('click', () => this.#drawer(false));
    byId('scrim').addEventListener('click', () => this.#drawer(false));
    byId('sidebar').addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#isDrawerOpen) this.#drawer(false);
    });
    // Turned or widened, the drawer is a plain column again.
    matchMedia('(max-width: 52rem)').addEventListener('change', () => this.#drawer(false));
  }

  /** Buttons stay while their rooms do: one that is being pressed, or has the focus, must not be replaced. */
  renderRooms(rooms, current) {
    const ids = new Set(rooms.map(({ id }) => id));
    for (const [id, item] of this.#items) {
      if (ids.has(id)) continue;
      item.remove();
      this.#items.delete(id);
    }
    rooms.forEach((room, index) => {
      const item = this.#items.get(room.id) ?? this.#newRoom(room.id);
      if (this.#rooms.children[index] !== item) this.#rooms.insertBefore(item, this.#rooms.children[index] ?? null);
      const [button] = item.children;
      const [name, hint, badge] = button.children;
      const isCurrent = room.id === current;
      name.textContent = room.name;
      button.classList.toggle('members-only', room.membersOnly);
      hint.textContent = room.membersOnly ? ', for members' : '';
      // One stop for Tab; the arrows move between the rooms.
      button.tabIndex = isCurrent ? 0 : -1;
      if (isCurrent) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
      button.classList.toggle('has-unread', room.unread > 0);
      badge.hidden = room.unread === 0;
      badge.firstElementChild.textContent = room.unread > 99 ? '99+' : String(room.unread);
    });
    byId('menu-badge').hidden = !rooms.some((room) => room.unread > 0 && room.id !== current);
  }

  renderPeople(people, { name, isMember, roomId, roomName }) {
    const items = people.slice(0, MOST_PEOPLE).map((person) => {
      const avatar = paintAvatar(element('span', 'avatar'), person.name);
      avatar.setAttribute('aria-hidden', 'true');
      const item = element('li', 'person', avatar, element('span', 'person-name', person.name));
      if (person.member) item.append(memberBadge());
      if (person.name === name && person.member === isMember) item.append(element('small', '', 'you'));
      else if (person.rooms.has(roomId)) item.append(element('small', '', 'here'));
      return item;
    });
    if (people.length > MOST_PEOPLE) items.push(element('li', 'more', `and ${people.length - MOST_PEOPLE} more`));
    byId('people').replaceChildren(...items);
    byId('people-count').textContent = String(people.length);
    const here = people.filter((person) => person.rooms.has(roomId)).length;
    byId('room-members').textContent = roomName && here ? `${here} here, ${people.length} online` : '';
  }

  #newRoom(id) {
    const badge = element('span', 'badge', element('span'), element('span', 'unseen', ' unread'));
    const hint = element('span', 'unseen');
    const button = element('button', 'room', element('span', 'room-name'), hint, badge);
    button.type = 'button';
    button.addEventListener('click', () => {
      this.#drawer(false);
      this.#choose(id);
    });
    const item = element('li', '', button);
    this.#items.set(id, item);
    return item;
  }

  get #isDrawerOpen() {
    return document.body.classList.contains('menu-open');
  }

  #drawer(isOpen) {
    if (isOpen === this.#isDrawerOpen) return;
    document.body.classList.toggle('menu-open', isOpen);
    byId('menu').setAttribute('aria-expanded', String(isOpen));
    byId('main').inert = isOpen;
    if (isOpen) (this.#rooms.querySelector('[aria-current]') ?? byId('close-menu')).focus();
    else byId('menu').focus();
  }

  #arrows(event) {
    const buttons = [...this.#rooms.querySelectorAll('button')];
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || at < 0 || event.altKey) return;
    event.preventDefault();
    buttons[(to + buttons.length) % buttons.length].focus();
  }

  #showForm(isShown) {
    byId('room-form').hidden = !isShown;
    byId('new-room').setAttribute('aria-expanded', String(isShown));
    byId('room-error').textContent = '';
    byId('room-name-field').value = '';
    byId(isShown ? 'room-name-field' : 'new-room').focus();
  }

  async #submit(event) {
    event.preventDefault();
    const name = byId('room-name-field').value.trim();
    if (!name) return;
    try {
      const room = await this.#create(name);
      this.#showForm(false);
      this.#drawer(false);
      this.#choose(room.id);
    } catch (error) {
      byId('room-error').textContent = error.message;
    }
  }
}
