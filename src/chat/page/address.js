// address.js: where we are. The path names the room, for the page and for its WebSocket alike.

import { tab } from './memory.js';

/** The name of our room; empty: the lobby. */
export const room = decodeURIComponent(location.pathname.split('/room/')[1] ?? '');

/** The page's own address, with ws for http, wss for https. */
export const home = location.origin.replace('http', 'ws') + location.pathname;

/** The address with `query` added; if it leads to our own server, with our access token too. */
export function withQuery(address, query = {}) {
	if (!URL.canParse(address)) return address; // new WebSocket says what is wrong with it
	const url = new URL(address);
	const token = tab.get('token') ?? new URLSearchParams(location.search).get('token');
	if (token && url.host === location.host) url.searchParams.set('token', token);
	for (const key in query) url.searchParams.set(key, query[key]);
	return url.href;
}
