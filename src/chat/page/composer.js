// The text box, and the draft with its recipient.

import { $, onSubmit } from './dom.js';
import { draft, isEntry, isListOf, isTarget, isText } from './storage.js';
import { setText } from './strings.js';
import { named } from './text.js';

const text = $('text');
const rejected = draft.get('refused', isListOf(isEntry), []); // texts that the server rejected

let target; // the recipient of a private message, { name, id }; undefined for all

/** Calls submit(text, target), which returns false if the text is to stay. */
export function startComposer(submit) {
	const send = () => {
		const [value, to] = [text.value, target];
		if (!value.trim()) return;
		write(''); // before the text can come back
		if (submit(value, to) === false) write([value, text.value].filter(Boolean).join('\n'));
	};
	setTarget(draft.get('target', isTarget));
	write(draft.get('text', isText, ''));
	text.oninput = () => write(text.value);
	text.addEventListener('keydown', (event) => {
		if (event.defaultPrevented) return; // completion took it
		if (event.key === 'Escape' && target) return writeTo();
		if (!isSendKey(event)) return;
		event.preventDefault();
		send();
	});
	onSubmit('text-form', () => {
		send();
		text.focus();
	});
	$('write-to-all').onclick = () => writeTo();
}

/** The next message is for one person, { name, id }, or without one for all. */
export function writeTo(person) {
	setTarget(person);
	text.focus();
}

/** A person has a new name, or a new connection. */
export function followTarget(before, person, formerId) {
	const follow = (to) => ((to.id ? [person.id, formerId].includes(to.id) : to.name === before) ? person : to);
	if (target) setTarget(follow(target));
	for (const entry of rejected) entry.target &&= follow(entry.target);
}

/** The server counts connections from the beginning again: the old numbers now belong to other people. */
export function forgetNumbers() {
	if (target) setTarget({ name: target.name });
	for (const entry of rejected) entry.target &&= { name: entry.target.name };
}

/** Puts a rejected text back before the draft. If the draft is for someone else, waits until it is sent. */
export function restore(entry) {
	rejected.push(entry);
	restoreNext();
}

/** Replaces the text box's content. */
export function write(value) {
	if (text.value !== value) text.value = value;
	draft.set('text', value);
	fit();
	if (!value) restoreNext();
}

// A text keeps its recipient: Enter must not make a private text public.
function restoreNext() {
	const [entry] = rejected;
	if (entry && (!text.value || entry.target?.name === target?.name)) {
		rejected.shift();
		setTarget(entry.target);
		write([entry.text, text.value].filter(Boolean).join('\n'));
	}
	draft.set('refused', rejected);
}

function setTarget(person) {
	target = person ?? undefined;
	draft.set('target', person ?? null);
	$('private').hidden = !person;
	$('text-form').classList.toggle('private', Boolean(person));
	if (person) setText($('private-to'), 'privateTo', { name: named(person.name) });
}

// Browsers without `field-sizing` need a height.
function fit() {
	if (CSS.supports('field-sizing', 'content')) return;
	text.style.height = 'auto';
	text.style.height = `${text.scrollHeight}px`;
}

// While an input method composes a Korean, Japanese or Chinese character, Enter only completes it. Safari ends the
// composition first and then reports key code 229.
function isSendKey(event) {
	return event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}
