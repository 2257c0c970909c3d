// composer.js: the boxes for text and name. Owns the draft, to whom it goes, and what Enter means.

import { $, onSubmit } from './dom.js';
import { draft } from './memory.js';
import { say } from './strings.js';
import { named } from './text.js';

const text = $('text');
const name = $('name');
const refused = draft.get('refused', []); // texts that came back
let target; // the one person who is to get it; undefined: all

/** `submit` is told a text and its target; `signIn` the name asked for. */
export function startComposer(submit, signIn) {
	const send = () => {
		const [said, to] = [text.value, target];
		if (!said.trim()) return;
		write('');
		submit(said, to);
	};
	aim(draft.get('target'));
	write(draft.get('text', ''));
	text.oninput = () => write(text.value);
	text.onkeydown = (event) => {
		if (!sends(event)) return;
		event.preventDefault();
		send();
	};
	onSubmit('text-form', () => {
		send();
		text.focus();
	});
	onSubmit('name-form', () => {
		const wish = name.value.trim();
		if (!wish) return;
		signIn(wish);
		showComposer(wish);
		text.focus();
	});
	$('change-name').onclick = () => askName($('me').textContent);
	$('unpick').onclick = () => writeTo();
}

export function askName(present = '') {
	show('name-form');
	name.value = present;
	name.select();
}

export function showComposer(own) {
	show('text-form');
	$('me').replaceChildren(named(own));
}

/** Directs what is typed to one person; without a name, to all again. */
export function writeTo(person) {
	aim(person);
	text.focus();
}

/** Puts a refused text back, before what was typed since; if that is for others, once it is gone. */
export function giveBack(entry) {
	refused.push(entry);
	takeBack();
}

// A text never changes those whom it is for: what was private must not become public by Enter.
function takeBack() {
	const [entry] = refused;
	if (entry && (!text.value || entry.target === target)) {
		refused.shift();
		aim(entry.target);
		write([entry.text, text.value].filter(Boolean).join('\n'));
	}
	draft.set('refused', refused);
}

function aim(person) {
	target = person;
	draft.set('target', person ?? null);
	$('private').hidden = !person;
	if (person) say($('private-to'), 'privateTo', { name: named(person) });
}

// While an input method composes a Korean, Japanese or Chinese character, Enter only finishes it. Safari has ended the
// composition by then, and says key code 229.
function sends(event) {
	return event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}

function write(value) {
	if (text.value !== value) text.value = value;
	draft.set('text', value);
	if (!value) takeBack();
}

function show(form) {
	for (const id of ['name-form', 'text-form']) $(id).hidden = id !== form;
}
