// The two heads of the handshake, and how the server computes Sec-WebSocket-Accept, step by step (RFC 6455 4.2.2).

import { make } from './dom.js';
import { setText } from './strings.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // from RFC 6455
const IMPORTANT = /^(GET|HTTP|upgrade:|connection:|sec-websocket)/i; // lines of the upgrade

export function requestNodes({ request }) {
	return [setText(make('p'), 'requestText'), head('request', request)];
}

export function responseNodes({ request, response }) {
	const key = field(request, 'sec-websocket-key');
	const received = field(response, 'sec-websocket-accept');
	const [hash, accept] = [make('dd'), make('dd', 'accept')];
	const steps = make('dl', '', ...pair('key', key), ...pair('+ GUID', key + GUID), make('dt', '', 'SHA-1'), hash, make('dt', '', 'base64'), accept);
	sha1(key + GUID, received).then((bytes) => {
		hash.textContent = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
		const made = btoa(String.fromCharCode(...bytes));
		accept.textContent = `${made} ${made === received ? '✓' : '✗'}`;
	});
	const cost = setText(make('p'), 'headerBytes', { n: [...request, ...response].join('\r\n').length + 8 });
	return [setText(make('p'), 'responseText'), head('response', response), steps, cost];
}

// Browsers offer SHA-1 on https and localhost only. Elsewhere, decode the response, which the browser has checked.
async function sha1(text, received) {
	if (!crypto.subtle) return Uint8Array.from(atob(received), (letter) => letter.charCodeAt(0));
	return new Uint8Array(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text)));
}

function head(name, lines) {
	return make('pre', name, ...lines.map((line) => make('span', IMPORTANT.test(line) ? 'important' : '', `${line}\n`)));
}

function pair(name, value) {
	return [make('dt', '', name), make('dd', '', value)];
}

function field(lines, name) {
	const line = lines.find((line) => line.toLowerCase().startsWith(`${name}:`)) ?? '';
	return line.slice(name.length + 1).trim();
}
