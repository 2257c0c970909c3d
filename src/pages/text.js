// text.js: what people typed, as nodes. Owns links and colours of names.

import { make } from './dom.js';

const URLS = /\bhttps?:\/\/[^\s<>"']+/gi;
const TRAILING = /[.,;:!?\])}*_~…。、]+$/; // the sentence's, more likely than the link's

/** The text as nodes: http and https addresses become links. */
export function withLinks(text) {
	const nodes = [];
	let end = 0;
	for (const { 0: found, index } of text.matchAll(URLS)) {
		const address = found.replace(TRAILING, '');
		nodes.push(text.slice(end, index), link(address));
		end = index + address.length;
	}
	return [...nodes, text.slice(end)];
}

/** A name in its own colour: the same for everybody, at every visit. */
export function coloured(node, name) {
	node.classList.add('name');
	node.style.setProperty('--hue', hueOf(name)); // not a style attribute, which the policy forbids
	return node;
}

/** A name as part of a sentence; <bdi> keeps an Arabic one from turning the sentence round. */
export function named(name) {
	return coloured(make('bdi', '', name), name);
}

function link(address) {
	if (!URL.canParse(address)) return address;
	const node = make('a', '', address);
	node.href = address;
	node.target = '_blank';
	node.rel = 'noopener noreferrer nofollow';
	return node;
}

function hueOf(name) {
	let hash = 7;
	for (const letter of name.toLowerCase()) hash = (hash * 31 + letter.codePointAt(0)) % 9973;
	return (hash * 47) % 360;
}
