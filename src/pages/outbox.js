// outbox.js: what was typed and is not yet heard back, oldest first. Nothing leaves it silently: the first
// goes when the server sends it round or refuses it, and only then the next is sent. After a lost connection
// it is sent again, with its nonce, by which a server can tell that it has it already.

import { draft } from './memory.js';

export class Outbox {
	entries = draft.get('outbox', []);
	#sent = false; // the first one, on this connection

	add(text, target) {
		this.entries.push({ nonce: randomWord(), text, target });
		this.#save();
	}

	/** The entry to be sent now, if there is one. */
	next() {
		if (this.#sent || !this.entries.length) return undefined;
		this.#sent = true;
		return this.entries[0];
	}

	/** Takes out the entry under way, if `nonce` (where the server gives it back) is its own. */
	done(nonce) {
		if (!this.#sent || (nonce && nonce !== this.entries[0].nonce)) return undefined;
		this.#sent = false;
		const entry = this.entries.shift();
		this.#save();
		return entry;
	}

	/** The first entry has to be sent again. */
	again() {
		this.#sent = false;
	}

	#save() {
		draft.set('outbox', this.entries);
	}
}

// Not randomUUID, which browsers have on https and localhost only.
function randomWord() {
	return crypto.getRandomValues(new Uint32Array(3)).join('-');
}
