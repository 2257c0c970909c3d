// status.js: how the connection is, in words, and the line for what went wrong.

import { $ } from './dom.js';
import { say } from './strings.js';

const STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']; // readyState 0 to 3

let opened = false;
let ticking;

/** Shows the readyState of the reported socket, and what will be done about a closed one. */
export function showState({ what, ws, wait, code }) {
	if (ws) showWord(STATES[ws.readyState]);
	if (what === 'open') opened = $('trouble').hidden = true;
	if (what === 'close') showTrouble(code);
	if (what === 'waiting') countDown(Date.now() + wait);
}

export function showError(key, values) {
	say($('error-text'), key, values);
	$('error').hidden = false;
}

export function hideError() {
	$('error').hidden = true;
}

function showWord(state) {
	$('state').className = state;
	say($('state-word'), state);
	$('state-code').textContent = state;
}

function showTrouble(code) {
	say($('trouble-text'), 'lost', { code });
	$('countdown').hidden = true;
	clearTimeout(ticking);
	$('token-form').hidden = opened; // a browser does not tell a wrong token from a server that is away
	$('trouble').hidden = false;
}

function countDown(until) {
	const left = Math.ceil((until - Date.now()) / 1000);
	$('countdown').hidden = left < 1;
	say($('countdown'), 'tryingIn', { n: left });
	if (left > 0) ticking = setTimeout(countDown, 1000, until);
}

$('close-error').onclick = hideError;
