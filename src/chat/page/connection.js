// Keeps one socket open. It reconnects after a second, then after growing waits. They are random, so that
// a thousand pages do not reconnect at the same moment.

import { openSocket } from './socket.js';

const FIRST_WAIT = 1000; // milliseconds
const LONGEST_WAIT = 30000;
const FINAL_CODES = [1000, 1008]; // normal closure, policy violation: no reconnection

export class Connection {
	#listeners = [];
	#url;
	#protocols;
	#newest = 0;
	#attempts = 0;
	#timer;

	socket; // the current one, made by openSocket()

	/** Calls `url` for each attempt, because the position to resume from changes. */
	constructor(url, protocols) {
		this.#url = url;
		this.#protocols = protocols;
		addEventListener('online', () => this.#timer && this.connect());
		// A page with an open socket is not kept for the Back button (bfcache).
		addEventListener('pagehide', () => this.close());
		addEventListener('pageshow', ({ persisted }) => persisted && this.connect());
	}

	/** Calls `listener` with each report of socket.js, and with { what: 'waiting', wait } in milliseconds. */
	listen(listener) {
		this.#listeners.push(listener);
	}

	connect() {
		this.#stopWaiting();
		if (this.socket?.ws.readyState < WebSocket.CLOSING) return;
		this.socket = openSocket(this.#url(), this.#protocols, (report) => this.#receive(report));
	}

	send(data) {
		if (this.socket?.ws.readyState === WebSocket.OPEN) this.socket.send(data);
	}

	close() {
		this.#stopWaiting();
		this.socket?.close(1000, '');
	}

	#receive(report) {
		const { what, number, code } = report;
		if (number < this.#newest) return; // a late report of an older socket
		this.#newest = number;
		this.#notify(report);
		if (what === 'in') this.#attempts = 0; // the server works
		if (what === 'close' && !FINAL_CODES.includes(code)) this.#waitAndRetry();
	}

	#waitAndRetry() {
		const ceiling = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#attempts++);
		const wait = ceiling * (0.5 + Math.random() / 2);
		this.#timer = setTimeout(() => this.connect(), wait);
		this.#notify({ what: 'waiting', wait });
	}

	#stopWaiting() {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}

	#notify(report) {
		for (const listener of this.#listeners) listener(report);
	}
}
