// The part "Try it". The buttons act on a second socket, or on the chat's while that is not open.

import { home, withQuery } from './address.js';
import { $, onSubmit } from './dom.js';
import { openSocket } from './socket.js';
import { showError } from './status.js';
import { setText } from './strings.js';

const MAX_SHOWN = 200; // characters of one message

let chat;
let report;
let second; // the second socket

export function startTryIt(connection, show) {
	chat = connection;
	report = show;
	$('try-url').value = home;
}

/** Shows which socket the buttons act on, and the second socket's events. */
export function showTryItState({ what, number, code, reason, data }) {
	const socket = target();
	setText($('try-on'), 'actsOn', socket);
	$('try-drop').disabled = socket.ws.protocol !== 'chinwag.v1'; // in "text" this would be a chat message
	if (number !== second?.number || what === 'out') return;
	print(what === 'in' ? `#${number} ↓ ${String(data).slice(0, MAX_SHOWN)}` : `#${number} ${what} ${code ?? ''} ${reason ?? ''}`);
}

function target() {
	return second?.ws.readyState === WebSocket.OPEN ? second : chat.socket;
}

function connect(url) {
	second?.close(1000, '');
	second = openSocket(withQuery(url), $('try-protocols').value.split(/[ ,]+/).filter(Boolean), report);
}

function print(line) {
	$('try-out').prepend(`${line}\n`);
}

// Exceptions are part of the lesson, so they are shown.
function attempt(act) {
	try {
		act();
	} catch ({ name, message }) {
		print(`${name}: ${message}`);
		if (name === 'SecurityError') showError('mixed');
	}
}

const buttons = {
	'try-blocked': () => connect(`ws://${location.hostname}:25/`),
	'try-binary': () => target().send(new Uint8Array([1, 2, 3])),
	'try-drop': () => target().send('{"type":"drop"}'),
};
for (const id in buttons) $(id).onclick = () => attempt(buttons[id]);

const forms = {
	'try-connect': () => connect($('try-url').value),
	'try-send': () => target().send($('try-raw').value),
	'try-close': () => target().close(Number($('try-code').value), $('try-reason').value),
};
for (const id in forms) onSubmit(id, () => attempt(forms[id]));
addEventListener('pagehide', () => second?.close(1000, '')); // as in connection.js
