// The client's side of chinwag.v1. It does not touch the document: what is to be shown goes to `view`.

import { Members } from './members.js';
import { Outbox } from './outbox.js';
import { draft, isText, keep, tab } from './storage.js';

const MAX_LENGTH = 20000; // characters: less than 64 KiB of UTF-8, where a server closes the connection
const RETRY_DELAY = 1500; // milliseconds after "too-fast"
const BLAME_DELAY = 3000; // without pings: how long a message may still be confirmed after an error
const MAX_NONCES = 5000;
const REFUSED_WITH = [1003, 1007, 1009]; // Close codes that mean: your last message
const PING = '{"type":"ping"}';

export class Session {
	#connection;
	#view;
	#outbox = new Outbox();
	#members = new Members();
	#id;
	#former = []; // the numbers of this page's earlier connections
	#secret = draft.get('secret', isText); // proves to the server that a lost connection was this one
	#resume; // the secret of the connection before, until the name is back
	#isGreeted = false; // whether this connection has its number
	#pings = false; // whether the server answers pings
	#blamed; // an error without a nonce, which may be about the message in flight
	#log; // the name of the room's numbering (PROTOCOL.md)
	#joinedAt; // the last number when this page joined: up to here, messages are history
	#last = 0; // the last number shown
	#nonces = new Set(); // of messages shown lately
	#timer; // runs after "too-fast"

	name; // as the server gave it; undefined before that
	wanted = tab.get('name', isText) ?? keep.get('name', isText); // as the user asked for it

