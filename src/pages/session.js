// session.js: our half of the conversation (chinwag.v1). Owns who we are and what each message means; it
// knows nothing of the document: what is to be seen, it says to `view`.

import { draft, keep } from './memory.js';
import { Outbox } from './outbox.js';

const MOST_BYTES = 60000; // a server closes at 64 KiB; say so before it does
const PATIENCE = 1500; // milliseconds after "too-fast"
const GIVEN_BACK = ['too-long', 'no-such-user', 'no-name', 'missing-field'];

export class Session {
	#connection;
	#view;
	#outbox = new Outbox();
	#users = [];
	#names = new Map(); // by id, of those who were heard of since they came
	#fresh; // a name that is new in the latest list
	#gone; // the one that it may stand for
	#id;
	#timer; // while too fast

	name; // as the server gave it; undefined until then
	wanted = draft.get('name') ?? keep.get('name'); // as we asked for it

	constructor(connection, view) {
		this.#connection = connection;
		this.#view = view;
		connection.watch((report) => this.#hear(report));
		view.pending(this.#outbox.entries);
	}

	signIn(name) {
		this.wanted = name;
		keep.set('name', name);
		draft.set('name', name);
		this.#send({ type: 'username', name });
	}

	/** Sends a message, now or later. False: it is too long for any server. */
	say(text, target) {
		if (new Blob([JSON.stringify(text)]).size > MOST_BYTES) return false;
		this.#outbox.add(text, target);
		this.#flush();
		return true;
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
			case 'handshake': return this.#view.handshake(message);
			case 'error': return this.#refused(message);
		}
	}

	#welcomed({ id }) {
		this.#id = id;
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
		const mine = message.id === this.#id;
		this.#names.set(message.id, message.name);
		if (mine) this.#outbox.done(message.nonce);
		this.#view.message(message, mine);
		if (mine) this.#flush();
	}

	#refused({ reason, about }) {
		if (reason === 'too-fast') return (this.#timer ??= setTimeout(() => this.#again(), PATIENCE));
		this.#view.refused(reason, about, GIVEN_BACK.includes(reason) && this.#outbox.done());
		this.#flush();
	}

	#again() {
		this.#timer = clearTimeout(this.#timer);
		this.#outbox.again();
		this.#flush();
	}

	#lost(code) {
		if (code === 1009) this.#view.refused('too-long', code, this.#outbox.done());
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
