// The part "Events", the newest first. An open line shows the JSON, the frame's header (RFC 6455 5.2), and JavaScript.

import { $, copy, make } from './dom.js';

const MAX_LINES = 400;
const MAX_SHOWN = 2000; // characters of one message

const list = $('event-list');
const filter = $('filter');

const NAMES = { in: '↓ message', out: '↑ send', closing: '↑ close' };
const CODE = {
	connecting: ({ data, protocol }) => `ws = new WebSocket("${data}", ${JSON.stringify(protocol)})`,
	open: () => 'ws.onopen = () => console.log(ws.readyState)',
	in: () => 'ws.onmessage = (event) => console.log(event.data)',
	out: ({ data }) => `ws.send(${typeof data === 'string' ? JSON.stringify(cut(data)) : 'new Uint8Array([1, 2, 3])'})`,
	error: () => 'ws.onerror = () => console.log("error")',
	closing: ({ code, reason }) => `ws.close(${code}, ${JSON.stringify(reason)})`,
	close: () => 'ws.onclose = (event) => console.log(event.code, event.reason, event.wasClean)',
};

export function showEvent(report) {
	list.prepend(line(report));
	if (list.childElementCount > MAX_LINES) list.lastChild.remove();
}

function line(report) {
	const { what, at, number, size } = report;
	const summary = make(
		'summary',
		'',
		make('time', '', new Date(at).toISOString().slice(11, 23)),
		make('b', '', `#${number} ${NAMES[what] ?? `• ${what}`}`),
		size === undefined ? '' : `${size} B`,
		make('code', '', summaryOf(report)),
	);
	const node = make('details', what, summary);
	node.ontoggle = () => node.lastChild === summary && node.append(...details(report));
	applyFilter(node);
	return node;
}

function summaryOf({ data, protocol, code, reason, wasClean }) {
	if (code === undefined) return cut(data ?? protocol ?? '');
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
	node.hidden = !node.textContent.includes(filter.value);
}

filter.oninput = () => [...list.children].forEach(applyFilter);
$('copy-events').onclick = () => copy(Array.from(list.children, (node) => node.firstChild.innerText).join('\n'));
