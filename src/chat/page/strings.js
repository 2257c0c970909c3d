// strings.js: says everything in the reader's language, and again in another when that is switched.

import { keep } from './memory.js';
import words from './words.js';

const FORMS = { day: { dateStyle: 'full' }, '': { hour: 'numeric', minute: '2-digit' } };

const said = new WeakMap(); // node → the values in its sentence
const clocks = {}; // making one takes longer than using it a hundred times

let language = keep.get('language') ?? (navigator.language.startsWith('ko') ? 'ko' : 'en');

/** The sentence called `key`, its {holes} filled. "one|many" chooses by the value n. */
export function t(key, values) {
	return parts(key, values).join('');
}

/** Writes the sentence into `node`; a value may be a node itself. */
export function say(node, key, values) {
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

export function sayAll() {
	document.documentElement.lang = language;
	each('[data-t]', (node) => say(node, node.dataset.t, said.get(node)));
	each('[data-hint]', (node) => (node.placeholder = node.ariaLabel = t(node.dataset.hint)));
	each('[data-label]', (node) => (node.ariaLabel = t(node.dataset.label)));
	each('button[data-label]', (node) => (node.title = node.ariaLabel));
	each('time[datetime]', sayTime);
}

/** Writes the time of day (or, for class "day", the date) of a <time> in the reader's way. */
export function sayTime(node) {
	const form = node.className;
	const clock = (clocks[language + form] ??= new Intl.DateTimeFormat(language, FORMS[form]));
	node.textContent = clock.format(new Date(node.dateTime));
}

function parts(key, values = {}) {
	const [one, many = one] = words[key][Number(language === 'ko')].split('|');
	const pieces = (values.n === 1 ? one : many).split(/\{(\w+)\}/);
	return pieces.map((piece, index) => (index % 2 ? values[piece] : piece));
}

function each(selector, act) {
	document.querySelectorAll(selector).forEach(act);
}
