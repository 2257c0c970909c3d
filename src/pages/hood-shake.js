// hood-shake.js: the tab "Handshake". Shows what the server says it saw, and works out the answer to the
// browser's key once more, step by step (RFC 6455 4.2.2).

import { $, make } from './dom.js';
import { sha1 } from './sha1.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // the same in every server of the world
const TELLING = /^(GET|HTTP|upgrade:|connection:|sec-websocket)/i; // the lines that make it a WebSocket

/** Shows the server's account of the handshake: the lines of both heads. */
export function showHandshake({ request, response }) {
	$('shake').hidden = false;
	showHead('request', request);
	showHead('response', response);
	const key = field(request, 'sec-websocket-key');
	const hash = sha1(key + GUID);
	const accept = btoa(String.fromCharCode(...hash));
	show('key', key);
	show('joined', key + GUID);
	show('hash', Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join(' '));
	show('accept', accept);
	show('same', accept === field(response, 'sec-websocket-accept') ? '✓' : '✗');
}

function showHead(id, lines) {
	show(id, ...lines.map((line) => make('span', TELLING.test(line) ? 'telling' : '', `${line}\n`)));
}

function show(id, ...content) {
	$(`shake-${id}`).replaceChildren(...content);
}

function field(lines, name) {
	const line = lines.find((line) => line.toLowerCase().startsWith(`${name}:`)) ?? '';
	return line.slice(name.length + 1).trim();
}
