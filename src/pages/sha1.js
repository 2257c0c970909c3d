// sha1.js: SHA-1 (RFC 3174), by hand: browsers offer theirs on https and localhost only, and a chat at home is
// at http://192.168.….

const ADD = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6];

/** The hash of a text, 20 bytes. */
export function sha1(text) {
	const hash = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
	const blocks = padded(new TextEncoder().encode(text));
	for (let at = 0; at < blocks.byteLength; at += 64) stir(hash, blocks, at);
	return new Uint8Array(hash.flatMap((n) => [n >> 24, n >> 16, n >> 8, n]));
}

/** The bytes, a 1 bit, zeros up to whole blocks of 64, the last of them the length in bits. */
function padded(bytes) {
	const view = new DataView(new ArrayBuffer(((bytes.length + 72) >> 6) << 6));
	[...bytes, 0x80].forEach((byte, i) => view.setUint8(i, byte));
	view.setUint32(view.byteLength - 4, bytes.length * 8);
	return view;
}

function stir(hash, blocks, at) {
	const w = [];
	let [a, b, c, d, e] = hash;
	for (let i = 0; i < 80; i++) {
		const round = (i / 20) | 0;
		const mix = [(b & c) | (~b & d), b ^ c ^ d, (b & c) | (b & d) | (c & d), b ^ c ^ d][round];
		w[i] = i < 16 ? blocks.getUint32(at + 4 * i) : turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
		[a, b, c, d, e] = [(turn(a, 5) + mix + e + ADD[round] + w[i]) | 0, a, turn(b, 30), c, d];
	}
	[a, b, c, d, e].forEach((n, i) => (hash[i] = (hash[i] + n) | 0));
}

function turn(n, bits) {
	return (n << bits) | (n >>> (32 - bits));
}
