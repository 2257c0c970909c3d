// session.js: our half of the conversation (protocol: chinwag.v1). Owns who we are and what each message
// means; it knows nothing of the document: what is to be seen, it says to `view`.

import { draft, keep } from './memory.js';
import { Outbox } from './outbox.js';

const MOST_BYTES = 60000; // a server closes at 64 KiB; say so before it does
const PATIENCE = 1500; // milliseconds after "too-fast"
const MOMENT = 300; // milliseconds in which a name that went may come back as another
const GIVEN_BACK = ['too-long', 'no-such-user', 'no-name', 'missing-field'];

export class Session {
	#connection;
	#view;
	#outbox = new Outbox();
	#names = new Map(); // connection id → name, to tell a new name from a new person
	#users = [];
	#gone = new Set(); // out of the list, but perhaps only renamed
	#id;
	#inspecting;

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

	/** Sends a message, or keeps it until it can be sent. False: it is too long for any server. */
	say(text, target) {
		if (new Blob([JSON.stringify(text)]).size > MOST_BYTES) return false;
		this.#outbox.add(text, target);
		this.#flush();
		return true;
	}

	/** Asks for the handshake as the server saw it: view.handshake gets it, or nothing where it does not say. */
	inspect() {
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
				if (this.wanted) this.signIn(this.wanted);
				break;
			case 'username':
				this.#named(message);
				break;
			case 'rejectusername':
				this.#view.rejected(this.wanted, message.name);
				break;
			case 'userlist':
				this.#listed(message.users);
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
		const mine = id === this.#id;
		this.#names.set(id, name);
		this.#gone.delete(before);
		if (mine) this.name = name;
		this.#view.named({ name, before, date, mine });
		if (mine) this.#flush();
	}

	#listed(users) {
		const now = new Set(users);
		for (const name of this.#users) if (!now.has(name)) this.#gone.add(name);
		this.#users = users;
		this.#view.users(users);
		setTimeout(() => this.#sayGone(), MOMENT);
	}

	#sayGone() {
		for (const name of this.#gone) this.#view.left(name);
		this.#gone.clear();
	}

	#heard(message) {
		const mine = message.id === this.#id;
		this.#names.set(message.id, message.name);
		if (mine) this.#outbox.done(message.nonce);
		this.#view.message(message, mine);
		if (mine) this.#flush();
	}

	#refused({ reason, about }) {
		if (this.#inspecting && reason === 'unknown-type') {
			this.#inspecting = false;
			return this.#view.handshake();
		}
		if (reason === 'too-fast') setTimeout(() => this.#again(), PATIENCE);
		this.#view.refused(reason, about, GIVEN_BACK.includes(reason) && this.#outbox.done());
		this.#flush();
	}

	#again() {
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
