// hood-try.js: "Try it". Owns a second socket, the reader's own; while it is not open, the buttons act on the chat's.

import { home, withQuery } from './address.js';
import { $, onSubmit } from './dom.js';
import { openSocket } from './socket.js';
import { showError } from './status.js';
import { say } from './strings.js';

let chat;
let report;
let own; // the second socket

export function startTrying(connection, show) {
	chat = connection;
	report = show;
	$('try-url').value = home;
}

/** Says on which socket the buttons act, and what became of the last try. */
export function tellTried({ what, number, code, reason }) {
	const on = target();
	say($('try-on'), 'actsOn', on);
	$('try-drop').disabled = on.ws.protocol !== 'chinwag.v1'; // in "text" it is a message
	if (number === own?.number && what !== 'in' && what !== 'out') tell(`#${number} ${what} ${code ?? ''} ${reason ?? ''}`);
}

function target() {
	return own?.ws.readyState === WebSocket.OPEN ? own : chat.socket;
}

function connect(url) {
	own?.close(1000, '');
	own = openSocket(withQuery(url), $('try-protocols').value.split(/[ ,]+/).filter(Boolean), report);
}

function tell(line) {
	$('try-out').prepend(`${line}\n`);
}

// What is thrown is part of the lesson: it is shown, by its name.
function attempt(act) {
	try {
		act();
	} catch ({ name, message }) {
		tell(`${name}: ${message}`);
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
addEventListener('pagehide', () => own?.close(1000, '')); // as connection.js
