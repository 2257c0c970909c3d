// Completes names in the text box: after @ from a list, otherwise with Tab.

import { $, make } from './dom.js';
import { coloured } from './text.js';

const MOST = 6; // names in the list

const text = $('text');
const list = $('names');

let names = () => [];
let found = []; // the names that are offered
let chosen = 0;

/** `getNames` returns the names in the room. It must be called before the composer's own listener is added. */
export function startCompletion(getNames) {
	names = getNames;
	text.addEventListener('input', () => show(word().startsWith('@') ? matches() : []));
	text.addEventListener('blur', () => show([]));
	text.addEventListener('keydown', onKey);
	list.onpointerdown = (event) => {
		event.preventDefault(); // keeps the focus
		const at = [...list.children].indexOf(event.target.closest('li'));
		if (at >= 0) insert(found[at]);
	};
}

function onKey(event) {
	if (event.isComposing || event.shiftKey || event.ctrlKey || event.altKey) return;
	const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
	if (found.length && step) choose((chosen + step + found.length) % found.length);
	else if (found.length && ['Enter', 'Tab'].includes(event.key)) insert(found[chosen]);
	else if (found.length && event.key === 'Escape') show([]);
	else if (event.key === 'Tab' && word() && matches().length) insert(matches()[0]);
	else return;
	event.preventDefault();
}

// The word before the cursor.
function word() {
	const { selectionStart: start, selectionEnd: end, value } = text;
	return start === end ? value.slice(0, end).match(/\S*$/)[0] : '';
}

function matches() {
	const part = word().replace(/^[@"]/, '').toLowerCase();
	return names().filter((name) => name.toLowerCase().startsWith(part)).slice(0, MOST);
}

function insert(name) {
	const end = text.selectionEnd;
	const before = text.value.slice(0, end - word().length);
	// For a command, a name that has spaces or looks like an address is in quotation marks.
	const isQuoted = /^\/\S+\s+$/.test(before) && (/[\s"]|^[\d*]|:/.test(name) || word().startsWith('"'));
	text.setRangeText(isQuoted ? `"${name.replaceAll('"', '""')}" ` : `${word().match(/^[@"]?/)[0]}${name} `, before.length, end, 'end');
	text.dispatchEvent(new Event('input', { bubbles: true }));
	show([]);
}

function show(those) {
	found = those;
	list.hidden = !found.length;
	list.replaceChildren(...found.map((name, at) => {
		const option = coloured(make('li', '', make('bdi', '', name)), name);
		option.id = `names-${at}`;
		option.setAttribute('role', 'option');
		return option;
	}));
	choose(0);
}

function choose(at) {
	chosen = at;
	[...list.children].forEach((option, number) => option.setAttribute('aria-selected', String(number === at)));
	if (found.length) text.setAttribute('aria-activedescendant', `names-${at}`);
	else text.removeAttribute('aria-activedescendant');
}
