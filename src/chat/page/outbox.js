// Unconfirmed messages, the oldest first. One is sent at a time, and again on a new connection: the server knows its nonce.

import { draft, isEntry, isListOf, isText } from './storage.js';

const MAX_OWN = 1000; // more than the history that a server sends again
const NO_NUMBERS = { log: undefined, numbers: [] };

export class Outbox {
	entries = draft.get('outbox', isListOf((entry) => isEntry(entry) && isText(entry.nonce)), []);
	inFlight; // the nonce of the entry sent on this connection
	#own = draft.get('own', (own) => Array.isArray(own?.numbers), NO_NUMBERS); // the numbers of delivered entries, in the numbering `log`

	/** `target` is { name, id } for a private message. */
	add(text, target) {
		const nonce = randomNonce();
		this.entries.push({ nonce, text, target });
		draft.set('outbox', this.entries);
	}

	/** Whether the message with this number came from here. History does not say it: it has no nonces. */
	isOwn(log, seq) {
		return this.#own.log === log && this.#own.numbers.includes(seq);
	}

	/** The entry was delivered and has this number. */
	own(log, seq) {
		const numbers = this.#own.log === log ? this.#own.numbers : [];
		this.#own = { log, numbers: [...numbers, seq].slice(-MAX_OWN) };
		draft.set('own', this.#own);
	}

	/** Replaces the targets of private messages. */
	retarget(change) {
		for (const entry of this.entries) entry.target &&= change(entry.target);
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
		draft.set('outbox', this.entries);
		return entry;
	}
}

// randomUUID exists on https and localhost only.
function randomNonce() {
	return crypto.getRandomValues(new Uint32Array(3)).join('-');
}
