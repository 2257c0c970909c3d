// Shows each text in the reader's language, and changes it when the language is switched.

import { keep } from './storage.js';
import { translations } from './translations.js';

const FORMS = {
	'': { hour: 'numeric', minute: '2-digit' },
	day: { dateStyle: 'full' },
	full: { dateStyle: 'full', timeStyle: 'medium' },
};

const shown = new WeakMap(); // node → the values in its text
const formats = {}; // one takes longer to make than to use a hundred times

let language = keep.get('language', (value) => value === 'en' || value === 'ko', navigator.language.startsWith('ko') ? 'ko' : 'en');

/** Adds the texts of a part that is loaded later. */
export function addTexts(more) {
	Object.assign(translations, more);
}

export function has(key) {
	return key in translations;
}

/** The text `key` with its {placeholders} filled in. "one|many" chooses by n. */
export function t(key, values) {
	return parts(key, values).join('');
}

/** Puts the text into `node`. A value may be a node. */
export function setText(node, key, values) {
	shown.set(node, values);
	node.dataset.t = key;
	node.replaceChildren(...parts(key, values));
	return node;
}

export function switchLanguage() {
	language = language === 'en' ? 'ko' : 'en';
	keep.set('language', language);
	showAllTexts();
}

export function showAllTexts() {
	document.documentElement.lang = language;
	each('[data-t]', (node) => setText(node, node.dataset.t, shown.get(node)));
	each('[data-hint]', (node) => (node.placeholder = node.ariaLabel = t(node.dataset.hint)));
	each('[data-label]', (node) => (node.ariaLabel = t(node.dataset.label)));
	each('button[data-label]', (node) => (node.title = node.ariaLabel));
	each('time[datetime]', showTime);
}

/** Shows the time of a <time>, or for class "day" its date, in the reader's language. */
export function showTime(node) {
	const form = node.className;
	const date = new Date(node.dateTime);
	node.textContent = formatOf(form).format(date);
	node.title = formatOf('full').format(date);
}

function formatOf(form) {
	return (formats[language + form] ??= new Intl.DateTimeFormat(language, FORMS[form]));
}

function parts(key, values = {}) {
	const [one, many = one] = translations[key][Number(language === 'ko')].split('|');
	const pieces = (values.n === 1 ? one : many).split(/\{(\w+)\}/);
	return pieces.map((piece, index) => (index % 2 ? (values[piece] ?? '') : piece));
}

function each(selector, act) {
	document.querySelectorAll(selector).forEach(act);
}
