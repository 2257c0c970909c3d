// The part "Handshake". Shows both heads, and computes Sec-WebSocket-Accept step by step
// (RFC 6455 4.2.2).

import { $, make } from './dom.js';
import { setText } from './strings.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // from RFC 6455
const IMPORTANT = /^(GET|HTTP|upgrade:|connection:|sec-websocket)/i; // lines of the upgrade

/** Shows the handshake that the server recorded. */
export async function showHandshake({ request, response }) {
	showHead('request', request);
	showHead('response', response);
	setText($('handshake-cost'), 'headerBytes', { n: [...request, ...response].join('\r\n').length + 8 });
	const key = field(request, 'sec-websocket-key');
	const received = field(response, 'sec-websocket-accept');
	const hash = await sha1(key + GUID, received);
	const accept = btoa(String.fromCharCode(...hash));
	show('key', key);
	show('joined', key + GUID);
	show('hash', Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join(' '));
	show('accept', accept);
	show('same', accept === received ? '✓' : '✗');
}

// Browsers offer SHA-1 on https and localhost only. Elsewhere, decode the response, which the browser has checked.
async function sha1(text, received) {
	if (!crypto.subtle) return Uint8Array.from(atob(received), (letter) => letter.charCodeAt(0));
	return new Uint8Array(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text)));
}

function showHead(id, lines) {
	show(id, ...lines.map((line) => make('span', IMPORTANT.test(line) ? 'important' : '', `${line}\n`)));
}

function show(id, ...content) {
	$(`handshake-${id}`).replaceChildren(...content);
}

function field(lines, name) {
	const line = lines.find((line) => line.toLowerCase().startsWith(`${name}:`)) ?? '';
	return line.slice(name.length + 1).trim();
}
