// The timeline: two lanes, the browser and the server, and between them what goes over the wire. The oldest comes first, and
// a cause before its effect. A line opens as the frame's bits and the JavaScript for it.

import { $, copy, make } from './dom.js';
import { closeSentence } from './inspector-codes.js';
import { frameNodes, maskNodes } from './inspector-bits.js';
import { requestNodes, responseNodes } from './inspector-handshake.js';
import { serverFrame, wireSize } from './inspector-frames.js';
import { setText } from './strings.js';

const MAX_LINES = 400;
const MAX_SHOWN = 2000; // characters of one message

const OWN = /^\{"type":"(inspect|handshake)"/; // questions of this panel, and the answers
const PAGE = /^\{"type":"(ping|pong)"/; // of the chat's own connection

// What each line has in the lane of the browser, on the wire, and in the lane of the server.
const LINES = {
	connecting: { browser: 'new WebSocket()', arrow: '→', wire: () => 'GET · Upgrade: websocket' },
	open: { browser: 'onopen', arrow: '←', wire: ({ protocol }) => `101 Switching Protocols ${protocol}`, server: 'accept' },
	out: { browser: 'send()', arrow: '→', wire: dataOf },
	in: { browser: 'onmessage', arrow: '←', wire: dataOf, server: 'send' },
	closing: { browser: 'close()', arrow: '→', wire: closeOf },
	close: { browser: 'onclose', arrow: '←', wire: closeOf },
	error: { browser: 'onerror', arrow: '×', wire: () => '' },
	abandoned: { browser: 'close()', arrow: '×', wire: ({ why }) => why },
	ping: { arrow: '←', wire: () => 'Ping', server: 'Ping' },
	pong: { arrow: '→', wire: () => 'Pong' },
	played: { arrow: '→', wire: ({ hex }) => hex },
};

const CODE = {
	connecting: ({ data, protocol }) => `ws = new WebSocket("${data}", ${JSON.stringify(protocol)})\nws.readyState // 0, CONNECTING`,
	open: () => 'ws.onopen = () => console.log(ws.readyState) // 1, OPEN',
	in: ({ data }) => `ws.onmessage = (event) => ${isJson(data) ? 'console.log(JSON.parse(event.data))' : 'console.log(event.data)'}`,
	out: ({ data }) => `ws.send(${typeof data !== 'string' ? 'new Uint8Array([1, 2, 3])' : asCode(data)})`,
	error: () => 'ws.onerror = () => console.log("error")',
	closing: ({ code, reason }) => `ws.close(${code}, ${JSON.stringify(reason)})\nws.readyState // 2, CLOSING`,
	close: () => 'ws.onclose = (event) => console.log(event.code, event.reason, event.wasClean)\nws.readyState // 3, CLOSED',
	abandoned: () => 'ws.close()',
};

const list = $('event-list');
const filter = $('filter');

let waiting = []; // reports without a line
let isDue = false; // whether lines are made before the next frame
let opened; // the report of the line that openLine() opened last
let first; // the number of the first connection that was shown: the chat's

export function showEvent(report) {
	first ??= report.number;
	waiting.push(report);
	if (waiting.length > 2 * MAX_LINES) waiting = waiting.slice(-MAX_LINES);
	if (!isDue) requestAnimationFrame(showLines);
	isDue = true;
}

/** Makes the lines, if they can be seen. */
export function showLines() {
	isDue = false;
	if ($('inspector').hidden) return;
	const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
	list.append(...waiting.slice(-MAX_LINES).map(line));
	waiting = [];
	while (list.childElementCount > MAX_LINES) list.firstChild.remove();
	if (isAtEnd) list.scrollTop = list.scrollHeight;
}

/** The server has seen the frame of a message, or the reader sees the handshake now: an open line shows it. */
export function update(report) {
	if (!report.node?.open) return;
	report.node.lastChild.remove();
	report.node.append(details(report));
}

/** Opens the line of a report instead of the last one, and moves it into view. */
export function openLine(report) {
	showLines();
	if (opened) opened.node.open = false;
	opened = report;
	showDetails(report);
	report.node.open = true;
	list.scrollTop += report.node.getBoundingClientRect().top - list.getBoundingClientRect().top;
}

function line(report) {
	const { what, at, number } = report;
	const { browser, arrow, wire, server } = LINES[what];
	const arrowNode = make('span', 'arrow', make('span', 'what', wire(report)));
	arrowNode.dataset.arrow = arrow;
	const sentence = what === 'close' ? [closeSentence(report)] : [];
	const summary = make(
		'summary', '',
		make('time', '', localTime(at)),
		make('b', 'browser', `#${number} `, browser ?? setText(make('span'), what === 'played' ? 'yourBytes' : 'automatic')),
		arrowNode,
		make('span', 'server', server ? setText(make('span'), `at-${server}`) : ''),
		...sentence,
	);
	const node = make('details', [what, isQuestion(report) && 'own'].filter(Boolean).join(' '), summary);
	report.node = node;
	node.ontoggle = () => node.open && showDetails(report);
	applyFilter(node);
	return node;
}

function showDetails(report) {
	if (report.node.childElementCount === 1) report.node.append(details(report));
}

function isQuestion({ data, number }) {
	return typeof data === 'string' && (OWN.test(data) || (number === first && PAGE.test(data)));
}

function details(report) {
	const { what, data, size, frames, handshake, ws } = report;
	const nodes = [];
	if (size !== undefined) nodes.push(make('pre', '', pretty(data)));
	if (what === 'out' && !frames) nodes.push(setText(make('p'), ws.protocol === 'chinwag.v1' ? 'maskLater' : 'maskUnknown'));
	if (what === 'in' && ws.extensions) nodes.push(setText(make('p'), 'compressed'));
	const shown = frames ?? (what === 'in' ? [serverFrame(data)] : []);
	for (const frame of shown) nodes.push(...frameNodes(frame), ...maskNodes(frame));
	if (handshake) nodes.push(...(what === 'open' ? responseNodes : requestNodes)(handshake));
	if (what === 'ping') nodes.push(setText(make('p'), 'pingText'));
	if (what === 'error') nodes.push(setText(make('p'), 'errorText'));
	if (CODE[what]) nodes.push(make('pre', 'code', CODE[what](report)));
	return make('div', '', ...nodes);
}

// In this computer's time zone.
function localTime(at) {
	return new Date(at - 60000 * new Date(at).getTimezoneOffset()).toISOString().slice(11, 23);
}

function dataOf({ what, data, size }) {
	return `${wireSize(size, what === 'out')} B ${cut(data)}`;
}

function closeOf({ what, code, reason, wasClean }) {
	if (what === 'close' && (code === 1006 || code === 1015)) return setText(make('span'), 'noClose', { code });
	return `Close ${code}${reason && ` “${reason}”`}${what === 'close' ? ` · wasClean ${wasClean}` : ''}`;
}

function isJson(data) {
	return typeof data === 'string' && /^[{[]/.test(data);
}

function asCode(data) {
	return isJson(data) && pretty(data) !== data ? `JSON.stringify(${pretty(data)})` : JSON.stringify(cut(data));
}

function pretty(data) {
	try {
		return cut(JSON.stringify(JSON.parse(data), null, 2));
	} catch {
		return cut(data);
	}
}

function cut(data) {
	return typeof data === 'string' ? data.slice(0, MAX_SHOWN) : `ArrayBuffer(${data.byteLength})`;
}

function applyFilter(node) {
	node.hidden = !node.textContent.toLowerCase().includes(filter.value.toLowerCase());
}

export function startTimeline() {
	filter.oninput = () => [...list.children].forEach(applyFilter);
	$('questions').onchange = ({ target }) => list.classList.toggle('all', target.checked);
	$('copy-events').onclick = () => copy(Array.from(list.children, (node) => node.firstChild.innerText.replace(/\s*\n\s*/g, ' ')).join('\n'));
}
