// The panel "Under the hood". Each of its parts has a file.

import { $ } from './dom.js';
import { showEvent, showLines } from './inspector-events.js';
import { showConnection } from './inspector-connection.js';
import { startTryIt, showTryItState } from './inspector-try.js';

const REFRESH = 250; // milliseconds; bufferedAmount changes without an event

const panel = $('inspector');

let totals; // [messages, bytes] of the chat's connection, in each direction
let connection;
let askHandshake;
let timer;

/** `inspect` asks the server for the handshake. The response goes to showHandshake. */
export function startInspector(chat, inspect) {
	connection = chat;
	askHandshake = inspect;
	chat.listen(receive);
	startTryIt(chat, show);
}

function receive(report) {
	const { what, size } = report;
	if (what === 'connecting') totals = { in: [0, 0], out: [0, 0] };
	if (what in totals) totals[what] = [totals[what][0] + 1, totals[what][1] + size];
	if (!('number' in report)) return; // not an event of a socket
	show(report);
	if (what === 'open' && !panel.hidden) askHandshake();
}

function show(report) {
	showEvent(report);
	if (!panel.hidden && report.number === connection.socket?.number) refresh();
	if (report.what !== 'connecting') showTryItState(report);
}

function refresh() {
	showConnection(connection.socket, totals);
}

function toggle() {
	panel.hidden = !panel.hidden;
	$('inspector-button').ariaExpanded = String(!panel.hidden);
	clearInterval(timer);
	if (panel.hidden) return $('inspector-button').focus();
	timer = setInterval(refresh, REFRESH);
	refresh();
	showLines();
	askHandshake();
	$('inspector-close').focus();
}

$('inspector-button').onclick = toggle;
$('inspector-close').onclick = toggle;
// Opening one part closes another one, which moves this one.
panel.addEventListener('toggle', ({ target }) => target.open && target.firstElementChild.scrollIntoView({ block: 'nearest' }), true);
panel.onkeydown = ({ key }) => void (key === 'Escape' && toggle()); // false would block all other keys
