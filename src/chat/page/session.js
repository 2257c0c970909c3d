// session.js: our half of the conversation (chinwag.v1): who we are, and what each message means. It knows nothing of
// the document: what is to be seen, it says to `view`.

import { keep, tab } from './memory.js';
import { Outbox } from './outbox.js';

const LONGEST = 20000; // characters: in UTF-8 below 64 KiB, where a server ends the connection
const PATIENCE = 1500; // milliseconds after "too-fast"
const MOST_NONCES = 5000; // remembered

export class Session {
	#connection;
	#view;
	#outbox = new Outbox();
	#users = [];
	#names = new Map(); // by id, of those who were heard of since they came
	#fresh; // a name that is new in the latest list
	#gone; // the one that it may stand for
	#id;
	#log; // which numbering of the room's messages (PROTOCOL.md)
	#joinedAt; // the number of the last one when we came: up to here, it is history
	#last = 0; // the number of the last one shown
	#nonces = new Set(); // of those shown lately
	#timer; // while too fast

	name; // as the server gave it; undefined until then
	wanted = tab.get('name') ?? keep.get('name'); // as we asked for it

	constructor(connection, view) {
		this.#connection = connection;
		this.#view = view;
		connection.watch((report) => this.#hear(report));
		view.pending(this.#outbox.entries);
	}

	signIn(name) {
		this.wanted = name;
		keep.set('name', name);
		tab.set('name', name);
		this.#send({ type: 'username', name });
	}

	/** What a new connection has to ask for, to get what was missed. */
	get resume() {
		return this.#log && { since: this.#last || this.#joinedAt, log: this.#log };
	}

	say(text, target) {
		if (text.length > LONGEST) return this.#view.refused('too-long', text.length, { text, target });
		this.#outbox.add(text, target);
		this.#flush();
	}

	/** Asks for the handshake as the server saw it: view.handshake gets it. */
	inspect() {
		this.#send({ type: 'inspect' });
	}

	#hear({ what, data, code }) {
		if (what === 'in' && typeof data === 'string') this.#obey(JSON.parse(data));
		if (what === 'close') this.#lost(code);
	}

	#obey(message) {
		switch (message.type) {
			case 'id': return this.#welcomed(message);
			case 'username': return this.#named(message);
			case 'rejectusername': return this.#view.rejected(this.wanted, message.name);
			case 'userlist': return this.#listed(message.users);
			case 'message': return this.#heard(message);
			case 'gap': return this.#view.gap(message.missed);
			case 'handshake': return this.#view.handshake(message);
			case 'error': return this.#refused(message);
		}
	}

	#welcomed({ id, seq, log }) {
		if (log !== this.#log) this.#last = 0; // the numbers began anew
		this.#id = id;
		this.#log = log;
		this.#joinedAt = seq;
		if (this.wanted) this.signIn(this.wanted);
	}

	#named({ id, name, date }) {
		const mine = id === this.#id;
		const before = this.#names.get(id) ?? (name === this.#fresh ? this.#gone : undefined);
		if (mine) this.name = name;
		this.#names.set(id, name);
		this.#users = without(this.#users, [before, name]).concat(name);
		this.#view.named({ name, before, date, mine });
		if (mine) this.#flush();
	}

	// A list comes just before the message that says whose its new name is, or later. A new name for one that is
	// gone: that may be one person, of whom no message came yet.
	#listed(users) {
		const gone = without(this.#users, users);
		[this.#fresh] = without(users, this.#users);
		this.#gone = this.#fresh && gone.pop();
		this.#users = users;
		for (const [id, name] of this.#names) if (gone.includes(name)) this.#names.delete(id);
		this.#view.users(users);
		for (const name of gone) this.#view.left(name);
	}

	#heard(message) {
		const { id, name, nonce, seq } = message;
		const live = !(seq <= this.#joinedAt); // in history, ids are those of connections that were
		const mine = this.#outbox.isOwn(nonce) || (live && id === this.#id);
		if (live) this.#names.set(id, name);
		if (this.#isNew(seq, nonce)) this.#view.message(message, mine, live);
		if (this.#outbox.done(nonce)) this.#flush();
	}

	// By its nonce we know what was said again to a server that had lost its history.
	#isNew(seq, nonce) {
		const known = seq <= this.#last || this.#nonces.has(nonce);
		if (seq > this.#last) this.#last = seq;
		if (nonce) this.#nonces.add(nonce);
		if (this.#nonces.size > MOST_NONCES) this.#nonces.clear();
		return !known;
	}

	#refused({ reason, about, nonce }) {
		if (reason === 'too-fast') return (this.#timer ??= setTimeout(() => this.#again(), PATIENCE));
		this.#view.refused(reason, about, this.#outbox.done(nonce));
		this.#flush();
	}

	#again() {
		this.#timer = clearTimeout(this.#timer);
		this.#outbox.underway = undefined;
		this.#flush();
	}

	#lost(code) {
		if (code === 1009) this.#view.refused('too-long', code, this.#outbox.done(this.#outbox.underway));
		this.name = undefined;
		this.#users = [];
		this.#names.clear();
		this.#again();
	}

	#flush() {
		const entry = this.name && this.#outbox.next();
		if (entry) this.#send({ type: 'message', ...entry });
		this.#view.pending(this.#outbox.entries, this.name);
	}

	#send(message) {
		this.#connection.send(JSON.stringify(message)); // JSON leaves out what is undefined
	}
}

function without(names, others) {
	const out = new Set(others);
	return names.filter((name) => !out.has(name));
}
