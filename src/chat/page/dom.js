// dom.js: the few words in which the other files speak to the document.
// Text becomes text nodes, never markup: nothing that a stranger typed can become an element.

export const $ = (id) => document.getElementById(id);

/** Makes <tag class="className"> with the children given: nodes, or strings that stay text. */
export function make(tag, className = '', ...children) {
	const node = document.createElement(tag);
	if (className) node.className = className;
	node.append(...children);
	return node;
}

/** Calls `act` when the form is sent off, in place of leaving the page. */
export function onSubmit(id, act) {
	$(id).onsubmit = (event) => {
		event.preventDefault();
		act();
	};
}

/** To the clipboard, the old way: navigator.clipboard is there on https and localhost only. */
export function copy(text) {
	const fill = (event) => {
		event.preventDefault();
		event.clipboardData.setData('text/plain', text);
	};
	document.addEventListener('copy', fill, { once: true });
	document.execCommand('copy');
}
