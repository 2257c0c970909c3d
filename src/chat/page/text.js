// Turns typed text into nodes: links, code, mentions, and names in their colours.

import { parsed } from './address.js';
import { make } from './dom.js';

const CODE = /```(?:\w*\n)?([\s\S]+?)```\n?|`([^`\n]+)`/g;
const URLS = /\bhttps?:\/\/[^\s<>"'`\p{Cf}]+/giu;
const TRAILING = '.,;:!?*_~…。、'; // punctuation after a link
const BRACKETS = { ')': '(', ']': '[', '}': '{' };
const HUES = 12;
const MOST = 500; // links, mentions and pieces of code in one text: they cost much more than plain text

let left; // how many of them the text may still have

/** The text as nodes. `own` is the name whose mentions are marked. */
export function formatted(text, own) {
	left = MOST;
	return split(text, CODE, (match) => codeOf(match), (plain) => withLinks(plain, own));
}

/** Whether the text mentions that name, as a whole word. A short name needs an @. */
export function mentions(text, name) {
	return Boolean(name) && mentionOf(name).test(text);
}

/** Colours a name. The colour depends on the name only. */
export function coloured(node, name) {
	node.classList.add('name');
	return paint(node, name);
}

/** Makes the colour of a name known to the style. */
function paint(node, name) {
	const number = hash(name) % HUES;
	// The content security policy forbids style attributes, but not this.
	node.style.setProperty('--hue', number * (360 / HUES) + 15);
	node.style.setProperty('--shade', number % 2);
	return node;
}

/** A name in a sentence; <bdi> isolates its direction of writing. */
export function named(name) {
	return coloured(make('bdi', '', name), name);
}

/** Names in a sentence, with commas. */
export function namedAll(names) {
	return make('span', '', ...names.flatMap((name, at) => (at ? [', ', named(name)] : [named(name)])));
}

/** A disc with the first letter of a name. */
export function disc(name) {
	const node = paint(make('span', 'disc'), name);
	node.dataset.letter = [...name][0].toUpperCase(); // for CSS: it is not part of the text
	return node;
}

function withLinks(text, own) {
	const plain = (part) => (own ? split(part, mentionOf(own, 'g'), markOf, (rest) => [rest]) : [part]);
	return split(text, URLS, linkOf, plain);
}

// The nodes that `found` makes of matches, and `rest` of what is between them.
function split(text, pattern, found, rest) {
	const nodes = [];
	let end = 0;
	for (const match of text.matchAll(pattern)) {
		if (--left < 0) break;
		if (match.index > end) nodes.push(...rest(text.slice(end, match.index)));
		nodes.push(...found(match));
		end = match.index + match[0].length;
	}
	if (end < text.length) nodes.push(...rest(text.slice(end)));
	return nodes;
}

function codeOf([, block, inline]) {
	return [block ? make('pre', '', make('code', '', block.replace(/\n$/, ''))) : make('code', '', inline)];
}

function linkOf([found]) {
	const address = withoutTrailing(found);
	const url = parsed(address);
	// https://bank.example@evil.example/ leads to evil.example, as the user "bank.example".
	if (!url || url.username || url.password) return [found];
	const node = make('a', '', address);
	node.href = address;
	node.target = '_blank';
	node.rel = 'noopener noreferrer nofollow';
	return [node, found.slice(address.length)].filter(Boolean);
}

// A closing bracket belongs to the address if the address has the opening one.
function withoutTrailing(address) {
	const surplus = {};
	for (const closing in BRACKETS) surplus[closing] = address.split(closing).length - address.split(BRACKETS[closing]).length;
	let length = address.length;
	for (; TRAILING.includes(address[length - 1]) || surplus[address[length - 1]] > 0; length--) surplus[address[length - 1]]--;
	return address.slice(0, length);
}

// Word boundaries by hand: \b knows Latin letters only, and Korean joins particles to names.
function mentionOf(name, flags = '') {
	const escaped = name.replace(/[^\p{L}\p{N}\s]/gu, '\\$&');
	const at = [...name].length < 3 && /^[\p{Script=Latin}\p{N}]+$/u.test(name) ? '@' : '@?';
	const before = at === '@' ? '()' : '(^|[^\\p{L}\\p{N}_])';
	return new RegExp(`${before}(${at}${escaped})(?![\\p{Script=Latin}\\p{N}_])`, `iu${flags}`);
}

function markOf([, before, mention]) {
	return [before, make('mark', '', mention)].filter(Boolean);
}

function hash(name) {
	let value = 7;
	for (const letter of name.toLowerCase()) value = (value * 31 + letter.codePointAt(0)) % 9973;
	return value;
}
