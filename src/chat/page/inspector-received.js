// Finds the frames of this page among the bytes that the server received: browsers do not show their frames, but the server
// saw the masks. A frame counts only if its payload is that of a message which was sent.

import { bytesOf, decodeFrame, fromHex } from './inspector-frames.js';

const LIMIT = 4096; // bytes of one answer (PROTOCOL.md)
const PONG = 10;
const DATA = [0, 1, 2];

export class Received {
	#rest = new Uint8Array();
	#sent = []; // reports of messages whose frames were not seen yet
	#message = []; // the frames of a message so far

	/** A message was sent. */
	expect(report) {
		this.#sent.push(report);
		if (this.#sent.length > 200) this.#sent.shift();
	}

	/** Calls found(report, frames) for each message, and pong(frame) for each Pong. */
	take(hex, found, pong) {
		const bytes = fromHex(hex) ?? [];
		const isCut = bytes.length >= LIMIT;
		let rest = Uint8Array.from([...this.#rest, ...bytes]);
		for (let frame = decodeFrame(rest); frame; frame = decodeFrame(rest)) {
			if (frame.raw.length < frame.length && !isCut) break; // the rest is under way
			rest = rest.slice(frame.size);
			if (frame.opcode === PONG && frame.key) pong(frame);
			else if (!DATA.includes(frame.opcode) || !this.#onData(frame, found)) rest = rest.slice(rest.length);
		}
		this.#rest = isCut ? rest.slice(rest.length) : rest; // what was cut off is missing from the middle
	}

	/** Returns false if these bytes were not the beginning of a frame. */
	#onData(frame, found) {
		this.#message.push(frame);
		if (!frame.fin) return true;
		const frames = this.#message;
		this.#message = [];
		const at = this.#sent.findIndex(({ data }) => frames[0].rsv || matches(frames, bytesOf(data)));
		if (at < 0 || !frame.key) return false;
		found(this.#sent[at], frames);
		this.#sent.splice(0, at + 1);
		return true;
	}
}

function matches(frames, expected) {
	let at = 0;
	for (const { payload, length } of frames) {
		if (payload.some((byte, n) => byte !== expected[at + n])) return false;
		at += length;
	}
	return at === expected.length;
}
