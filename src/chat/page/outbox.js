// outbox.js: what was typed and is not yet heard back, oldest first. The first goes when the server sends it round
// or refuses it; only then the next is sent. On a new connection it is sent again: by its nonce the server knows
// whether it has it.

import { draft } from './memory.js';

const MOST_OWN = 300; // more than the history that a server tells again

export class Outbox {
	entries = draft.get('outbox', []);
	underway; // the nonce of the one sent on this connection
	#own = draft.get('own', []); // nonces, those of entries that are gone too

	add(text, target) {
		const nonce = randomWord();
		this.entries.push({ nonce, text, target });
		this.#own = [...this.#own, nonce].slice(-MOST_OWN);
		this.#save();
	}

	isOwn(nonce) {
		return this.#own.includes(nonce);
	}

	/** The entry to be sent now, if there is one. */
	next() {
		if (this.underway || !this.entries.length) return undefined;
		this.underway = this.entries[0].nonce;
		return this.entries[0];
	}

	/** Takes out the entry with that nonce, if it is here. */
	done(nonce) {
		const at = this.entries.findIndex((entry) => entry.nonce === nonce);
		if (at < 0) return undefined;
		if (nonce === this.underway) this.underway = undefined;
		const [entry] = this.entries.splice(at, 1);
		this.#save();
		return entry;
	}

	#save() {
		draft.set('outbox', this.entries);
		draft.set('own', this.#own);
	}
}

// Not randomUUID, which browsers have on https and localhost only.
function randomWord() {
	return crypto.getRandomValues(new Uint32Array(3)).join('-');
}
