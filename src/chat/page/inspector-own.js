// A connection of the reader's own, beside the chat's. Every button of the panel acts on it.

import { base, withQuery } from './address.js';
import { toHex } from './inspector-frames.js';
import { openSocket } from './socket.js';

const PING = '{"type":"ping"}';

// Not the chat's room: nothing but the reader's own messages are there.
const quiet = new URL('room/lesson', base).href.replace('http', 'ws');

let show;
let own;
let onOpen; // runs when the connection is open and the server has told its handshake
let isPlaying = false; // whether the server has the bytes and needs something after them
let answered = false; // whether the server has answered "inspect" on this connection

/** `report` gets the connection's events. */
export function startOwn(report) {
	show = report;
}

export function ownSocket() {
	return own;
}

/**
 * Opens a connection. With `slow`, the server waits so many milliseconds before it accepts it, and before it closes it.
 * Calls `then` when it is open.
 */
export function openOwn({ url = quiet, protocols = ['chinwag.v1'], slow, then } = {}) {
	own?.close(1000, '');
	answered = isPlaying = false;
	onOpen = then;
	own = openSocket(withQuery(url, slow && { slow }), protocols, show);
	return own;
}

/** Calls act(socket) with an open connection in the subprotocol `protocol`: the present one, or a new one. */
export function withOwn(act, protocol = 'chinwag.v1') {
	const isReady = own?.ws.readyState === WebSocket.OPEN && own.ws.protocol === protocol;
	if (isReady && (answered || protocol !== 'chinwag.v1')) return act(own);
	if (isReady || own?.ws.readyState === WebSocket.CONNECTING) onOpen = act;
	else openOwn({ protocols: [protocol], then: act });
	return undefined;
}

/** The server reads these bytes as if they had arrived from this connection. */
export function play(bytes) {
	withOwn((socket) => {
		show({ what: 'played', at: Date.now(), number: socket.number, ws: socket.ws, hex: toHex(bytes.slice(0, 64)), bytes });
		socket.send(JSON.stringify({ type: 'inspect', play: toHex(bytes) }));
		isPlaying = true;
	});
}

/** Follows the events of the connection. */
export function noteOwn({ what, number, data, ws }) {
	if (number !== own?.number) return;
	if (what === 'in' && String(data).startsWith('{"type":"handshake"')) {
		answered = true;
		if (isPlaying) own.send(PING); // the server reads the bytes before this
		isPlaying = false;
	}
	const isReady = ws.protocol === 'chinwag.v1' ? answered : what === 'open';
	if (!isReady || !onOpen) return;
	const act = onOpen;
	onOpen = undefined;
	act(own);
}

addEventListener('pagehide', () => own?.close(1000, '')); // as in connection.js
