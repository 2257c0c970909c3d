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
	keep.set('ignored', [...ignored]);
	for (const row of $('log').children) if (row.dataset.name) row.hidden = isIgnored(row.dataset.name);
}

/** A person has a new name. If its messages are hidden, they stay so. */
export function followIgnored(before, name) {
	read();
	if (!ignored.delete(before.toLowerCase())) return;
	ignored.add(name.toLowerCase());
	keep.set('ignored', [...ignored]);
	for (const row of $('log').children) if (row.dataset.name === before) row.dataset.name = name;
}

// Another tab may have changed the list.
function read() {
	ignored = new Set(keep.get('ignored', isListOf(isText), [...ignored]));
}
