// Turns typed text into nodes: links, and names in their colours.

import { make } from './dom.js';

const URLS = /\bhttps?:\/\/[^\s<>"'\p{Cf}]+/giu;
const TRAILING = '.,;:!?])}*_~…。、'; // punctuation after a link

/** The text as nodes, with links for addresses. */
export function withLinks(text) {
	const nodes = [];
	let end = 0;
	for (const { 0: found, index } of text.matchAll(URLS)) {
		let length = found.length;
		while (TRAILING.includes(found[length - 1])) length--;
		const address = found.slice(0, length);
		nodes.push(text.slice(end, index), link(address));
		end = index + address.length;
	}
	return [...nodes, text.slice(end)];
}

/** Colours a name. The colour depends on the name only. */
export function coloured(node, name) {
	node.classList.add('name');
	node.style.setProperty('--hue', hueOf(name)); // the content security policy forbids style attributes
	return node;
}

/** A name in a sentence; <bdi> isolates its direction of writing. */
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
