// Why a connection failed. Browsers do not tell a page why its WebSocket was refused, so it asks the server by HTTP.

import { base, getToken } from './address.js';
import { FINAL_CODES } from './connection.js';

const TIMEOUT = 5000; // milliseconds

// What servers say in a Close frame, and the key of the sentence that explains it.
const REASONS = {
	'too many rooms; try again later': 'tooManyRooms',
	'this room is full; try again later': 'roomFull',
	'the server is shutting down': 'restarting',
	'too slow': 'tooSlow',
	'no answer to a ping': 'noAnswer',
	flooding: 'flooding',
	'replaced by a newer connection of this user': 'replaced',
	'kicked by an operator': 'kicked',
	'banned by an operator': 'banned',
	'this room was closed by an operator': 'roomClosed',
	'too many errors': 'flooding',
	'too many pings': 'flooding',
	'too many fragments': 'flooding',
};

/** The sentence for the end of a connection that was open: [key, values]. */
export function whyClosed({ what, code, reason, why }) {
	if (what === 'abandoned') return [why === 'offline' ? 'offline' : 'noAnswer', { code: '' }];
	const unknown = reason ? 'closedWith' : FINAL_CODES.includes(code) ? 'closed' : 'lost';
	return [Object.hasOwn(REASONS, reason) ? REASONS[reason] : unknown, { code: ` (${code})`, reason }];
}

/** The sentence for an attempt that failed: a key, or "token" if a right token is missing. */
export async function whyRefused() {
	if (!navigator.onLine) return 'offline';
	const status = await ask();
	const known = { 401: 'token', 403: 'banned', 429: 'tooManyTokens', 503: 'full' }[status];
	return known ?? (status < 500 ? 'noUpgrade' : 'unreached');
}

/** Undefined if the token is right, or none is needed; otherwise a key. */
export async function checkToken() {
	return { 401: 'token', 429: 'tooManyTokens' }[await ask()];
}

/** The status of the answer; undefined without one. */
async function ask() {
	const token = getToken();
	const headers = token ? { Authorization: `Bearer ${asBytes(token)}` } : {};
	const abort = new AbortController();
	const timer = setTimeout(() => abort.abort(), TIMEOUT);
	const answer = await fetch(new URL('token', base), { headers, signal: abort.signal }).catch(() => {});
	clearTimeout(timer);
	return answer?.status;
}

// fetch() refuses headers with other characters than bytes.
function asBytes(text) {
	return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
}
