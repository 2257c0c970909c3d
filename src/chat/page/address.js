// The addresses of the page, its rooms and its WebSocket. All are below `base`, because a proxy may serve the chat in a folder.

import { isText, tab } from './storage.js';

/** The folder of the page's files, and of the lobby. */
export const base = new URL('.', import.meta.url);

/** The name of this room. Empty for the lobby. */
export const room = decodeURIComponent(location.pathname.slice(base.pathname.length).replace(/^room\//, ''));

/** The page's address with ws: instead of http:, or wss: instead of https:. */
export const home = location.origin.replace('http', 'ws') + location.pathname;

let token = takeFromAddress() ?? tab.get('token', isText);

/** The access token, if there is one. */
export function getToken() {
	return token;
}

export function setToken(value) {
	token = value;
	tab.set('token', value);
}

/** The address of a room's page, or of the lobby's without a name. */
export function pathOf(name) {
	return new URL(name ? `room/${encodeURIComponent(name)}` : '.', base).pathname;
}

/** Adds `query`, and the access token if the address is on this server. */
export function withQuery(address, query = {}) {
	const url = parsed(address);
	if (!url) return address; // new WebSocket() reports the error
	if (token && url.host === location.host) url.searchParams.set('token', token);
	for (const key in query) url.searchParams.set(key, query[key]);
	return url.href;
}

/** A URL object; undefined if the text is not a URL. Browsers of 2022 have no URL.parse(). */
export function parsed(text) {
	try {
		return new URL(text);
	} catch {
		return undefined;
	}
}

// The token must not stay in the address, which is copied, bookmarked and shown on projectors.
function takeFromAddress() {
	const query = new URLSearchParams(location.search);
	const value = query.get('token');
	if (value === null) return undefined;
	query.delete('token');
	tab.set('token', value);
	const rest = String(query);
	history.replaceState(history.state, '', location.pathname + (rest && `?${rest}`) + location.hash);
	return value;
}
