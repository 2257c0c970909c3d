// outbox.js: what was typed and is not yet heard back. Nothing leaves it silently: an entry goes when the
// server sends the message round (confirm) or refuses it (refuse). After a lost connection all of it is sent
// again, each entry with the nonce it had, by which a server that remembers nonces drops what it already has.

import { draft } from './memory.js';

export class Outbox {
  #entries = draft.get('outbox', []).map((entry) => ({ ...entry, sent: false }));

  get entries() {
    return this.#entries;
  }

  add(text, target) {
    const entry = { nonce: randomWord(), text, target, sent: false };
    this.#entries.push(entry);
    this.#save();
    return entry;
  }

  /** The connection is gone, and with it the knowledge of what arrived. */
  lost() {
    for (const entry of this.#entries) entry.sent = false;
  }

  /** Takes out the entry that `message` is the echo of: by nonce, else by text, else the oldest one sent. */
  confirm(message) {
    const sent = this.#entries.filter((entry) => entry.sent);
    return this.#take(
      sent.find((entry) => entry.nonce === message.nonce) ??
        sent.find((entry) => entry.text === message.text && entry.target === message.target) ??
        sent[0],
    );
  }

  /** Takes out the oldest entry sent: the server answers in order. */
  refuse() {
    return this.#take(this.#entries.find((entry) => entry.sent));
  }

  #take(entry) {
    this.#entries = this.#entries.filter((other) => other !== entry);
    this.#save();
    return entry;
  }

  #save() {
    draft.set('outbox', this.#entries);
  }
}

// Not crypto.randomUUID: browsers have that on https and localhost only.
function randomWord() {
  return Array.from(crypto.getRandomValues(new Uint32Array(2)), (n) => n.toString(36)).join('');
}
