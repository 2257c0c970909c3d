// Node's `ws` against an echo server with compression. Run by tests/deflate_others.rs, with the URL.
'use strict';

const assert = require('node:assert');
const WebSocket = require('ws');

const socket = new WebSocket(process.argv[2], { perMessageDeflate: { threshold: 0 } });
const expected = [];

socket.on('upgrade', (response) => console.log(response.headers['sec-websocket-extensions']));
socket.on('open', () => {
	for (const size of [0, 0, 1, 255, 256, 1000, 0, 5000, 60_000, 1000]) {
		const text = 'gr\u00fc\u00dfe 0123456789 '.repeat(size).slice(0, size / 2);
		const bytes = Buffer.from({ length: size }, (_, n) => ((n * n) / 9) % 256);
		for (const message of [text, bytes]) {
			socket.send(message);
			expected.push(message);
		}
	}
	for (const [part, fin] of [['one, ', false], ['', false], ['two '.repeat(500), true]]) socket.send(part, { fin });
	expected.push('one, ' + 'two '.repeat(500));
});
socket.on('message', (data, binary) => {
	assert.deepStrictEqual(binary ? data : data.toString(), expected.shift());
	if (expected.length === 0) socket.close(1000);
});
socket.on('close', (code) => assert.deepStrictEqual([code, expected.length], [1000, 0]));
