// Links to other rooms. Plain links make Back, bookmarks and new tabs work. Not every server lists its rooms.

import { base, pathOf, room } from './address.js';
import { $, make, onSubmit } from './dom.js';
import { showError } from './status.js';
import { isListOf, isText, tab } from './storage.js';
import { setText } from './strings.js';

const visited = [...new Set(['', room, ...tab.get('rooms', isListOf(isText), [])])];

async function showRooms() {
	if (!$('rooms').open) return;
	const answer = await fetch(new URL('rooms', base)).catch(() => {}); // no connection
	const rooms = (answer?.ok && (await answer.json().catch(() => {}))?.rooms) || [];
	const others = visited.filter((name) => !rooms.some((known) => isSame(known.name, name)));
	$('room-list').replaceChildren(...[...rooms, ...others.map((name) => ({ name }))].filter(hasAddress).map(row));
}

function row({ name, users = '' }) {
	const link = name ? make('a', '', make('bdi', '', name)) : setText(make('a'), 'lobby');
	link.href = pathOf(name);
	if (isSame(name, room)) link.ariaCurrent = 'page';
	return make('li', '', link, ' ', make('small', '', users));
}

// Servers compare names by more rules than these.
function isSame(one, other) {
	return one.normalize('NFKC').toLowerCase() === other.normalize('NFKC').toLowerCase();
}

// In an address, these two are not names but folders.
function hasAddress({ name }) {
	return name !== '.' && name !== '..';
}

// Asks the server whether there can be such a room, so that no user ends on an error page.
async function enter(name) {
	if (isSame(name, room)) return;
	const answer = hasAddress({ name }) ? await fetch(pathOf(name), { method: 'HEAD' }).catch(() => {}) : { status: 404 };
	if (answer?.status === 404) return void showError('noSuchRoom');
	location.href = pathOf(name);
}

tab.set('rooms', visited);
if (room) $('title').textContent = room;
$('home').href = pathOf('');
$('rooms').ontoggle = showRooms;
onSubmit('room-form', () => enter($('room').value.trim()));
