// session.js: our half of the conversation (protocol: chinwag.v1). Owns who we are and what each message
// means; it knows nothing of the document: what is to be seen, it says to `view`.

import { draft, keep } from './memory.js';
import { Outbox } from './outbox.js';

const MOST_BYTES = 60000; // a server closes at 64 KiB; say so before it does
const OURS = ['too-long', 'too-fast', 'no-such-user', 'no-name']; // refusals of what the text box sends

export class Session {
  #connection;
  #view;
  #outbox = new Outbox();
  #names = new Map(); // connection id → name, to tell a new name from a new person
  #id;
  #users;
  #inspecting = false;

  name; // as the server gave it; undefined until then
  wanted = draft.get('name') ?? keep.get('name'); // as we asked for it

  constructor(connection, view) {
    this.#connection = connection;
    this.#view = view;
    connection.watch((report) => this.#hear(report));
    this.#show();
  }

  signIn(name) {
    this.wanted = name;
    keep.set('name', name);
    draft.set('name', name);
    this.#send({ type: 'username', name });
  }

  /** Sends a message, or keeps it until it can be sent. False: it is too long for any server. */
  say(text, target) {
    if (new Blob([JSON.stringify(text)]).size > MOST_BYTES) return false;
    this.#outbox.add(text, target);
    this.#flush();
    return true;
  }

  /** Asks for the handshake as the server saw it: view.handshake gets it, or nothing where there is none. */
  inspect() {
    if (!this.#connection.isOpen) return;
    this.#inspecting = true;
    this.#send({ type: 'inspect' });
  }

  #hear({ what, data, code }) {
    if (what === 'in' && typeof data === 'string') this.#obey(JSON.parse(data));
    if (what === 'close') this.#lost(code);
  }

  #obey(message) {
    switch (message.type) {
      case 'id':
        this.#id = message.id;
        if (this.wanted) this.#send({ type: 'username', name: this.wanted });
        break;
      case 'username':
        this.#named(message);
        break;
      case 'rejectusername':
        this.#view.rejected(this.wanted, message.name);
        break;
      case 'userlist':
        this.#view.users(message.users, this.#leavers(message.users), this.name);
        break;
      case 'message':
        this.#heard(message);
        break;
      case 'handshake':
        this.#inspecting = false;
        this.#view.handshake(message);
        break;
      case 'error':
        this.#refused(message);
        break;
    }
  }

  #named({ id, name, date }) {
    const before = this.#names.get(id);
    this.#names.set(id, name);
    const mine = id === this.#id;
    if (mine) this.name = name;
    this.#view.named({ name, before, date, mine });
    if (mine) this.#flush();
  }

  #heard(message) {
    const mine = message.id === this.#id;
    this.#names.set(message.id, message.name);
    if (mine) this.#outbox.confirm(message);
    this.#view.message(message, mine);
    if (mine) this.#show();
  }

  #refused({ reason, about }) {
    if (this.#inspecting && reason === 'unknown-type') {
      this.#inspecting = false;
      this.#view.handshake();
      return;
    }
    const entry = OURS.includes(reason) ? this.#outbox.refuse() : undefined;
    this.#view.refused(reason, about, entry);
    this.#show();
  }

  #lost(code) {
    this.name = undefined;
    this.#users = undefined;
    this.#names.clear();
    if (code === 1009) this.#view.refused('too-long', '', this.#outbox.refuse());
    this.#outbox.lost();
    this.#show();
  }

  /** Who is in the list of before and not in this one. */
  #leavers(users) {
    const now = new Set(users);
    const left = (this.#users ?? []).filter((name) => !now.has(name));
    this.#users = users;
    return left;
  }

  #flush() {
    for (const entry of this.#outbox.entries) {
      if (!this.name || !this.#connection.isOpen || entry.sent) continue;
      entry.sent = true;
      this.#send({ type: 'message', text: entry.text, target: entry.target, nonce: entry.nonce });
    }
    this.#show();
  }

  #show() {
    this.#view.pending(this.#outbox.entries);
  }

  #send(message) {
    this.#connection.send(JSON.stringify(message)); // JSON leaves out what is undefined
  }
}
