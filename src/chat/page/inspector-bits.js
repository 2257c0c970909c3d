// A frame as RFC 6455 5.2 draws it: rows of 32 bits, in the colours of its bytes. Below it, the mask step by step.

import { make } from './dom.js';
import { OPCODES, toBits, toHex } from './inspector-frames.js';
import { setText } from './strings.js';

const ROW = 32;
const MAX_PAYLOAD = 8; // bytes in the diagram
const MAX_HEX = 48; // bytes of the payload in hexadecimal
const MAX_STEPS = 16;

/** What is shown of a frame. */
export function frameNodes(frame) {
	return [hexOf(frame), diagramOf(frame), legendOf(frame)];
}

/** The bytes, in the colours of the diagram. A byte of two fields has two colours. */
function hexOf({ header, more, key, raw, length }) {
	const [first, second] = [header[0], header[1]].map((byte) => toHex([byte]));
	const part = (kind, ...text) => make('span', `bits-${kind}`, ...text);
	const node = make('p', 'hex', part('flags', first[0]), part('opcode', first[1]), ' ', part('mask', second[0]), part('length', second[1]));
	if (more) node.append(' ', part('length', toHex(header.slice(2, 2 + more))));
	if (key) node.append(' ', part('key', toHex(key)));
	if (raw.length) node.append(' ', part('payload', toHex(raw.slice(0, MAX_HEX)), raw.length < length || length > MAX_HEX ? ' …' : ''));
	return node;
}

function diagramOf(frame) {
	const { fin, rsv, opcode, short, more, length, key, raw } = frame;
	const shown = raw.slice(0, MAX_PAYLOAD);
	const fields = [
		['flags', 'FIN', Number(fin).toString()],
		...[4, 2, 1].map((bit, n) => ['flags', `RSV${n + 1}`, String(Number((rsv & bit) > 0))]),
		['opcode', 'opcode', toBits(opcode, 4)],
		['mask', 'MASK', key ? '1' : '0'],
		['length', 'length', toBits(short, 7)],
	];
	if (more) fields.push(['length', `length (${8 * more})`, String(length), 8 * more]);
	if (key) fields.push(...[0, 2].map((at) => ['key', 'masking key', toHex(key.slice(at, at + 2)), 16]));
	for (const byte of shown) fields.push(['payload', '', toBits(byte, 8)]);
	const numbers = Array.from({ length: ROW }, (_, n) => make('i', '', String(n)));
	const diagram = make('div', 'diagram', ...numbers);
	diagram.role = 'img';
	diagram.ariaLabel = fields.map(([, name, value]) => `${name} ${value}`).join(', ');
	let column = 0;
	for (const [kind, name, value, width = value.length] of fields) {
		// A field that does not end with the row goes on in the next one.
		for (let left = width; left > 0; ) {
			const span = Math.min(left, ROW - column);
			const cell = make('span', `bits-${kind}`, make('small', '', left === width ? name : '…'), left === width ? value : '');
			cell.style.setProperty('grid-column', `span ${span}`);
			cell.style.setProperty('--span', span);
			diagram.append(cell);
			left -= span;
			column = (column + span) % ROW;
		}
	}
	return diagram;
}

function legendOf({ fin, rsv, opcode, length, key, header }) {
	const name = OPCODES[opcode] ?? 'reserved';
	const parts = [fin ? 'FIN' : 'FIN 0', rsv & 4 && 'RSV1', rsv & 2 && 'RSV2', rsv & 1 && 'RSV3', `opcode ${opcode} ${name}`, key && 'MASK'];
	const legend = `${parts.filter(Boolean).join(' · ')} · ${header.length} + ${length} = ${header.length + length} B`;
	return make('p', 'legend', make('code', '', legend));
}

/** How the payload is unmasked: its first byte, and a button for the next ones. */
export function maskNodes({ raw, key, payload }) {
	if (!key || !raw.length) return [];
	const list = make('ol', 'xor');
	const button = setText(make('button'), 'nextByte');
	const last = Math.min(raw.length, MAX_STEPS);
	const step = () => {
		const at = list.childElementCount;
		const bits = (byte) => `${toHex([byte])} ${toBits(byte, 8)}`;
		const letter = payload[at] > 32 && payload[at] < 127 ? ` “${String.fromCharCode(payload[at])}”` : '';
		list.append(make(
			'li', '',
			make('span', 'bits-payload', bits(raw[at])), ' ⊕ ',
			make('span', 'bits-key', `key[${at % 4}] ${bits(key[at % 4])}`), ' = ',
			make('b', '', bits(payload[at]) + letter),
		));
		button.hidden = at + 1 >= last;
	};
	button.onclick = step;
	step();
	return [setText(make('p'), 'maskText'), list, button];
}
