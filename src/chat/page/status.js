// The state of the connection in words, and the line for errors.

import { $ } from './dom.js';
import { setText } from './strings.js';
import { whyClosed, whyRefused } from './why.js';

const STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']; // readyState 0 to 3

let opened = 0; // the number of the last socket that was open
let latest = 0; // the number of the last socket
let timer;

/** Shows reports of the connection. Calls askToken() if the server wants one. */
export async function showState(report, askToken) {
	const { what, ws, number, wait } = report;
	if (what === 'waiting') return countDown(Date.now() + wait);
	if (!ws) return undefined;
	latest = number;
	showWord(what === 'abandoned' ? 'CLOSED' : STATES[ws.readyState]);
	if (what === 'open') {
		opened = number;
		$('trouble').hidden = true;
	}
	if (what === 'connecting') stopCountDown();
	if (what !== 'close' && what !== 'abandoned') return undefined;
	stopCountDown();
	if (opened === number) return showTrouble(...whyClosed(report));
	const why = await whyRefused();
	if (latest !== number || opened > number) return undefined; // there is a new attempt
	return why === 'token' ? askToken() : showTrouble(why, { code: '' });
}

export function showError(key, values, action) {
	setText($('error-text'), key, values);
	$('error-action').hidden = !action;
	$('error-action').onclick = action;
	$('error').hidden = false;
}

export function hideError() {
	$('error').hidden = true;
}

function showWord(state) {
	$('state').className = state;
	$('state').hidden = state === 'OPEN';
	document.body.classList.toggle('online', state === 'OPEN');
	setText($('state-word'), state);
	$('state-code').textContent = state;
}

function showTrouble(key, values) {
	setText($('trouble-text'), key, values);
	$('trouble').hidden = false;
}

export function hideTrouble() {
	$('trouble').hidden = true;
}

function countDown(until) {
	clearTimeout(timer);
	const left = Math.ceil((until - Date.now()) / 1000);
	$('countdown').hidden = left < 1;
	setText($('countdown'), 'retryIn', { n: left });
	if (left > 0) timer = setTimeout(countDown, 1000, until);
}

function stopCountDown() {
	clearTimeout(timer);
	$('countdown').hidden = true;
}

$('close-error').onclick = hideError;
