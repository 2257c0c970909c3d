// strings.js: says everything in the reader's language. Owns the choice of language; the words are in
// en.js and ko.js, and nowhere else. A word, once said, is said again when the language changes.

import en from './en.js';
import ko from './ko.js';
import { keep } from './memory.js';

const tables = { en, ko };
const said = new WeakMap(); // node → the values in its sentence
const fallback = navigator.language.startsWith('ko') ? 'ko' : 'en';

export let language = keep.get('language', fallback) in tables ? keep.get('language', fallback) : fallback;

/** The sentence called `key`, its {holes} filled. "one|many" chooses by the value n. */
export function t(key, values = {}) {
	return parts(key, values).join('');
}

/** Writes the sentence into `node`; a value may be a node itself. */
export function say(node, key, values = {}) {
	said.set(node, values);
	node.dataset.t = key;
	node.replaceChildren(...parts(key, values));
	return node;
}

export function switchLanguage() {
	language = language === 'en' ? 'ko' : 'en';
	keep.set('language', language);
	sayAll();
}

/** Says all that the document says in the present language. */
export function sayAll() {
	document.documentElement.lang = language;
	each('[data-t]', (node) => say(node, node.dataset.t, said.get(node)));
	each('[data-hint]', (node) => { node.placeholder = t(node.dataset.hint); });
	each('[data-label]', (node) => {
		node.ariaLabel = t(node.dataset.label);
		node.title = node.ariaLabel;
	});
	each('time[datetime]', sayTime);
}

/** Writes the time of day (or, for class "day", the date) of a <time> in the reader's way. */
export function sayTime(node) {
	node.textContent = clock(node.className === 'day' ? 'day' : 'minute').format(new Date(node.dateTime));
}

const FORMS = { day: { dateStyle: 'full' }, minute: { hour: 'numeric', minute: '2-digit' } };
const clocks = {}; // making one takes longer than using it a hundred times

function clock(form) {
	return (clocks[language + form] ??= new Intl.DateTimeFormat(language, FORMS[form]));
}

function parts(key, values) {
	const [one, many = one] = tables[language][key].split('|');
	return (values.n === 1 ? one : many)
		.split(/\{(\w+)\}/)
		.map((piece, index) => (index % 2 ? values[piece] : piece));
}

function each(selector, act) {
	for (const node of document.querySelectorAll(selector)) act(node);
}
