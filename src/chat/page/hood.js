// hood.js: the inspector. Owns the panel; its parts are a file each.

import { $ } from './dom.js';
import { showFrame } from './hood-frames.js';
import { showLife } from './hood-life.js';
import { startTrying, tellTried } from './hood-try.js';

export { showHandshake } from './hood-shake.js';

const LOOK = 250; // milliseconds between two looks at bufferedAmount

const panel = $('hood');

let sums; // of the chat's connection: [messages, bytes], in and out
let connection;
let askHandshake;
let looking;

/** `inspect` asks the server for the handshake; showHandshake is called with the answer. */
export function startHood(chat, inspect) {
	connection = chat;
	askHandshake = inspect;
	chat.watch(hear);
	startTrying(chat, show);
}

function hear(report) {
	const { what, size } = report;
	if (what === 'connecting') sums = { in: [0, 0], out: [0, 0] };
	if (what in sums) sums[what] = [sums[what][0] + 1, sums[what][1] + size];
	if (what === 'open' && !panel.hidden) askHandshake();
	if (what !== 'waiting') show(report);
}

function show(report) {
	showFrame(report);
	if (report.what !== 'connecting') tellTried(report);
}

function look() {
	showLife(connection.socket, sums);
}

function toggle() {
	panel.hidden = !panel.hidden;
	$('hood-button').ariaExpanded = String(!panel.hidden);
	clearInterval(looking);
	if (panel.hidden) return $('hood-button').focus();
	looking = setInterval(look, LOOK);
	look();
	askHandshake();
	$('hood-close').focus();
}

$('hood-button').onclick = toggle;
$('hood-close').onclick = toggle;
// Opening one closes another: what was chosen shall be seen.
panel.addEventListener('toggle', ({ target }) => target.open && target.firstElementChild.scrollIntoView({ block: 'nearest' }), true);
panel.onkeydown = ({ key }) => void (key === 'Escape' && toggle()); // false would stop all other keys
