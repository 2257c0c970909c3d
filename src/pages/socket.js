// socket.js: one WebSocket, and a report of all that happens to it. Start reading here: this is the whole
// browser API. It knows nothing of chat, nor of trying again (connection.js).

let opened = 0;
const encoder = new TextEncoder();

/**
 * Opens a WebSocket. `report` is called with { what, at, number, ws, … } for each step of its life:
 * connecting, open, in, out, closing, error, close. Throws what the constructor throws (a URL that is none).
 */
export function openSocket(url, protocols, report) {
	const ws = new WebSocket(url, protocols);
	const number = ++opened;
	const tell = (what, more) => report({ what, at: Date.now(), number, ws, ...more });

	ws.binaryType = 'arraybuffer';
	ws.onopen = () => tell('open', { protocol: ws.protocol });
	ws.onmessage = ({ data }) => tell('in', { data, size: sizeOf(data) });
	ws.onerror = () => tell('error'); // not why: pages must not scan networks
	ws.onclose = ({ code, reason, wasClean }) => tell('close', { code, reason, wasClean });
	tell('connecting', { data: url.replace(/token=[^&]*/, 'token=…'), protocol: protocols });

	return {
		ws,
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
