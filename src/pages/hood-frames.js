// hood-frames.js: the tab "Events". One line for each event and each message, in and out; opened, it
// shows the JSON, the frame's header on the wire (RFC 6455 5.2), and the JavaScript that does the same.

import { $, make } from './dom.js';
import { copy } from './copy.js';

const MOST_LINES = 400;
const MOST_SHOWN = 2000; // characters of one message

const list = $('frames');
const filter = $('filter');

const ARROWS = { in: '↓', out: '↑' };
const CODE = {
  connecting: ({ data, protocol }) => `ws = new WebSocket("${data}", "${protocol}")`,
  open: () => 'ws.onopen = () => console.log(ws.readyState)',
  in: () => 'ws.onmessage = (event) => console.log(event.data)',
  out: ({ data }) => `ws.send(${typeof data === 'string' ? JSON.stringify(data) : 'new Uint8Array([1, 2, 3])'})`,
  error: () => 'ws.onerror = () => console.log("error")',
  closing: ({ code, reason }) => `ws.close(${code}, ${JSON.stringify(reason)})`,
  close: () => 'ws.onclose = (event) => console.log(event.code, event.reason, event.wasClean)',
};

export function showFrames(reports) {
  list.replaceChildren(...reports.filter(({ ws }) => ws).map(line));
  list.scrollTop = list.scrollHeight;
}

export function showFrame(report) {
  if (!report.ws) return; // "waiting" is the page's own doing
  const follow = list.scrollTop + list.clientHeight > list.scrollHeight - 60;
  list.append(line(report));
  if (list.childElementCount > MOST_LINES) list.firstChild.remove();
  if (follow) list.scrollTop = list.scrollHeight;
}

export function clearFrames() {
  list.replaceChildren();
}

function line(report) {
  const { what, at, number, size } = report;
  const summary = make(
    'summary',
    '',
    make('span', 'when', new Date(at).toISOString().slice(11, 23)),
    make('b', '', `#${number} ${ARROWS[what] ?? '•'} ${what === 'in' ? 'message' : what === 'out' ? 'send' : what}`),
    size === undefined ? '' : make('span', '', `${size} B`),
    make('span', 'gist', gist(report)),
  );
  const node = make('details', what, summary);
  node.ontoggle = () => node.childElementCount === 1 && node.append(...inside(report));
  node.hidden = !node.textContent.includes(filter.value);
  return node;
}

function gist({ what, data, code, reason, clean, protocol }) {
  if (what === 'close') return `code ${code} · reason "${reason}" · wasClean ${clean}`;
  if (what === 'closing') return `code ${code} "${reason}"`;
  if (what === 'open') return `protocol "${protocol}"`;
  return cut(data ?? '');
}

function inside(report) {
  const nodes = [];
  if (report.size !== undefined) nodes.push(make('pre', '', pretty(report.data)), make('p', '', header(report)));
  return [...nodes, make('code', '', CODE[report.what](report))];
}

function pretty(data) {
  try {
    return cut(JSON.stringify(JSON.parse(data), null, 2));
  } catch {
    return cut(data);
  }
}

function cut(data) {
  return typeof data === 'string' ? data.slice(0, MOST_SHOWN) : `ArrayBuffer(${data.byteLength})`;
}

/** The frame's header as it is on the wire: FIN and opcode, mask bit and length, and (from us) the mask. */
function header({ what, data, size }) {
  const masked = what === 'out' ? 0x80 : 0;
  const length = size < 126 ? [size] : size < 65536 ? [126, size >> 8, size & 255] : [127];
  const bytes = [typeof data === 'string' ? 0x81 : 0x82, length[0] | masked, ...length.slice(1)];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `${hex}${size < 65536 ? '' : ' …'}${masked ? ' + 4 mask' : ''} | ${size} payload`;
}

filter.oninput = () => {
  for (const node of list.children) node.hidden = !node.textContent.includes(filter.value);
};

$('copy-frames').onclick = () => copy(Array.from(list.children, (node) => node.firstChild.innerText).join('\n'));
