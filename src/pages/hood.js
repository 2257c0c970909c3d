// hood.js: the inspector. Owns the panel, its tabs (a file each), and the record of what happened to every socket.

import { $, make } from './dom.js';
import { clearFrames, showFrame } from './hood-frames.js';
import { showLife } from './hood-life.js';
import { startTrying, tellTried } from './hood-try.js';
import { say } from './strings.js';

export { showHandshake } from './hood-shake.js';

const MOST = 400; // reports kept
const LOOK = 250; // milliseconds between two looks at bufferedAmount

const panel = $('hood');
const tabs = Array.from(panel.querySelectorAll('section'), makeTab);
const record = [];

let sums; // of the chat's connection: [messages, bytes], in and out
let connection;
let askHandshake;
let looking;

/** `inspect` asks the server for the handshake; showHandshake is called with the answer. */
export function startHood(chat, inspect) {
	connection = chat;
	askHandshake = inspect;
	chat.watch(hear);
	startTrying(chat, remember);
}

function hear(report) {
	const { what, size } = report;
	if (what === 'connecting') sums = { in: [0, 0], out: [0, 0] };
	if (what in sums) sums[what] = [sums[what][0] + 1, sums[what][1] + size];
	if (what === 'open' && !panel.hidden) askHandshake();
	if (what !== 'waiting') remember(report);
}

function remember(report) {
	record.push(report);
	if (record.length > MOST) record.shift();
	if (panel.hidden) return;
	showFrame(report);
	tellTried(report);
}

function look() {
	showLife(connection.socket, sums);
}

function toggle() {
	panel.hidden = !panel.hidden;
	document.body.classList.toggle('hooded', !panel.hidden);
	$('hood-button').ariaExpanded = String(!panel.hidden);
	clearInterval(looking);
	clearFrames();
	if (panel.hidden) return $('hood-button').focus();
	for (const report of record) showFrame(report);
	tellTried(record.at(-1));
	looking = setInterval(look, LOOK);
	look();
	askHandshake();
	tabs.find((tab) => tab.tabIndex === 0).focus();
}

/** A section of the panel becomes one of its tabs, named by its id. */
function makeTab(section) {
	const tab = say(make('button'), section.id);
	tab.role = 'tab';
	tab.setAttribute('aria-controls', section.id);
	tab.onclick = () => choose(tab);
	section.role = 'tabpanel';
	section.tabIndex = 0;
	section.dataset.label = section.id;
	return tab;
}

function choose(tab) {
	for (const other of tabs) {
		other.ariaSelected = String(other === tab);
		other.tabIndex = other === tab ? 0 : -1;
		$(other.getAttribute('aria-controls')).hidden = other !== tab;
	}
}

$('tabs').append(...tabs);
choose(tabs[0]);
$('hood-button').onclick = toggle;
$('hood-close').onclick = toggle;
panel.onkeydown = ({ key, target }) => {
	const step = { ArrowRight: 1, ArrowLeft: tabs.length - 1 }[key];
	const next = tabs[(tabs.indexOf(target) + step) % tabs.length];
	if (step && tabs.includes(target)) choose(next), next.focus();
	if (key === 'Escape') toggle();
};
