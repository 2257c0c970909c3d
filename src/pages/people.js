// people.js: the list of who is here. Owns its rows and, on a narrow screen, its opening and closing.

import { $, make } from './dom.js';
import { say, t } from './strings.js';
import { coloured } from './text.js';

const button = $('people-button');

/** Shows the names, `own` told apart; `pick` is called with one that is clicked. */
export function showPeople(names, own, pick) {
	$('people-list').replaceChildren(...names.map((name) => person(name, name === own, pick)));
	$('people-count').textContent = names.length;
	say($('people-title'), 'people', { n: names.length });
}

export function openPeople(open) {
	$('people').classList.toggle('open', open);
	button.ariaExpanded = String(open);
}

function person(name, own, pick) {
	const who = coloured(make('button', '', make('bdi', '', name)), name);
	who.onclick = () => pick(name);
	if (own) who.append(' ', say(make('small'), 'you'));
	else who.title = t('writePrivately', { name });
	return make('li', '', who);
}

button.onclick = () => openPeople(button.ariaExpanded === 'false');
addEventListener('keydown', ({ key }) => key === 'Escape' && openPeople(false));