	constructor(connection, view) {
		this.#connection = connection;
		this.#view = view;
		connection.listen((report) => this.#receive(report));
		view.pending(this.#outbox.entries);
		// A tab that is duplicated copies the storage. So the secret is there only while no page uses it.
		draft.set('secret', null);
		addEventListener('pagehide', () => draft.set('secret', this.#secret));
		addEventListener('pageshow', () => draft.set('secret', null));
	}

	signIn(name) {
		this.wanted = name;
		keep.set('name', name);
		tab.set('name', name);
		this.#ask({ type: 'username', name, resume: this.#resume });
	}

	/** The query with which a new connection gets missed messages. */
	get resume() {
		return this.#log && { since: this.#last || this.#joinedAt, log: this.#log };
	}

	isOwn = ({ seq, id }) => this.#outbox.isOwn(this.#log, seq) || this.#former.includes(id);

	/** The log's name, for a connection that fetches older messages. */
	get log() {
		return this.#log;
	}

	/** A person as the target of private messages. */
	person(name) {
		return { name, id: this.#members.idOf(name) };
	}

	submit(text, target) {
		if (text.length > MAX_LENGTH) return this.#view.rejectedMessage('too-long', '', { text, target });
		this.#outbox.add(text, target);
		this.#flush();
	}

	/** Sends a command of an operator. A notice or an error answers. */
	operate(command) {
		this.#connection.send(JSON.stringify({ type: 'admin', command }));
	}

	/** Asks the server for the handshake. The inspector reads the response. */
	inspect() {
		this.#ask({ type: 'inspect' });
	}

	#receive({ what, data, code }) {
		if (what === 'in' && typeof data === 'string') this.#handle(JSON.parse(data));
		if (what === 'quiet' && this.#pings) this.#connection.ask(PING);
		if (what === 'close' || what === 'abandoned') this.#onClose(code);
	}

	#handle(message) {
		switch (message.type) {
			case 'id': return this.#onId(message);
			case 'username': return this.#onName(message);
			case 'rejectusername': return this.#onOtherName(message);
			case 'userlist': return this.#onList(message);
			case 'message': return this.#onMessage(message);
			case 'deleted': return message.seq.forEach((seq) => this.#onDeleted(seq));
			case 'notice': return this.#view.notice(message.text);
			case 'gap': return this.#view.gap(message.missed);
			case 'pong': return this.#onPong();
			case 'handshake': return this.#connection.answered();
			case 'error': return this.#onError(message);
		}
	}

	#onId({ id, seq, log, resume }) {
		if (log !== this.#log) this.#last = 0; // a new numbering
		const isNew = !this.#isGreeted; // not only a new numbering
		this.#isGreeted = true;
		if (isNew && id <= this.#id) {
			this.#former = []; // numbers of connections began again
			this.#outbox.retarget(({ name }) => ({ name }));
			this.#view.restarted();
		}
		if (isNew) {
			this.#former.push(id);
			this.#resume = this.#secret;
			this.#secret = resume;
		}
		this.#id = id;
		this.#log = log;
		this.#joinedAt = seq;
		if (isNew && this.wanted) this.signIn(this.wanted);
		if (isNew) this.#connection.send(PING); // learns whether the server answers it
	}

	#onName({ id, name, date, was }) {
		const mine = id === this.#id;
		const before = this.#members.rename(id, name, was);
		this.#outbox.retarget((target) => (target.id === was ? { id, name } : target));
		if (mine) {
			this.#connection.answered();
			this.#resume = undefined; // it works once
			this.name = name;
			if (name === this.wanted) tab.set('had', name);
		}
		this.#view.named({ id, name, before, date, mine, was });
		if (mine) this.#flush();
	}

	#onOtherName({ name }) {
		this.#connection.answered();
		this.#view.otherName(this.wanted, name, this.#isGhost());
	}

	#onList({ users, ids }) {
		const gone = this.#members.replace(users, ids, this.#id);
		this.#view.users(users);
		for (const name of gone) this.#view.left(name);
		// The name that a lost connection held is free now.
		if (this.name && this.#isGhost() && !users.includes(this.wanted)) this.signIn(this.wanted);
	}

	// Whether this page itself had the name that it wants, so that it drives no other user out.
	#isGhost() {
		return this.name !== this.wanted && tab.get('had', isText) === this.wanted;
	}

	#onMessage(message) {
		const { id, name, nonce, seq } = message;
		const live = !(seq <= this.#joinedAt); // ids in history belong to former connections
		const entry = this.#outbox.remove(nonce);
		if (entry && seq) this.#outbox.own(this.#log, seq);
		const mine = Boolean(entry) || this.isOwn(message);
		if (live) this.#members.see(id, name);
		if (this.#isNew(seq, nonce)) this.#view.message(message, mine, live);
		if (entry) {
			this.#connection.answered();
			this.#flush();
		}
	}

	// A new connection gets a deleted message in the place that it had.
	#onDeleted(seq) {
		if (seq <= this.#last) return this.#view.deleted(seq);
		this.#last = seq;
		return this.#view.message({ seq });
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
		this.#connection.answered();
		if (reason === 'too-fast') return (this.#timer ??= setTimeout(() => this.#retry(), RETRY_DELAY));
		if (reason === 'unknown-type' && !this.#pings) return undefined; // an older server, about the ping
		this.#refused(reason, about, nonce);
		if (nonce || !this.#outbox.inFlight) return undefined;
		this.#blamed = { reason, about, nonce: this.#outbox.inFlight };
		if (this.#pings) return this.#connection.ask(PING);
		return setTimeout(() => this.#settleBlame(), BLAME_DELAY);
	}

	#refused(reason, about, nonce) {
		this.#view.rejectedMessage(reason, about, this.#outbox.remove(nonce));
		this.#flush();
	}

	#onPong() {
		this.#pings = true;
		this.#connection.answered();
		this.#settleBlame();
	}

	// The server answers in order: a message that has no answer now is the one that the error was about.
	#settleBlame() {
		const { reason, about, nonce } = this.#blamed ?? {};
		this.#blamed = undefined;
		if (nonce && nonce === this.#outbox.inFlight) this.#refused(reason, about, nonce);
	}

	#retry() {
		this.#timer = clearTimeout(this.#timer);
		this.#outbox.inFlight = undefined;
		this.#flush();
	}

	#onClose(code) {
		if (REFUSED_WITH.includes(code)) {
			this.#view.rejectedMessage(code === 1009 ? 'too-long' : 'not-text', '', this.#outbox.remove(this.#outbox.inFlight));
		}
		this.name = undefined;
		this.#pings = this.#isGreeted = false;
		this.#blamed = undefined;
		this.#members.clear();
		this.#retry();
	}

	#flush() {
		const entry = this.name && this.#outbox.next();
		if (entry) {
			const { nonce, text, target } = entry;
			this.#ask({ type: 'message', nonce, text, target: target?.id ?? target?.name });
		}
		this.#view.pending(this.#outbox.entries, this.name);
	}

	// Undefined fields are left out. Half an emoji is not Unicode, so servers may refuse it.
	#ask(message) {
		const clean = (_, value) => (typeof value === 'string' ? value.replace(/\p{Surrogate}/gu, '\ufffd') : value);
		this.#connection.ask(JSON.stringify(message, clean));
	}
}
