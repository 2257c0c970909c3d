// log.js: the conversation. Owns the rows, how many stay, and the scrolling: it follows the newest message if
// the reader is at the end, and never moves otherwise.

import { $, make } from './dom.js';
import { say, sayTime } from './strings.js';
import { coloured, named, withLinks } from './text.js';

const MOST_ROWS = 1500; // twice that while reading further up
const FEWER = 200; // dropped at a time
const NEAR = 40; // pixels from the end that count as the end
const LONG = 1200; // characters, in a box that scrolls
const TOGETHER = 5 * 60000; // milliseconds within which messages of one person share a heading

const log = $('log');
const scroller = $('scroller');
const newer = $('newer');

let atEnd = true;
let lastTop = 0;
let unseen = 0;
let last = {}; // the latest message: whose, to whom, when

/** Shows a message; `pick` is called with its name when that is clicked. */
export function addMessage({ name, text, date, target }, mine, pick) {
	startDay(date);
	const again = last.name === name && last.target === target && date - last.date < TOGETHER;
	last = { name, target, date };
	const kind = ['row', mine && 'mine', again && 'again', target && 'private'].filter(Boolean).join(' ');
	append(make('div', kind, heading(name, date, target, mine, pick), bubble(text)));
	if (!atEnd) sayUnseen(unseen + 1);
}

/** Shows a line about the room: somebody came, went, changed the name. */
export function addNote(key, values, date = Date.now()) {
	startDay(date);
	last = { date };
	append(make('div', 'note', say(make('span'), key, values), ' ', time(date)));
}

/** Shows what waits to be sent, below everything. */
export function showPending(entries, ready) {
	const row = ({ text }) => make('div', 'row mine', bubble(text), say(make('small'), ready ? 'sending' : 'waits'));
	$('pending').replaceChildren(...entries.map(row));
}

export function scrollToEnd() {
	scroller.scrollTop = scroller.scrollHeight;
}

function append(row) {
	$('empty').hidden = true;
	log.append(row);
	if (log.childElementCount > (atEnd ? 1 : 2) * MOST_ROWS) dropOldest();
}

function dropOldest() {
	for (let i = 0; i < FEWER; i++) log.firstChild.remove();
	$('dropped').hidden = false;
}

function heading(name, date, target, mine, pick) {
	const who = coloured(make('button', '', make('bdi', '', name)), name);
	who.tabIndex = -1; // by keyboard: the list of people
	who.onclick = () => pick(name);
	const head = make('div', 'head', who, time(date));
	if (target) who.after(say(make('small'), mine ? 'privateTo' : 'privately', { name: named(target) }));
	return head;
}

function bubble(text) {
	const node = make('div', 'text', ...withLinks(text));
	node.dir = 'auto';
	if (text.length > LONG) node.tabIndex = 0; // so that keys can scroll it
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
	sayTime(node);
	return node;
}

function sayUnseen(n) {
	unseen = n;
	newer.hidden = n === 0;
	say(newer, 'newer', { n });
}

// Only a reader moves the view up: scroll anchoring is off while we follow (.following).
scroller.onscroll = () => {
	const { scrollTop, scrollHeight, clientHeight } = scroller;
	if (scrollHeight - scrollTop - clientHeight < NEAR) atEnd = true;
	else if (scrollTop < lastTop) atEnd = false;
	lastTop = scrollTop;
	scroller.classList.toggle('following', atEnd);
	if (atEnd && unseen) sayUnseen(0);
};

// Follows whatever changed the size: a message, the phone's keyboard.
const follow = new ResizeObserver(() => atEnd && scrollToEnd());
follow.observe(scroller);
follow.observe($('thread'));

newer.onclick = () => {
	scrollToEnd();
	$('text').focus();
};
