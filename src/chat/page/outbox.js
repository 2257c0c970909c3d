// Unconfirmed messages, the oldest first. One is sent at a time, and again on a new connection: the server knows its nonce.

import { draft } from './storage.js';

const MAX_OWN = 1000; // more than the history that a server sends again

export class Outbox {
	entries = draft.get('outbox', []);
	inFlight; // the nonce of the entry sent on this connection
	#own = draft.get('own', []); // nonces, also of delivered entries

	/** `target` is { name, id } for a private message. */
	add(text, target) {
		const nonce = randomNonce();
		this.entries.push({ nonce, text, target });
		this.#own = [...this.#own, nonce].slice(-MAX_OWN);
		this.#save();
	}

	isOwn(nonce) {
		return this.#own.includes(nonce);
	}

	/** The entry to send now, if any. */
	next() {
		if (this.inFlight || !this.entries.length) return undefined;
		this.inFlight = this.entries[0].nonce;
		return this.entries[0];
	}

	/** Removes and returns the entry with that nonce, if any. */
	remove(nonce) {
		const at = this.entries.findIndex((entry) => entry.nonce === nonce);
		if (at < 0) return undefined;
		if (nonce === this.inFlight) this.inFlight = undefined;
		const [entry] = this.entries.splice(at, 1);
		this.#save();
		return entry;
	}

	#save() {
		draft.set('outbox', this.entries);
		draft.set('own', this.#own);
	}
}

// randomUUID exists on https and localhost only.
function randomNonce() {
	return crypto.getRandomValues(new Uint32Array(3)).join('-');
}
