// socket.js: one WebSocket, and a report of all that happens to it: the whole browser API. Start reading here.

let opened = 0;
const encoder = new TextEncoder();

/** Calls `report` with { what, at, number, ws, … } for each step: connecting, open, in, out, closing, error, close. */
export function openSocket(address, protocols, report) {
	const ws = new WebSocket(address, protocols);
	const url = ws.url.replace(/token=[^&]*/, 'token=***'); // to be shown
	const number = ++opened;
	const tell = (what, more) => report({ what, at: Date.now(), number, ws, ...more });

	ws.binaryType = 'arraybuffer';
	ws.onopen = () => tell('open', { protocol: ws.protocol });
	ws.onmessage = ({ data }) => tell('in', { data, size: sizeOf(data) });
	ws.onerror = () => tell('error'); // not why: pages must not scan networks
	ws.onclose = ({ code, reason, wasClean }) => tell('close', { code, reason, wasClean });
	tell('connecting', { data: url, protocol: protocols });

	return {
		ws,
		url,
		number,
		protocols,
		send(data) {
			ws.send(data);
			tell('out', { data, size: sizeOf(data) });
		},
		close(code, reason) {
			const lives = ws.readyState < WebSocket.CLOSING; // if not, this does nothing
			ws.close(code, reason);
			if (lives) tell('closing', { code, reason });
		},
	};
}

/** The bytes that a message takes on the wire, without its frame header. */
function sizeOf(data) {
	return typeof data === 'string' ? encoder.encode(data).length : data.byteLength;
}
