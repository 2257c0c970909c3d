// The text box, the name box, and the draft with its recipient.

import { $, onSubmit } from './dom.js';
import { draft } from './storage.js';
import { setText } from './strings.js';
import { named } from './text.js';

const text = $('text');
const name = $('name');
const rejected = draft.get('refused', []); // texts that the server rejected
let target; // the recipient of a private message; undefined for all

/** Calls submit(text, target) and signIn(name). */
export function startComposer(submit, signIn) {
	const send = () => {
		const [value, to] = [text.value, target];
		if (!value.trim()) return;
		write('');
		submit(value, to);
	};
	setTarget(draft.get('target'));
	write(draft.get('text', ''));
	text.oninput = () => write(text.value);
	text.onkeydown = (event) => {
		if (!isSendKey(event)) return;
		event.preventDefault();
		send();
	};
	onSubmit('text-form', () => {
		send();
		text.focus();
	});
	onSubmit('name-form', () => {
		const wanted = name.value.trim();
		if (!wanted) return;
		signIn(wanted);
		showComposer(wanted);
		text.focus();
	});
	$('change-name').onclick = () => askName($('me').textContent);
	$('write-to-all').onclick = () => writeTo();
}

export function askName(current = '') {
	show('name-form');
	name.value = current;
	name.select();
}

export function showComposer(own) {
	show('text-form');
	$('me').replaceChildren(named(own));
}

/** The next message is for one person, or without a name for all. */
export function writeTo(person) {
	setTarget(person);
	text.focus();
}

/** Puts a rejected text back before the draft. If the draft is for someone else, waits until it is sent. */
export function restore(entry) {
	rejected.push(entry);
	restoreNext();
}

// A text keeps its recipient: Enter must not make a private text public.
function restoreNext() {
	const [entry] = rejected;
	if (entry && (!text.value || entry.target === target)) {
		rejected.shift();
		setTarget(entry.target);
		write([entry.text, text.value].filter(Boolean).join('\n'));
	}
	draft.set('refused', rejected);
}

function setTarget(person) {
	target = person;
	draft.set('target', person ?? null);
	$('private').hidden = !person;
	if (person) setText($('private-to'), 'privateTo', { name: named(person) });
}

// While an input method composes a Korean, Japanese or Chinese character, Enter only completes it. Safari ends the
// composition first and then reports key code 229.
function isSendKey(event) {
	return event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}

function write(value) {
	if (text.value !== value) text.value = value;
	draft.set('text', value);
	if (!value) restoreNext();
}

function show(form) {
	for (const id of ['name-form', 'text-form']) $(id).hidden = id !== form;
}
