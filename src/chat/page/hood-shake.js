// hood-shake.js: "Handshake": what the server saw, and the answer to the browser's key worked out once more, step
// by step (RFC 6455 4.2.2).

import { $, make } from './dom.js';
import { say } from './strings.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // the same in every server of the world
const TELLING = /^(GET|HTTP|upgrade:|connection:|sec-websocket)/i; // the lines that make it a WebSocket

/** Shows the lines of both heads. */
export async function showHandshake({ request, response }) {
	showHead('request', request);
	showHead('response', response);
	say($('shake-cost'), 'cost', { n: [...request, ...response].join('\r\n').length + 8 });
	const key = field(request, 'sec-websocket-key');
	const answer = field(response, 'sec-websocket-accept');
	const hash = await sha1(key + GUID, answer);
	const accept = btoa(String.fromCharCode(...hash));
	show('key', key);
	show('joined', key + GUID);
	show('hash', Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join(' '));
	show('accept', accept);
	show('same', accept === answer ? '✓' : '✗');
}

// Browsers offer SHA-1 on https and localhost only. Elsewhere it is read off the answer, which the browser has checked.
async function sha1(text, answer) {
	if (!crypto.subtle) return Uint8Array.from(atob(answer), (letter) => letter.charCodeAt(0));
	return new Uint8Array(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text)));
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
