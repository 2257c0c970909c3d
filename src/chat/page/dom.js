// Helpers for the document. Text becomes text nodes, never markup, so that no message can become an element.

const SVG = 'http://www.w3.org/2000/svg';

export const $ = (id) => document.getElementById(id);

/** Makes <tag class="className"> with children: nodes, or strings that stay text. */
export function make(tag, className = '', ...children) {
	const node = document.createElement(tag);
	if (className) node.className = className;
	node.append(...children);
	return node;
}

/** One of the icons that index.html defines. */
export function icon(name) {
	const svg = document.createElementNS(SVG, 'svg');
	const use = document.createElementNS(SVG, 'use');
	use.setAttribute('href', `#icon-${name}`);
	svg.setAttribute('aria-hidden', 'true');
	svg.append(use);
	return svg;
}

/** Calls `act` when the form is submitted, and stays on the page. */
export function onSubmit(id, act) {
	$(id).onsubmit = (event) => {
		event.preventDefault();
		act();
	};
}

/** Copies to the clipboard. navigator.clipboard exists on https and localhost only. */
export function copy(text) {
	const fill = (event) => {
		event.preventDefault();
		event.clipboardData.setData('text/plain', text);
	};
	document.addEventListener('copy', fill);
	document.execCommand('copy');
	document.removeEventListener('copy', fill); // if the browser refused
}
