// Loads the panel "Under the hood" when it is opened, and keeps the reports of the chat's sockets until then.

import { $ } from './dom.js';
import { showError } from './status.js';
import { showAllTexts } from './strings.js';

const MAX_REPORTS = 400;

const panel = $('inspector');
const button = $('inspector-button');

let chat;
let askHandshake;
let reports = [];
let inspector; // what inspector.js exports; a promise while it is loading

/** `inspect` asks the server for the handshake and the bytes of frames. */
export function startInspector(connection, inspect) {
	chat = connection;
	askHandshake = inspect;
	chat.listen((report) => {
		if (!('number' in report)) return; // not an event of a socket
		if (inspector?.show) inspector.show(report);
		else if (reports.push(report) > 2 * MAX_REPORTS) reports = reports.slice(-MAX_REPORTS);
	});
}

async function load() {
	const address = (file) => new URL(file, import.meta.url);
	const style = document.createElement('link');
	style.rel = 'stylesheet';
	style.href = address('./inspector.css');
	const isStyled = new Promise((resolve, reject) => Object.assign(style, { onload: resolve, onerror: reject }));
	document.head.append(style);
	panel.innerHTML = await fetchText(address('./inspector.html'));
	const exports = await import('./inspector.js');
	await isStyled;
	exports.startPanel(chat, askHandshake, toggle);
	showAllTexts();
	inspector = exports;
	for (const report of reports) inspector.show(report);
	reports = [];
}

async function fetchText(address) {
	const response = await fetch(address);
	if (!response.ok) throw new Error(response.statusText);
	return response.text();
}

async function toggle() {
	if (inspector?.then) return undefined; // it is loading
	if (panel.hidden) {
		try {
			await (inspector ??= load());
		} catch {
			inspector = undefined;
			return showError('notLoaded');
		}
	}
	panel.hidden = !panel.hidden;
	document.body.classList.toggle('inspecting', !panel.hidden);
	button.ariaExpanded = String(!panel.hidden);
	inspector.toggled();
	return (panel.hidden ? button : $('inspector-close')).focus();
}

button.onclick = toggle;
panel.onkeydown = ({ key }) => void (key === 'Escape' && toggle()); // false would block all other keys
