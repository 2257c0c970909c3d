// Fetches older messages when the reader scrolls up. A second connection, without a name, asks for all messages after an
// earlier number (PROTOCOL.md), and ends as soon as it has those that are missing.

import { home, withQuery } from './address.js';
import { $ } from './dom.js';
import { onNearStart } from './follow.js';
import { addOlder, firstNumber } from './log.js';

const PART = 100; // messages
const TIMEOUT = 8000; // milliseconds

let session;
let isLoading = false;
let reached; // the number before which the server has nothing

export function startOlder(chat) {
	session = chat;
	$('older').onclick = load;
	onNearStart(load);
}

/** Shows the button if there may be older messages. */
export function showOlder() {
	const first = firstNumber();
	const isThere = first > 1 && first !== reached;
	$('older').hidden = !isThere;
	if (isThere) $('dropped').hidden = false;
}

async function load() {
	const first = firstNumber();
	if (isLoading || !(first > 1) || first === reached || !session.log) return;
	isLoading = true;
	const messages = await fetchBefore(first);
	isLoading = false;
	if (first !== firstNumber()) return;
	if (messages.length) addOlder(messages, session.isOwn, session.name);
	if (messages[0]?.seq !== Math.max(1, first - PART)) reached = firstNumber();
	showOlder();
}

function fetchBefore(first) {
	const found = [];
	const since = Math.max(0, first - PART - 1);
	return new Promise((done) => {
		const ws = new WebSocket(withQuery(home, { since, log: session.log }), ['chinwag.v1']);
		const timer = setTimeout(() => ws.close(), TIMEOUT);
		ws.onmessage = ({ data }) => {
			const message = JSON.parse(data);
			const seq = message.type === 'deleted' ? message.seq[0] : message.seq;
			if (!['deleted', 'message'].includes(message.type)) return;
			if (seq >= first) ws.close(1000);
			else found.push({ ...message, seq });
		};
		ws.onclose = () => {
			clearTimeout(timer);
			done(found);
		};
	});
}
