// people.js: the list of who is here.

import { $, make } from './dom.js';
import { say, t } from './strings.js';
import { coloured } from './text.js';

/** Shows the names, `own` told apart; `pick` is called with one that is clicked. */
export function showPeople(names, own, pick) {
	$('people-list').replaceChildren(...names.map((name) => person(name, name === own, pick)));
	$('people-count').textContent = names.length;
	say($('people-title'), 'people', { n: names.length });
}

function person(name, own, pick) {
	const who = coloured(make('button', '', make('bdi', '', name)), name);
	who.onclick = () => pick(name);
	if (own) who.append(' ', say(make('small'), 'you'));
	else who.title = t('writePrivately', { name });
	return make('li', '', who);
}
