// People whose messages this reader does not want to see. The browser remembers them, the server does not know of it.

import { $ } from './dom.js';
import { isListOf, isText, keep } from './storage.js';

let ignored = new Set();
read();

export function isIgnored(name) {
	return ignored.has(name.toLowerCase());
}

export function toggleIgnored(name) {
	const key = name.toLowerCase();
	read();
	if (!ignored.delete(key)) ignored.add(key);
	origin.delete(key);
	keep.set('ignored', [...ignored]);
	for (const row of $('log').children) if (row.dataset.name) row.hidden = isIgnored(row.dataset.name);
}

// Under which name a person was ignored who has another one now.
const origin = new Map();

/** A person has a new name. If its messages are hidden, they stay so. */
export function followIgnored(before, name) {
	const [old, key] = [before.toLowerCase(), name.toLowerCase()];
	const wasIgnored = ignored.has(old);
	read();
	if (!wasIgnored && !ignored.has(old)) return;
	origin.set(key, origin.get(old) ?? old);
	origin.delete(old);
	replace(before, name);
}

/** A person has left. Somebody else may get the name, so the one under which the person was ignored counts again. */
export function unfollowIgnored(name) {
	const before = origin.get(name.toLowerCase());
	if (!origin.delete(name.toLowerCase())) return;
	read();
	if (isIgnored(name)) replace(name, before);
}

function replace(before, name) {
	ignored.delete(before.toLowerCase());
	ignored.add(name.toLowerCase());
	keep.set('ignored', [...ignored]);
	for (const row of $('log').children) if (row.dataset.name === before) row.dataset.name = name;
}

// Another tab may have changed the list.
function read() {
	ignored = new Set(keep.get('ignored', isListOf(isText), [...ignored]));
}
