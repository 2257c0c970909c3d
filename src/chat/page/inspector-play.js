// The part "Play": a frame is put together bit by bit, and the server reads it as if it had come from the browser.

import { $, make, onSubmit } from './dom.js';
import { frameNodes } from './inspector-bits.js';
import { bytesOf, decodeFrame, encodeFrame, fromHex, toHex } from './inspector-frames.js';
import { play } from './inspector-own.js';
import { setText } from './strings.js';

const KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d); // of the example in RFC 6455 5.7

// Frames that the server rejects, and some that it accepts.
const EXAMPLES = {
	hello: { opcode: 1, data: 'Hello' },
	ping: { opcode: 9, data: 'hi' },
	unmasked: { opcode: 1, data: 'Hello', mask: false },
	rsv1: { opcode: 1, data: 'Hello', rsv1: true },
	reserved: { opcode: 3, data: '' },
	utf8: { opcode: 1, hex: 'c3 28' },
	longPing: { opcode: 9, data: 'x'.repeat(126) },
	fragmentedPing: { opcode: 9, data: '', fin: false },
	tooLong: { opcode: 1, data: '', length: 70000 },
	badCode: { opcode: 8, hex: '03 ed' },
};

const value = (id) => $(`play-${id}`);

export function startPlay() {
	for (const name in EXAMPLES) {
		const option = setText(make('option'), `play-${name}`);
		option.value = name;
		value('example').append(option);
	}
	value('example').onchange = () => fill(EXAMPLES[value('example').value]);
	for (const id of ['fin', 'rsv1', 'rsv2', 'rsv3', 'mask', 'opcode', 'length', 'data', 'payload']) value(id).oninput = build;
	value('bytes').oninput = draw;
	onSubmit('play-form', () => {
		const bytes = fromHex(value('bytes').value);
		if (bytes?.length) play(bytes);
	});
	fill(EXAMPLES.hello);
}

/** For the guided steps. */
export function playExample(name) {
	value('example').value = name;
	fill(EXAMPLES[name]);
	play(fromHex(value('bytes').value));
}

function fill({ opcode, data = '', hex, mask = true, rsv1 = false, fin = true, length = '' }) {
	value('opcode').value = opcode;
	value('data').value = data;
	Object.assign(value('fin'), { checked: fin });
	Object.assign(value('mask'), { checked: mask });
	Object.assign(value('rsv1'), { checked: rsv1 });
	value('rsv2').checked = value('rsv3').checked = false;
	value('length').value = length;
	value('payload').value = hex ?? toHex(bytesOf(data));
	build({ target: value('payload') });
}

function build({ target }) {
	if (target === value('data')) value('payload').value = toHex(bytesOf(value('data').value));
	const payload = fromHex(value('payload').value);
	if (!payload) return void setText($('play-note'), 'notHex');
	if (target !== value('data')) value('data').value = new TextDecoder().decode(payload);
	const rsv = ['rsv1', 'rsv2', 'rsv3'].reduce((sum, id) => 2 * sum + Number(value(id).checked), 0);
	const key = value('mask').checked ? KEY : undefined;
	const length = value('length').value === '' ? undefined : Number(value('length').value);
	const frame = encodeFrame({ fin: value('fin').checked, rsv, opcode: Number(value('opcode').value), key, payload, length });
	value('bytes').value = toHex(frame);
	draw();
}

function draw() {
	const bytes = fromHex(value('bytes').value);
	const frame = bytes && decodeFrame(bytes);
	setText($('play-note'), !frame ? 'notHex' : frame.raw.length < frame.length ? 'incomplete' : 'playText', { n: frame && frame.length - frame.raw.length });
	$('play-diagram').replaceChildren(...(frame ? frameNodes(frame) : []));
}
