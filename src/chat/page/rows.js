// Makes the rows of the conversation. A row is a message, or a note such as a new day.

import { copy, icon, make } from './dom.js';
import { isIgnored } from './ignore.js';
import { setText, showTime, t } from './strings.js';
import { coloured, disc, formatted, mentions, named } from './text.js';

const LONG = 1200; // characters; a longer text scrolls in its own box
const TALL = 30; // lines, the same
const GROUP = 5 * 60000; // milliseconds within which one person's messages share a heading

/** Makes rows in their order, which decides where a day or a group begins. */
export class RowMaker {
	#last = {}; // name, target, date and row of the latest message

	/** The rows of a message: itself, and before it a new day. Without a text, it was deleted. */
	message({ name, text, date, target, seq }, mine, own) {
		if (!text) return [Object.assign(make('div', 'row', deleted()), { seq })];
		const rows = this.day(date);
		const again = this.#last.name === name && this.#last.target === target && date - this.#last.date < GROUP;
		if (again) this.#last.row.classList.add('joined');
		const action = /^\/me\s/.test(text);
		const isMention = !mine && mentions(text, own);
		const look = action ? 'action' : [mine && 'mine', again && 'again'].filter(Boolean).join(' ');
		const row = make('div', ['row', look, target && 'private', isMention && 'mention'].filter(Boolean).join(' '));
		this.#last = { name, target, date, row };
		row.seq = seq;
		if (!mine) row.dataset.name = name;
		row.hidden = !mine && isIgnored(name);
		if (action || (!again && !mine)) row.append(disc(name));
		if (!again || action) row.append(heading(name, date, target, mine));
		row.append(body(action ? text.slice(4) : text, date, mine ? undefined : own));
		if (seq) for (const time of row.querySelectorAll('time')) time.title += ` #${seq}`; // for operators
		return [...rows, row];
	}

	/** The row of a new day, if it is one. */
	day(date) {
		if (new Date(this.#last.date).toDateString() === new Date(date).toDateString()) return [];
		this.#last = { date };
		return [make('div', 'note day', timeNode(date, 'day'))];
	}

	/** A note interrupts a group of messages. */
	note(date) {
		const rows = this.day(date);
		this.#last = { date };
		return rows;
	}
}

export function deleted() {
	return setText(make('i', 'note'), 'deleted');
}

export function timeNode(date, kind) {
	const node = make('time', kind);
	node.dateTime = new Date(date).toISOString();
	showTime(node);
	return node;
}

function heading(name, date, target, mine) {
	const button = coloured(make('button', 'plain', make('bdi', '', name)), name);
	button.tabIndex = -1; // keyboard users have the list of people
	const head = make('div', 'head', button);
	if (target) {
		const only = setText(make('span'), mine ? 'privateTo' : 'privately', { name: named(target) });
		head.append(make('small', 'only', icon('lock'), only));
	}
	head.append(timeNode(date));
	return head;
}

function body(text, date, own) {
	const bubble = make('div', 'text', ...formatted(text, own));
	bubble.dir = 'auto';
	if (text.length > LONG || text.split(/[\n\r\f\v\x85\u2028\u2029]/, TALL + 1).length > TALL) bubble.tabIndex = 0; // so that keys scroll it
	for (const block of bubble.querySelectorAll('pre')) {
		const frame = make('div', 'block');
		block.replaceWith(frame);
		frame.append(block, copyButton(() => block.textContent));
	}
	return make('div', 'body', bubble, copyButton(() => text), timeNode(date));
}

function copyButton(text) {
	const button = make('button', 'plain copy', icon('copy'));
	button.tabIndex = -1; // the text itself can be selected by keyboard
	button.title = button.ariaLabel = t('copy');
	button.dataset.label = 'copy';
	button.onclick = () => {
		copy(text());
		button.classList.add('done');
		setTimeout(() => button.classList.remove('done'), 1000);
	};
	return button;
}
