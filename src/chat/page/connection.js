// connection.js: keeps one socket open. Owns when to try again: after a second, then longer and longer, a little
// random, so that a thousand pages do not return in one stampede. It reads no messages.

import { openSocket } from './socket.js';

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;
const ON_PURPOSE = [1000, 1008]; // by agreement, or by policy: not again unasked

export class Connection {
	#watchers = [];
	#url;
	#protocols;
	#newest = 0;
	#tries = 0;
	#timer;

	socket; // the present one, as socket.js made it

	/** `url` is asked for each time: what to resume from changes. */
	constructor(url, protocols) {
		this.#url = url;
		this.#protocols = protocols;
		addEventListener('online', () => this.#timer && this.connect());
		// A page that is left lets go, so that the browser may keep it for the Back button (bfcache).
		addEventListener('pagehide', () => this.close());
		addEventListener('pageshow', ({ persisted }) => persisted && this.connect());
	}

	/** `watcher` hears every report of socket.js, and { what: 'waiting', wait } in milliseconds. */
	watch(watcher) {
		this.#watchers.push(watcher);
	}

	connect() {
		this.#stopWaiting();
		if (this.socket?.ws.readyState < WebSocket.CLOSING) return;
		this.socket = openSocket(this.#url(), this.#protocols, (report) => this.#hear(report));
	}

	send(data) {
		if (this.socket?.ws.readyState === WebSocket.OPEN) this.socket.send(data);
	}

	close() {
		this.#stopWaiting();
		this.socket?.close(1000, '');
	}

	#hear(report) {
		const { what, number, code } = report;
		if (number < this.#newest) return; // an older socket's last words
		this.#newest = number;
		this.#tell(report);
		if (what === 'in') this.#tries = 0; // it opened, and it speaks
		if (what === 'close' && !ON_PURPOSE.includes(code)) this.#waitAndRetry();
	}

	#waitAndRetry() {
		const ceiling = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#tries++);
		const wait = ceiling * (0.5 + Math.random() / 2);
		this.#timer = setTimeout(() => this.connect(), wait);
		this.#tell({ what: 'waiting', wait });
	}

	#stopWaiting() {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}

	#tell(report) {
		for (const watcher of this.#watchers) watcher(report);
	}
}
