// The state of the connection in words, and the line for errors.

import { $ } from './dom.js';
import { setText } from './strings.js';

const STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']; // readyState 0 to 3

let opened = false;
let timer;

/** Shows the readyState of the socket, and the countdown of a closed one. */
export function showState({ what, ws, wait, code }) {
	if (ws) showWord(STATES[ws.readyState]);
	if (what === 'open') opened = $('trouble').hidden = true;
	if (what === 'close') showTrouble(code);
	if (what === 'waiting') countDown(Date.now() + wait);
}

export function showError(key, values) {
	setText($('error-text'), key, values);
	$('error').hidden = false;
}

export function hideError() {
	$('error').hidden = true;
}

function showWord(state) {
	$('state').className = state;
	setText($('state-word'), state);
	$('state-code').textContent = state;
}

function showTrouble(code) {
	setText($('trouble-text'), 'lost', { code });
	$('countdown').hidden = true;
	clearTimeout(timer);
	$('token-form').hidden = opened; // a wrong token and an absent server look the same to a page
	$('trouble').hidden = false;
}

function countDown(until) {
	const left = Math.ceil((until - Date.now()) / 1000);
	$('countdown').hidden = left < 1;
	setText($('countdown'), 'retryIn', { n: left });
	if (left > 0) timer = setTimeout(countDown, 1000, until);
}

$('close-error').onclick = hideError;
