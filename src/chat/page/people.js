// The list of people in the room.

import { $, make } from './dom.js';
import { setText, t } from './strings.js';
import { coloured } from './text.js';

/** Shows the names and marks `own`. A click on a name calls pick(name). */
export function showPeople(names, own, pick) {
	$('people-list').replaceChildren(...names.map((name) => person(name, name === own, pick)));
	$('people-count').textContent = names.length;
	setText($('people-title'), 'people', { n: names.length });
}

function person(name, own, pick) {
	const button = coloured(make('button', '', make('bdi', '', name)), name);
	button.onclick = () => pick(name);
	if (own) button.append(' ', setText(make('small'), 'you'));
	else button.title = t('writePrivately', { name });
	return make('li', '', button);
}
