// The conversation. It scrolls to the newest message if the reader is at the end, and does not move otherwise.

import { $, make } from './dom.js';
import { setText, showTime } from './strings.js';
import { coloured, named, withLinks } from './text.js';

const MAX_ROWS = 1500; // twice that while the reader is further up
const DROP = 200; // rows at a time
const NEAR = 40; // pixels from the end that count as the end
const LONG = 1200; // characters; a longer text scrolls in its own box
const GROUP = 5 * 60000; // milliseconds within which one person's messages share a heading

const log = $('log');
const scroller = $('scroller');
const newer = $('newer');

let atEnd = true;
let lastTop = 0;
let unseen = 0;
let last = {}; // name, target and date of the latest message

/** Shows a message. A click on its name calls pick(name). */
export function addMessage({ name, text, date, target }, mine, pick) {
	startDay(date);
	const again = last.name === name && last.target === target && date - last.date < GROUP;
	last = { name, target, date };
	const kind = ['row', mine && 'mine', again && 'again', target && 'private'].filter(Boolean).join(' ');
	append(make('div', kind, heading(name, date, target, mine, pick), bubble(text)));
	if (!atEnd) showUnseen(unseen + 1);
}

/** Shows an event of the room, such as a new name. */
export function addNote(key, values, date = Date.now()) {
	startDay(date);
	last = { date };
	append(make('div', 'note', setText(make('span'), key, values), ' ', time(date)));
}

/** Shows the messages that wait to be sent, below all others. */
export function showPending(entries, ready) {
	const row = ({ text }) => make('div', 'row mine', bubble(text), setText(make('small'), ready ? 'sending' : 'waiting'));
	$('pending').replaceChildren(...entries.map(row));
}

export function scrollToEnd() {
	scroller.scrollTop = scroller.scrollHeight;
}

function append(row) {
	$('empty').hidden = true;
	log.append(row);
	if (log.childElementCount > (atEnd ? 1 : 2) * MAX_ROWS) dropOldest();
}

function dropOldest() {
	for (let i = 0; i < DROP; i++) log.firstChild.remove();
	$('dropped').hidden = false;
}

function heading(name, date, target, mine, pick) {
	const button = coloured(make('button', '', make('bdi', '', name)), name);
	button.tabIndex = -1; // keyboard users have the list of people
	button.onclick = () => pick(name);
	const head = make('div', 'head', button, time(date));
	if (target) button.after(setText(make('small'), mine ? 'privateTo' : 'privately', { name: named(target) }));
	return head;
}

function bubble(text) {
	const node = make('div', 'text', ...withLinks(text));
	node.dir = 'auto';
	if (text.length > LONG) node.tabIndex = 0; // so that keys scroll it
	return node;
}

function startDay(date) {
	if (new Date(last.date).toDateString() === new Date(date).toDateString()) return;
	last = {};
	append(make('div', 'note separator', time(date, 'day')));
}

function time(date, kind) {
	const node = make('time', kind);
	node.dateTime = new Date(date).toISOString();
	showTime(node);
	return node;
}

function showUnseen(n) {
	unseen = n;
	newer.hidden = n === 0;
	setText(newer, 'newer', { n });
}

// Scroll anchoring is off while the view follows (.following), so only the reader moves it up.
scroller.onscroll = () => {
	const { scrollTop, scrollHeight, clientHeight } = scroller;
	if (scrollHeight - scrollTop - clientHeight < NEAR) atEnd = true;
	else if (scrollTop < lastTop) atEnd = false;
	lastTop = scrollTop;
	scroller.classList.toggle('following', atEnd);
	if (atEnd && unseen) showUnseen(0);
};

// The size changes with each message, and with a phone's keyboard.
const follow = new ResizeObserver(() => atEnd && scrollToEnd());
follow.observe(scroller);
follow.observe($('thread'));

newer.onclick = () => {
	scrollToEnd();
	$('text').focus();
};
