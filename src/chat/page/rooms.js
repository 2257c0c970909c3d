// Links to other rooms. Plain links make Back, bookmarks and new tabs work. Not every server lists its rooms.

import { room } from './address.js';
import { $, make, onSubmit } from './dom.js';
import { tab } from './storage.js';
import { setText } from './strings.js';

const visited = [...new Set(['', room, ...tab.get('rooms', [])])];

async function showRooms() {
	const answer = await fetch('/rooms').catch(() => {}); // no connection
	const rooms = answer?.ok ? (await answer.json()).rooms : [];
	const others = visited.filter((name) => !rooms.some((known) => known.name === name));
	$('room-list').replaceChildren(...rooms.map(row), ...others.map((name) => row({ name })));
}

function row({ name, users = '' }) {
	const link = name ? make('a', '', make('bdi', '', name)) : setText(make('a'), 'lobby');
	link.href = pathOf(name);
	if (name === room) link.ariaCurrent = 'page';
	return make('li', '', link, ' ', make('small', '', users));
}

function pathOf(name) {
	return (name && `/room/${encodeURIComponent(name)}`) + location.search || '/';
}

tab.set('rooms', visited);
if (room) $('title').textContent = room;
$('rooms').ontoggle = showRooms;
onSubmit('room-form', () => (location.href = pathOf($('room').value.trim())));
