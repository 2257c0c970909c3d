// composer.js: the boxes for text and name. Owns the draft, to whom it goes, and what Enter means.

import { $, onSubmit } from './dom.js';
import { draft } from './memory.js';
import { say } from './strings.js';
import { named } from './text.js';

const text = $('text');
const name = $('name');
let target;

/** `submit(text, target)` says whether it took the text; `signIn(name)` is told the name asked for. */
export function startComposer(submit, signIn) {
	const send = () => text.value.trim() && submit(text.value, target) && write('');
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
	target = person;
	$('private').hidden = !person;
	if (person) say($('private-to'), 'privateTo', { name: named(person) });
	text.focus();
}

/** Puts a refused text back, before whatever has been typed since. */
export function giveBack(refused) {
	write([refused, text.value].filter(Boolean).join('\n'));
}

// Enter sends, Shift+Enter makes a new line. While an input method composes a Korean, Japanese or Chinese
// character, Enter only finishes it. Safari has ended the composition by then, and says key code 229.
function sends(event) {
	return event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}

function write(value) {
	if (text.value !== value) text.value = value;
	draft.set('text', value);
}

function show(form) {
	for (const id of ['name-form', 'text-form']) $(id).hidden = id !== form;
}
