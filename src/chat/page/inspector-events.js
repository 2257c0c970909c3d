// The part "Events", the newest first. An open line shows the JSON, the frame's header (RFC 6455 5.2), and JavaScript.
// Lines are made when this part is open: most readers never see them.

import { $, copy, make } from './dom.js';

const MAX_LINES = 400;
const MAX_SHOWN = 2000; // characters of one message

const list = $('event-list');
const filter = $('filter');
const part = $('events');

let reports = []; // not shown yet
let isDue = false; // whether lines are made before the next frame

const NAMES = { in: '↓ message', out: '↑ send', closing: '↑ close' };
const CODE = {
	connecting: ({ data, protocol }) => `ws = new WebSocket("${data}", ${JSON.stringify(protocol)})`,
	open: () => 'ws.onopen = () => console.log(ws.readyState)',
	in: () => 'ws.onmessage = (event) => console.log(event.data)',
	out: ({ data }) => `ws.send(${typeof data === 'string' ? JSON.stringify(cut(data)) : 'new Uint8Array([1, 2, 3])'})`,
	error: () => 'ws.onerror = () => console.log("error")',
	closing: ({ code, reason }) => `ws.close(${code}, ${JSON.stringify(reason)})`,
	close: () => 'ws.onclose = (event) => console.log(event.code, event.reason, event.wasClean)',
	abandoned: () => 'ws.close()',
};

export function showEvent(report) {
	reports.push(report);
	if (reports.length > 2 * MAX_LINES) reports = reports.slice(-MAX_LINES);
	if (!isDue) requestAnimationFrame(showLines);
	isDue = true;
}

/** Makes the lines, if they can be seen. */
export function showLines() {
	isDue = false;
	if (!part.open || $('inspector').hidden) return;
	list.prepend(...reports.slice(-MAX_LINES).reverse().map(line));
	reports = [];
	while (list.childElementCount > MAX_LINES) list.lastChild.remove();
}

function line(report) {
	const { what, at, number, size } = report;
	const summary = make(
		'summary',
		'',
		make('time', '', localTime(at)),
		make('b', '', `#${number} ${NAMES[what] ?? `• ${what}`}`),
		size === undefined ? '' : `${size} B`,
		make('code', '', summaryOf(report)),
	);
	const node = make('details', what, summary);
	node.ontoggle = () => node.lastChild === summary && node.append(...details(report));
	applyFilter(node);
	return node;
}

function localTime(at) {
	return new Date(at - 60000 * new Date(at).getTimezoneOffset()).toISOString().slice(11, 23);
}

function summaryOf({ data, protocol, code, reason, wasClean, why }) {
	if (code === undefined) return cut(data ?? protocol ?? why ?? '');
	return `code ${code} · reason "${reason}"${wasClean === undefined ? '' : ` · wasClean ${wasClean}`}`;
}

function details(report) {
	const code = make('pre', '', CODE[report.what](report));
	if (report.size === undefined) return [code];
	return [make('pre', '', pretty(report.data)), make('p', '', header(report)), code];
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

/** The header: FIN and opcode, then mask bit and length in 1, 3 or 9 bytes, then the mask in frames of the client. */
function header({ what, data, size }) {
	const mask = what === 'out';
	const [length, more] = size < 126 ? [size, 0] : size < 65536 ? [126, 2] : [127, 8];
	const bytes = [typeof data === 'string' ? 0x81 : 0x82, length | (mask && 0x80)];
	for (let place = more - 1; place >= 0; place--) bytes.push(Math.floor(size / 256 ** place) % 256);
	const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
	return `${hex}${mask ? ' + mask (4)' : ''} + payload (${size})`;
}

function applyFilter(node) {
	node.hidden = !node.textContent.toLowerCase().includes(filter.value.toLowerCase());
}

part.addEventListener('toggle', showLines);
filter.oninput = () => [...list.children].forEach(applyFilter);
$('copy-events').onclick = () => copy(Array.from(list.children, (node) => node.firstChild.innerText).join('\n'));
