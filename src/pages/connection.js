// connection.js: keeps one socket open. Owns when to try again: after about a second, then after longer
// and longer waits, each a little random, so that a thousand pages do not return in one stampede.
// It does not look into messages.

import { openSocket } from './socket.js';

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;
const ON_PURPOSE = [1000, 1008]; // closed by agreement, or shown the door: do not knock again unasked

export class Connection {
	#watchers = [];
	#socket;
	#newest = 0;
	#tries = 0;
	#timer;
	#url;
	#protocols;

	/** `url` is asked for each time, because what to resume from changes. */
	constructor(url, protocols) {
		this.#url = url;
		this.#protocols = protocols;
		addEventListener('online', () => this.#timer && this.connect());
		// A page that is left lets go of its connection, so that the browser may keep the page itself
		// for the Back button (the back/forward cache); shown again, it connects again.
		addEventListener('pagehide', () => this.close());
		addEventListener('pageshow', ({ persisted }) => persisted && this.connect());
	}

	/** `watcher` hears every report of socket.js, and { what: 'waiting', wait } in milliseconds. */
	watch(watcher) {
		this.#watchers.push(watcher);
	}

	get socket() {
		return this.#socket;
	}

	get isOpen() {
		return this.#socket?.ws.readyState === WebSocket.OPEN;
	}

	connect() {
		this.#stopWaiting();
		if (this.#socket && this.#socket.ws.readyState < WebSocket.CLOSING) return;
		this.#socket = openSocket(this.#url(), this.#protocols, (report) => this.#hear(report));
	}

	send(data) {
		if (this.isOpen) this.#socket.send(data);
	}

	close(code = 1000, reason = '') {
		this.#stopWaiting();
		if (this.#socket?.ws.readyState < WebSocket.CLOSING) this.#socket.close(code, reason);
	}

	#hear(report) {
		if (report.number < this.#newest) return; // an older socket's last words
		this.#newest = report.number;
		for (const watcher of this.#watchers) watcher(report);
		if (report.what === 'in') this.#tries = 0; // it opened, and it speaks
		if (report.what === 'close' && !ON_PURPOSE.includes(report.code)) this.#waitAndRetry();
	}

	#waitAndRetry() {
		const ceiling = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#tries++);
		const wait = ceiling * (0.5 + Math.random() / 2);
		this.#timer = setTimeout(() => this.connect(), wait);
		for (const watcher of this.#watchers) watcher({ what: 'waiting', at: Date.now(), wait });
	}

	#stopWaiting() {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}
}
