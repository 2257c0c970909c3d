// Keeps one socket open. It reconnects after a second, then after growing waits. They are random, so that
// a thousand pages do not reconnect at the same moment.
//
// TCP reports a dead network only after minutes. So the page asks the server something after some seconds of silence,
// and abandons a socket on which an answer is late.

import { openSocket } from './socket.js';

const FIRST_WAIT = 1000; // milliseconds
const LONGEST_WAIT = 30000;
const CONNECT_TIMEOUT = 8000;
const ANSWER_TIMEOUT = 5000; // on a slow network, it grows to the next one
const LONGEST_TIMEOUT = 20000;
const QUIET = 3000; // without a message, until a question is due
const HIDDEN_QUIET = 30000;

/** Normal closure, policy violation: no reconnection. */
export const FINAL_CODES = [1000, 1008];

export class Connection {
	#listeners = [];
	#reports = []; // not delivered yet: a listener's reaction comes after the report that caused it
	#url;
	#protocols;
	#ended = 0; // the number of the last socket that has ended; its later reports do not count
	#attempts = 0;
	#timer;
	#timeout = ANSWER_TIMEOUT;
	#lastIn; // when something was received, or the attempt began
	#asked; // when the question was sent that is not answered yet

	socket; // the current one, made by openSocket()

	/** Calls `url` for each attempt, because the position to resume from changes. */
	constructor(url, protocols) {
		this.#url = url;
		this.#protocols = protocols;
		addEventListener('online', () => this.#timer && this.connect());
		addEventListener('offline', () => this.#abandon('offline'));
		document.addEventListener('visibilitychange', () => this.#check());
		setInterval(() => this.#check(), 1000);
		// A page with an open socket is not kept for the Back button (bfcache).
		addEventListener('pagehide', () => this.close());
		addEventListener('pageshow', ({ persisted }) => persisted && this.connect());
	}

	/**
	 * Calls `listener` with each report of socket.js, and with these:
	 * { what: 'waiting', wait } in milliseconds, { what: 'quiet' } when a question is due, and
	 * { what: 'abandoned', why } instead of 'close': the socket did not answer.
	 */
	listen(listener) {
		this.#listeners.push(listener);
	}

	/** Begins an attempt, unless there is one or the socket is open. */
	connect() {
		this.#stopWaiting();
		if (this.#isLive()) return;
		this.#abandon('retry'); // one that is still closing
		this.#lastIn = Date.now();
		this.#asked = undefined;
		this.socket = openSocket(this.#url(), this.#protocols, (report) => this.#receive(report));
	}

	/** Begins an attempt, also while another one hangs. */
	retry() {
		if (this.socket?.ws.readyState !== WebSocket.OPEN) {
			this.#abandon('retry');
			this.connect();
		}
	}

	send(data) {
		if (this.socket?.ws.readyState === WebSocket.OPEN) this.socket.send(data);
	}

	/** Sends what the server answers. The session calls answered() then. */
	ask(data) {
		this.#asked ??= Date.now();
		this.send(data);
	}

	answered() {
		if (Date.now() - this.#asked < ANSWER_TIMEOUT / 4) this.#timeout = ANSWER_TIMEOUT;
		this.#asked = undefined;
	}

	close() {
		this.#stopWaiting();
		this.socket?.close(1000, '');
	}

	/** Makes no further attempt by itself. */
	stop() {
		this.#stopWaiting();
	}

	#isLive() {
		return this.socket?.number > this.#ended && this.socket.ws.readyState < WebSocket.CLOSING;
	}

	#check() {
		if (!this.#isLive()) return;
		const now = Date.now();
		if (this.socket.ws.readyState === WebSocket.CONNECTING) {
			if (now - this.#lastIn > CONNECT_TIMEOUT) this.#abandon('silent');
		} else if (now - this.#asked > this.#timeout) {
			this.#timeout = Math.min(2 * this.#timeout, LONGEST_TIMEOUT);
			this.#abandon('silent');
		} else if (!this.#asked && now - this.#lastIn > (document.hidden ? HIDDEN_QUIET : QUIET)) {
			this.#notify({ what: 'quiet' });
		}
	}

	/** The browser may take minutes to close it, so what it still reports is ignored. */
	#abandon(why) {
		if (!this.socket || this.socket.number <= this.#ended) return;
		const { ws, number } = this.socket;
		this.#ended = number;
		ws.close();
		this.#notify({ what: 'abandoned', at: Date.now(), number, ws, why });
		if (why !== 'retry') this.#waitAndRetry();
	}

	#receive(report) {
		const { what, number, code } = report;
		if (number <= this.#ended || number < this.socket?.number) return; // a late report of an older socket
		if (what === 'close') this.#ended = number;
		if (what === 'in' || what === 'open') this.#lastIn = Date.now();
		if (what === 'in') this.#attempts = 0; // the server works
		this.#notify(report);
		if (what === 'close' && !FINAL_CODES.includes(code)) this.#waitAndRetry();
	}

	#waitAndRetry() {
		const ceiling = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#attempts++);
		const wait = ceiling * (0.5 + Math.random() / 2);
		this.#stopWaiting();
		this.#timer = setTimeout(() => this.connect(), wait);
		this.#notify({ what: 'waiting', wait });
	}

	#stopWaiting() {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}

	#notify(report) {
		if (this.#reports.push(report) > 1) return; // the loop below is running, further up
		for (; this.#reports.length; this.#reports.shift()) {
			for (const listener of this.#listeners) deliver(this.#reports[0], listener);
		}
	}
}

// A message that has another form than a server's must not stop those after it.
function deliver(report, listener) {
	try {
		listener(report);
	} catch (error) {
		console.error(error);
	}
}
