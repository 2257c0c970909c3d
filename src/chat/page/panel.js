// The list of people and rooms on a narrow screen, where it is over the conversation.

import { $ } from './dom.js';

const panel = $('people');
const button = $('people-button');

export function startPanel() {
	// On a small screen the list of people needs the space.
	$('settings').open = matchMedia('(min-width: 801px) and (min-height: 40rem)').matches;
	button.onclick = () => (panel.classList.contains('open') ? closePanel() : open());
	panel.addEventListener('keydown', ({ key }) => {
		if (key !== 'Escape' || !panel.classList.contains('open')) return;
		closePanel();
		button.focus();
	});
	document.addEventListener('pointerdown', ({ target }) => {
		if (!panel.contains(target) && !button.contains(target)) closePanel();
	});
}

export function closePanel() {
	toggle(false);
}

function open() {
	toggle(true);
	panel.querySelector('summary').focus();
}

function toggle(isOpen) {
	panel.classList.toggle('open', isOpen);
	button.ariaExpanded = String(isOpen);
}
