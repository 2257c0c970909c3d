// The conversation: messages, notes, and the messages that wait to be sent.

import { $, make } from './dom.js';
import { changeAbove, countNewer, isAtEnd } from './follow.js';
import { isIgnored } from './ignore.js';
import { Presence } from './presence.js';
import { RowMaker, deleted, timeNode } from './rows.js';
import { setText } from './strings.js';
import { formatted } from './text.js';

const MAX_ROWS = 1500; // twice that while the reader is further up
const DROP = 200; // rows at a time

const log = $('log');
const rows = new RowMaker();

let presence; // the note about who joined and left, while it is the last row
let unread; // the line above what came while the reader was away

/** Shows a message. `own` is the reader's name. */
export function addMessage(message, mine, own) {
	append(...rows.message(message, mine, own));
	$('empty').hidden = true;
	if (mine) clearUnread();
	else if (!message.name || !isIgnored(message.name)) countNewer();
}

/** Shows that the message of this number was deleted. An earlier numbering may have the number, too. */
export function showDeleted(seq) {
	const row = [...log.children].reverse().find((row) => row.seq === seq);
	row?.querySelector('.body')?.replaceChildren(deleted());
}

/** Shows an event of the room, such as a new name. */
export function addNote(key, values, date = Date.now()) {
	append(...rows.note(date), make('div', `note ${key}`, setText(make('span'), key, values), ' ', timeNode(date)));
}

/** Shows that someone `joined` or `left`. */
export function addPresence(what, name, date = Date.now()) {
	if (log.lastChild !== presence?.node) {
		presence = new Presence();
		append(...rows.note(date), presence.node);
		presence.node.append(timeNode(date));
	}
	presence[what](name);
}

/** Draws the line above the next message, unless there is one. */
export function markUnread() {
	if (unread?.isConnected) return;
	unread = make('div', 'note unread', setText(make('span'), 'unread'));
	append(unread);
}

export function clearUnread() {
	unread?.remove();
}

/** Shows older messages before all others. */
export function addOlder(messages, isMine, own) {
	const maker = new RowMaker();
	const older = messages.flatMap((message) => maker.message(message, isMine(message), own));
	const [first] = log.children;
	const isSameDay = first?.firstChild?.className === 'day' && maker.day(first.firstChild.dateTime).length === 0;
	changeAbove(() => {
		if (isSameDay) first.remove();
		log.prepend(...older);
	});
}

/** The number of the first message that is shown; undefined if there is none. */
export function firstNumber() {
	return [...log.children].find((row) => row.seq)?.seq;
}

/** Shows the messages that wait to be sent, below all others. */
export function showPending(entries, ready) {
	const row = ({ text, target }) => {
		const bubble = make('div', 'text', ...formatted(text));
		bubble.dir = 'auto';
		const state = setText(make('small'), ready ? 'sending' : 'waiting');
		return make('div', target ? 'row mine private' : 'row mine', make('div', 'body', bubble), state);
	};
	$('pending').replaceChildren(...entries.map(row));
}

function append(...added) {
	log.append(...added);
	if (log.childElementCount > (isAtEnd() ? 1 : 2) * MAX_ROWS) dropOldest();
}

function dropOldest() {
	changeAbove(() => {
		for (let i = 0; i < DROP; i++) log.firstChild.remove();
		$('dropped').hidden = false;
	});
}
