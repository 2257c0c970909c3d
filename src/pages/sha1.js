// sha1.js: SHA-1 (RFC 3174) of an ASCII text, as 20 bytes. The browser's own where there is one: browsers
// have crypto.subtle on https and localhost only, and a chat at home is at http://192.168.….

export async function sha1(text) {
	const bytes = new TextEncoder().encode(text);
	return crypto.subtle ? new Uint8Array(await crypto.subtle.digest('SHA-1', bytes)) : byHand(bytes);
}

export function byHand(bytes) {
	let sum = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
	const blocks = padded(bytes);
	for (let at = 0; at < blocks.byteLength; at += 64) {
		sum = stirred(sum, blocks, at).map((n, i) => (n + sum[i]) >>> 0);
	}
	const hash = new DataView(new ArrayBuffer(20));
	sum.forEach((n, i) => hash.setUint32(4 * i, n));
	return new Uint8Array(hash.buffer);
}

/** The bytes, a 1 bit, zeros up to whole blocks of 64, the last eight of them the length in bits. */
function padded(bytes) {
	const blocks = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
	blocks.set(bytes);
	blocks[bytes.length] = 0x80;
	const view = new DataView(blocks.buffer);
	view.setUint32(blocks.length - 4, bytes.length * 8);
	return view;
}

function stirred([a, b, c, d, e], blocks, at) {
	const w = Array.from({ length: 16 }, (_, i) => blocks.getUint32(at + 4 * i));
	for (let i = 0; i < 80; i++) {
		if (i > 15) w[i] = turned(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
		const [mix, add] = [
			[(b & c) | (~b & d), 0x5a827999],
			[b ^ c ^ d, 0x6ed9eba1],
			[(b & c) | (b & d) | (c & d), 0x8f1bbcdc],
			[b ^ c ^ d, 0xca62c1d6],
		][Math.floor(i / 20)];
		[a, b, c, d, e] = [(turned(a, 5) + mix + e + add + w[i]) >>> 0, a, turned(b, 30), c, d];
	}
	return [a, b, c, d, e];
}

function turned(n, bits) {
	return (n << bits) | (n >>> (32 - bits));
}
