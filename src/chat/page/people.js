// The list of people in the room. A change moves only the entries that it concerns: the list may have thousands, and one
// of them may have the focus.

import { $, icon, make } from './dom.js';
import { isIgnored, toggleIgnored } from './ignore.js';
import { setText, t } from './strings.js';
import { coloured, disc } from './text.js';

const list = $('people-list');
const entries = new Map(); // name → <li>

let own; // the reader's name, as it is shown
let stop; // the only button that Tab reaches; arrow keys go on from there

/** Shows the names and marks `mine`. A click on a name calls pick(name). */
export function showPeople(names, mine) {
	if (own !== mine) [own, mine].forEach(remove);
	own = mine;
	const focused = list.contains(document.activeElement) && document.activeElement;
	const place = focused && [...list.children].indexOf(focused.closest('li'));
	const wanted = new Set(names);
	for (const name of [...entries.keys()]) if (!wanted.has(name)) remove(name);
	let next = list.firstChild;
	for (const name of names) {
		const entry = entries.get(name);
		if (entry && entry === next) next = next.nextSibling;
		else list.insertBefore(entry ?? add(name), next);
	}
	if (!stop?.isConnected) setStop(list.querySelector('button'));
	if (focused && !focused.isConnected) (list.children[place] ?? list.lastChild)?.firstChild.focus();
	$('people-count').textContent = names.length;
	setText($('people-title'), 'people', { n: names.length });
}

/** Makes all entries anew, in another language. */
export function translatePeople() {
	const names = [...entries.keys()];
	names.forEach(remove);
	if (names.length) showPeople(names, own);
}

export function startPeople(pick) {
	list.onclick = ({ target }) => {
		const button = target.closest('button');
		const name = button?.closest('li').name;
		if (!button) return;
		if (button.className.includes('name')) return void pick(name);
		toggleIgnored(name);
		showIgnored(name);
	};
	list.addEventListener('focusin', ({ target }) => setStop(target));
	list.onkeydown = (event) => {
		const row = event.target.closest('li');
		const goal = {
			ArrowDown: row?.nextSibling?.firstChild,
			ArrowUp: row?.previousSibling?.firstChild,
			Home: list.firstChild?.firstChild,
			End: list.lastChild?.firstChild,
			ArrowRight: row?.lastChild,
			ArrowLeft: row?.firstChild,
		}[event.key];
		if (!goal) return;
		event.preventDefault();
		goal.focus();
	};
}

function add(name) {
	const button = coloured(make('button', 'plain', disc(name), make('bdi', '', name)), name);
	button.tabIndex = -1;
	const entry = make('li', '', button);
	entry.name = name;
	entries.set(name, entry);
	if (name === own) {
		button.append(' ', setText(make('small'), 'you'));
	} else {
		button.title = t('writePrivately', { name });
		const ignore = make('button', 'plain ignore', icon('ignore'));
		ignore.tabIndex = -1;
		entry.append(ignore);
		showIgnored(name);
	}
	return entry;
}

function remove(name) {
	entries.get(name)?.remove();
	entries.delete(name);
}

/** Shows whether this other person is ignored. */
export function showIgnored(name) {
	const entry = entries.get(name);
	const button = entry?.querySelector('.ignore');
	if (!button) return;
	button.title = button.ariaLabel = t('ignore', { name });
	button.ariaPressed = String(isIgnored(name));
	entry.classList.toggle('ignored', isIgnored(name));
}

function setStop(button) {
	if (stop) stop.tabIndex = -1;
	stop = button;
	if (stop) stop.tabIndex = 0;
}
