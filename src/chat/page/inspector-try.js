// The part "Try it": the browser's object, with what goes wrong.

import { home } from './address.js';
import { $, onSubmit } from './dom.js';
import { openOwn, ownSocket, withOwn } from './inspector-own.js';
import { setText } from './strings.js';

const SLOW = 2000; // milliseconds of slow motion
const MEGABYTE = 2 ** 20;

let chat;

export function startTry(connection) {
	chat = connection;
	$('try-url').value = home;
	for (const id in buttons) $(id).onclick = () => attempt(buttons[id]);
	for (const id in forms) onSubmit(id, () => attempt(forms[id]));
}

/** Shows on which connection the buttons act. */
export function showTarget() {
	const socket = target();
	if (!socket) return;
	setText($('try-on'), 'actsOn', socket);
	$('try-drop').disabled = socket.ws.protocol !== 'chinwag.v1'; // in "text" this would be a chat message
}

function target() {
	return ownSocket()?.ws.readyState === WebSocket.OPEN ? ownSocket() : chat.socket;
}

/** Exceptions are part of the lesson, so they are shown. Returns the one that was thrown. */
export function attempt(act) {
	try {
		act();
	} catch (error) {
		print(error.name === 'SecurityError' ? 'mixed' : 'thrown', { name: error.name, message: error.message });
		return error;
	}
	return undefined;
}

/** Shows what happened, until the next attempt. */
export function print(key, values) {
	setText($('try-out'), key, values);
}

/** What the guided steps use, too. */
export const trials = {
	slow: () => openOwn({ slow: SLOW }),
	blocked: () => openOwn({ url: `ws://${location.hostname}:25/` }),
	// The server agrees to none of them. Chromium ends the connection, and Firefox does not.
	wrongProtocol: () => openOwn({ protocols: ['no-such-protocol'] }),
	// On a page from https, this is the mixed content that browsers refuse.
	otherScheme: () => openOwn({ url: home.replace(/^wss?(?=:)/, location.protocol === 'https:' ? 'ws' : 'wss') }),
	early() {
		const { ws } = openOwn();
		print('early', { state: ws.readyState });
		ws.send('too early');
	},
	megabyte: () => withOwn((socket) => {
		socket.send('x'.repeat(MEGABYTE));
		print('buffered', { before: socket.ws.bufferedAmount, state: socket.ws.readyState });
	}),
};

const buttons = {
	'try-slow': trials.slow,
	'try-blocked': trials.blocked,
	'try-wrong-protocol': trials.wrongProtocol,
	'try-mixed': trials.otherScheme,
	'try-early': trials.early,
	'try-megabyte': trials.megabyte,
	'try-binary': () => target().send(new Uint8Array([1, 2, 3])),
	'try-drop': () => target().send('{"type":"drop"}'),
};

const forms = {
	'try-connect': () => openOwn({ url: $('try-url').value, protocols: $('try-protocols').value.split(/[ ,]+/).filter(Boolean) }),
	'try-send': () => target().send($('try-raw').value),
	'try-close': () => target().close(Number($('try-code').value), $('try-reason').value),
};
