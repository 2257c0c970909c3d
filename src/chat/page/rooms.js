// rooms.js: the way to other rooms: plain links, so that Back, bookmarks and new tabs work. The server is asked for
// its list when that is opened; not every server tells.

import { room } from './address.js';
import { $, make, onSubmit } from './dom.js';
import { tab } from './memory.js';
import { say } from './strings.js';

const visited = [...new Set(['', room, ...tab.get('rooms', [])])];

async function showRooms() {
	const answer = await fetch('/rooms').catch(() => {}); // away
	const rooms = answer?.ok ? (await answer.json()).rooms : [];
	const others = visited.filter((name) => !rooms.some((known) => known.name === name));
	$('room-list').replaceChildren(...rooms.map(row), ...others.map((name) => row({ name })));
}

function row({ name, users = '' }) {
	const link = name ? make('a', '', make('bdi', '', name)) : say(make('a'), 'lobby');
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
