// copy.js: to the clipboard, the old way: navigator.clipboard is there on https and localhost only.

export function copy(text) {
	const fill = (event) => {
		event.preventDefault();
		event.clipboardData.setData('text/plain', text);
	};
	document.addEventListener('copy', fill, { once: true });
	document.execCommand('copy');
}
