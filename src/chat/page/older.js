// Fetches older messages when the reader scrolls up. A second connection, without a name, asks for all messages after an
// earlier number (PROTOCOL.md), and ends as soon as it has those that are missing.

import { home, withQuery } from './address.js';
import { $ } from './dom.js';
import { onNearStart } from './follow.js';
import { addOlder, firstNumber } from './log.js';
import { hideError, showError } from './status.js';

const PART = 100; // messages
const TIMEOUT = 8000; // milliseconds without an answer
const PAUSE = 2000; // after a failure, until scrolling up tries again

let session;
let isLoading = false;
let failed = 0; // when the last attempt failed
let log; // the numbering of the first messages: after another one begins, earlier messages are gone
let reached; // the number before which the server has nothing

export function startOlder(chat) {
	session = chat;
	$('older').onclick = async () => {
		hideError();
		if (!(await load())) showError('olderFailed');
	};
	onNearStart(() => Date.now() - failed > PAUSE && load());
}

/** Shows the button if there may be older messages. */
export function showOlder() {
	const first = firstNumber();
	log ??= session.log;
	$('older').hidden = !hasOlder(first);
	if (hasOlder(first)) $('dropped').hidden = false;
}

function hasOlder(first) {
	return first > 1 && first !== reached && log === session.log;
}

/** Returns false if the messages did not come. */
async function load() {
	const first = firstNumber();
	if (isLoading || !hasOlder(first)) return true;
	isLoading = true;
	const messages = await fetchBefore(first);
	isLoading = false;
	if (!messages) failed = Date.now();
	if (!messages || first !== firstNumber()) return Boolean(messages);
	if (messages.length) addOlder(messages, session.isOwn, session.name);
	if (messages[0]?.seq !== Math.max(1, first - PART)) reached = firstNumber();
	showOlder();
	return true;
}

// Undefined if the connection ends before it has the message `first`: then some are missing.
function fetchBefore(first) {
	const found = [];
	const since = Math.max(0, first - PART - 1);
	return new Promise((done) => {
		const ws = new WebSocket(withQuery(home, { since, log }), ['chinwag.v1']);
		let timer;
		const wait = () => {
			clearTimeout(timer);
			timer = setTimeout(() => ws.close(), TIMEOUT);
		};
		wait();
		ws.onmessage = ({ data }) => {
			wait();
			const message = JSON.parse(data);
			const seq = message.type === 'deleted' ? message.seq[0] : message.seq;
			if (!['deleted', 'message'].includes(message.type)) return;
			if (seq < first) return void found.push({ ...message, seq });
			done(found);
			ws.close(1000);
		};
		ws.onclose = () => {
			clearTimeout(timer);
			done();
		};
	});
}
