// The page's address and the WebSocket's. The path names the room in both.

import { tab } from './storage.js';

/** The name of this room. Empty for the lobby. */
export const room = decodeURIComponent(location.pathname.split('/room/')[1] ?? '');

/** The page's address with ws: instead of http:, or wss: instead of https:. */
export const home = location.origin.replace('http', 'ws') + location.pathname;

/** Adds `query`, and the access token if the address is on this server. */
export function withQuery(address, query = {}) {
	if (!URL.canParse(address)) return address; // new WebSocket() reports the error
	const url = new URL(address);
	const token = tab.get('token') ?? new URLSearchParams(location.search).get('token');
	if (token && url.host === location.host) url.searchParams.set('token', token);
	for (const key in query) url.searchParams.set(key, query[key]);
	return url.href;
}
