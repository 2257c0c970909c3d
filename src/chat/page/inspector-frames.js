// Frames as bytes (RFC 6455 5.2), both ways.

const encoder = new TextEncoder();

export const OPCODES = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };

export const bytesOf = (data) => (typeof data === 'string' ? encoder.encode(data) : new Uint8Array(data));

export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

/** The bytes that are typed in hexadecimal; undefined if it is something else. */
export function fromHex(text) {
	const digits = text.replace(/\s+/g, '');
	if (digits.length % 2 || /[^\da-f]/i.test(digits)) return undefined;
	return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** The bits of a number, most significant first. */
export const toBits = (number, count) => number.toString(2).padStart(count, '0');

/** The payload with each byte XOR a byte of the key. The same again undoes it. */
export const masked = (bytes, key) => bytes.map((byte, at) => byte ^ key[at % 4]);

/**
 * The bytes of a frame. `rsv` is a number of three bits. `key` has four bytes, or is missing. `length` may be wrong:
 * without it, it is the payload's.
 */
export function encodeFrame({ fin = true, rsv = 0, opcode, key, payload, length = payload.length }) {
	const [short, more] = length < 126 ? [length, 0] : length < 65536 ? [126, 2] : [127, 8];
	const header = [(fin && 0x80) | (rsv << 4) | opcode, (key && 0x80) | short];
	for (let place = more - 1; place >= 0; place--) header.push(Math.floor(length / 256 ** place) % 256);
	return Uint8Array.from([...header, ...(key ?? []), ...(key ? masked(payload, key) : payload)]);
}

/**
 * The first frame in `bytes`; undefined if its header is not complete. `size` is the size of all of it, `payload` what is
 * there, unmasked, and `raw` the same as it was sent.
 */
export function decodeFrame(bytes) {
	if (bytes.length < 2) return undefined;
	const hasKey = bytes[1] > 127;
	const short = bytes[1] & 127;
	const more = { 126: 2, 127: 8 }[short] ?? 0;
	const headerSize = 2 + more + (hasKey ? 4 : 0);
	if (bytes.length < headerSize) return undefined;
	const length = more ? bytes.slice(2, 2 + more).reduce((sum, byte) => sum * 256 + byte, 0) : short;
	const key = hasKey ? bytes.slice(2 + more, headerSize) : undefined;
	const raw = bytes.slice(headerSize, headerSize + length);
	const payload = key ? masked(raw, key) : raw;
	const [fin, rsv, opcode] = [bytes[0] > 127, (bytes[0] >> 4) & 7, bytes[0] & 15];
	return { fin, rsv, opcode, short, more, length, key, raw, payload, header: bytes.slice(0, headerSize), size: headerSize + length };
}

/** The frame that a server sends for a message, as browsers do not tell more about it. */
export function serverFrame(data) {
	return decodeFrame(encodeFrame({ opcode: typeof data === 'string' ? 1 : 2, payload: bytesOf(data) }));
}

/** The size of a frame on the wire. */
export function wireSize(size, isMasked) {
	return size + (size < 126 ? 2 : size < 65536 ? 4 : 10) + (isMasked ? 4 : 0);
}
