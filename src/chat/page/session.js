// The client's side of chinwag.v1. It does not touch the document: what is to be shown goes to `view`.

import { keep, tab } from './storage.js';
import { Outbox } from './outbox.js';

const MAX_LENGTH = 20000; // characters: less than 64 KiB of UTF-8, where a server closes the connection
const RETRY_DELAY = 1500; // milliseconds after "too-fast"
const MAX_NONCES = 5000;

export class Session {
	#connection;
	#view;
	#outbox = new Outbox();
	#users = [];
	#names = new Map(); // the names of connections, by id, as far as messages told them
	#addedName; // a name that is new in the latest list
	#removedName; // the name that it may replace
	#id;
	#log; // the name of the room's numbering (PROTOCOL.md)
	#joinedAt; // the last number when this page joined: up to here, messages are history
	#last = 0; // the last number shown
	#nonces = new Set(); // of messages shown lately
	#timer; // runs after "too-fast"

	name; // as the server gave it; undefined before that
	wanted = tab.get('name') ?? keep.get('name'); // as the user asked for it

	constructor(connection, view) {
		this.#connection = connection;
		this.#view = view;
		connection.listen((report) => this.#receive(report));
		view.pending(this.#outbox.entries);
	}

	signIn(name) {
		this.wanted = name;
		keep.set('name', name);
		tab.set('name', name);
		this.#send({ type: 'username', name });
	}

	/** The query with which a new connection gets missed messages. */
	get resume() {
		return this.#log && { since: this.#last || this.#joinedAt, log: this.#log };
	}

	submit(text, target) {
		if (text.length > MAX_LENGTH) return this.#view.rejectedMessage('too-long', text.length, { text, target });
		this.#outbox.add(text, target);
		this.#flush();
	}

	/** Asks the server for the handshake. The response goes to view.handshake. */
	inspect() {
		this.#send({ type: 'inspect' });
	}

	#receive({ what, data, code }) {
		if (what === 'in' && typeof data === 'string') this.#handle(JSON.parse(data));
		if (what === 'close') this.#onClose(code);
	}

	#handle(message) {
		switch (message.type) {
			case 'id': return this.#onId(message);
			case 'username': return this.#onName(message);
			case 'rejectusername': return this.#view.rejectedName(this.wanted, message.name);
			case 'userlist': return this.#onList(message.users);
			case 'message': return this.#onMessage(message);
			case 'gap': return this.#view.gap(message.missed);
			case 'handshake': return this.#view.handshake(message);
			case 'error': return this.#onError(message);
		}
	}

	#onId({ id, seq, log }) {
		if (log !== this.#log) this.#last = 0; // a new numbering
		this.#id = id;
		this.#log = log;
		this.#joinedAt = seq;
		if (this.wanted) this.signIn(this.wanted);
	}

	#onName({ id, name, date }) {
		const mine = id === this.#id;
		const before = this.#names.get(id) ?? (name === this.#addedName ? this.#removedName : undefined);
		if (mine) this.name = name;
		this.#names.set(id, name);
		this.#users = without(this.#users, [before, name]).concat(name);
		this.#view.named({ name, before, date, mine });
		if (mine) this.#flush();
	}

	// If one name is new and another one is gone, that may be one person; the list comes before the new name's message.
	#onList(users) {
		const gone = without(this.#users, users);
		[this.#addedName] = without(users, this.#users);
		this.#removedName = this.#addedName && gone.pop();
		this.#users = users;
		for (const [id, name] of this.#names) if (gone.includes(name)) this.#names.delete(id);
		this.#view.users(users);
		for (const name of gone) this.#view.left(name);
	}

	#onMessage(message) {
		const { id, name, nonce, seq } = message;
		const live = !(seq <= this.#joinedAt); // ids in history belong to former connections
		const mine = this.#outbox.isOwn(nonce) || (live && id === this.#id);
		if (live) this.#names.set(id, name);
		if (this.#isNew(seq, nonce)) this.#view.message(message, mine, live);
		if (this.#outbox.remove(nonce)) this.#flush();
	}

	// A message that was resent to a server that lost its history has a new number and the same nonce.
	#isNew(seq, nonce) {
		const known = seq <= this.#last || this.#nonces.has(nonce);
		if (seq > this.#last) this.#last = seq;
		if (nonce) this.#nonces.add(nonce);
		if (this.#nonces.size > MAX_NONCES) this.#nonces.clear();
		return !known;
	}

	#onError({ reason, about, nonce }) {
		if (reason === 'too-fast') return (this.#timer ??= setTimeout(() => this.#retry(), RETRY_DELAY));
		this.#view.rejectedMessage(reason, about, this.#outbox.remove(nonce));
		this.#flush();
	}

	#retry() {
		this.#timer = clearTimeout(this.#timer);
		this.#outbox.inFlight = undefined;
		this.#flush();
	}

	#onClose(code) {
		if (code === 1009) this.#view.rejectedMessage('too-long', code, this.#outbox.remove(this.#outbox.inFlight));
		this.name = undefined;
		this.#users = [];
		this.#names.clear();
		this.#retry();
	}

	#flush() {
		const entry = this.name && this.#outbox.next();
		if (entry) this.#send({ type: 'message', ...entry });
		this.#view.pending(this.#outbox.entries, this.name);
	}

	#send(message) {
		this.#connection.send(JSON.stringify(message)); // undefined fields are left out
	}
}

function without(names, others) {
	const excluded = new Set(others);
	return names.filter((name) => !excluded.has(name));
}
