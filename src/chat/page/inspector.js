// The panel "Under the hood". Loaded when it is opened, by load-inspector.js.

import { $ } from './dom.js';
import { showState } from './inspector-bands.js';
import { showConnection } from './inspector-connection.js';
import { decodeFrame, encodeFrame } from './inspector-frames.js';
import { noteOwn, ownSocket, startOwn } from './inspector-own.js';
import { Received } from './inspector-received.js';
import { startLesson, watchLesson } from './inspector-lesson.js';
import { startPlay } from './inspector-play.js';
import { startPolling, stopPolling } from './inspector-polling.js';
import { lessonTexts } from './inspector-lesson-texts.js';
import { texts } from './inspector-texts.js';
import { showEvent, showLines, startTimeline, update } from './inspector-timeline.js';
import { showTarget, startTry } from './inspector-try.js';
import { addTexts } from './strings.js';

const REFRESH = 250; // milliseconds; bufferedAmount changes without an event
const ASK_DELAY = 250; // milliseconds after a message, until the server is asked for its frame
const INSPECT = '{"type":"inspect"}';

const panel = $('inspector');
const sockets = new Map(); // number → { received, lines: the reports of its handshake }

let chat;
let askHandshake;
let totals; // [messages, bytes] of the chat's connection, in each direction
let refreshTimer;
let askTimer;

addTexts(texts);
addTexts(lessonTexts);

/** `inspect` asks for the chat's handshake. `toggle` opens or closes the panel. */
export function startPanel(connection, inspect, toggle) {
	chat = connection;
	askHandshake = inspect;
	$('inspector-close').onclick = toggle;
	// Opening a part closes another one, which moves it.
	$('parts').addEventListener('toggle', ({ target, currentTarget: parts }) => {
		if (target.open) parts.scrollTop += target.getBoundingClientRect().top - parts.getBoundingClientRect().top;
	}, true);
	startTimeline();
	startOwn((report) => show(report, true));
	startTry(chat);
	startPlay();
	startPolling();
	startLesson();
}

/** An event of a socket: of the chat's, or of the reader's own. */
export function show(report, isOwn = false) {
	const { what, number, size, data } = report;
	if (what === 'connecting') sockets.set(number, { received: new Received(), lines: [] });
	if (what === 'connecting' && !isOwn) totals = { in: [0, 0], out: [0, 0] };
	if (!isOwn && what in totals) totals[what] = [totals[what][0] + 1, totals[what][1] + size];
	if (what === 'connecting' || what === 'open') sockets.get(number).lines.push(report);
	if (what === 'out') noteSent(report);
	if (what === 'open' && isOwn && report.ws.protocol === 'chinwag.v1') ownSocket().send(INSPECT);
	if (what === 'open' && !isOwn && !panel.hidden) askHandshake();
	showState(report);
	showEvent(report);
	if (!isOwn && !panel.hidden) refresh();
	if (what === 'in' && String(data).startsWith('{"type":"handshake"')) answer(report, JSON.parse(data), isOwn);
	if (isOwn) noteOwn(report);
	if (isOwn) watchLesson(report);
	showTarget();
}

function noteSent(report) {
	sockets.get(report.number)?.received.expect(report);
	if (!report.data.includes?.(INSPECT.slice(0, -1)) && report.data !== '{"type":"ping"}' && !panel.hidden) {
		clearTimeout(askTimer);
		askTimer = setTimeout(askFrames, ASK_DELAY);
	}
}

/** Asks the server for the frames that it saw. */
function askFrames() {
	if (chat.socket?.ws.protocol === 'chinwag.v1') chat.send(INSPECT);
	const own = ownSocket();
	if (own?.ws.readyState === WebSocket.OPEN && own.ws.protocol === 'chinwag.v1') own.send(INSPECT);
}

function answer({ number, ws, at }, message, isOwn) {
	const socket = sockets.get(number);
	for (const report of socket.lines) {
		report.handshake = message;
		update(report);
	}
	const found = (report, frames) => {
		report.frames = frames;
		update(report);
		if (isOwn) watchLesson(report);
	};
	// The server's Ping had the same payload, and no mask.
	const pong = (frame) => {
		const ping = decodeFrame(encodeFrame({ opcode: 9, payload: frame.payload }));
		show({ what: 'ping', number, ws, at, frames: [ping] }, isOwn);
		show({ what: 'pong', number, ws, at, frames: [frame] }, isOwn);
	};
	socket.received.take(message.received ?? '', found, pong);
}

function refresh() {
	if (chat.socket) showConnection(chat.socket, totals);
}

/** The panel was opened or closed. */
export function toggled() {
	clearInterval(refreshTimer);
	if (panel.hidden) return stopPolling();
	refreshTimer = setInterval(refresh, REFRESH);
	refresh();
	showLines();
	askHandshake();
}
