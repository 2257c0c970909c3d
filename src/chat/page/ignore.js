// People whose messages this reader does not want to see. The browser remembers them, the server does not know of it.

import { $ } from './dom.js';
import { isListOf, isText, keep } from './storage.js';

const ignored = new Set(keep.get('ignored', isListOf(isText), []));

export function isIgnored(name) {
	return ignored.has(name.toLowerCase());
}

export function toggleIgnored(name) {
	const key = name.toLowerCase();
	if (!ignored.delete(key)) ignored.add(key);
	keep.set('ignored', [...ignored]);
	for (const row of $('log').children) if (row.dataset.name) row.hidden = isIgnored(row.dataset.name);
}
