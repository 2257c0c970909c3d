// One WebSocket and a report of each of its events: the browser's whole API. Start reading here.

let opened = 0;
const encoder = new TextEncoder();

/** Calls report({ what, at, number, ws, … }); `what` is connecting, open, in, out, closing, error or close. */
export function openSocket(address, protocols, report) {
	const ws = new WebSocket(address, protocols);
	const url = ws.url.replace(/token=[^&]*/, 'token=***'); // for display
	const number = ++opened;
	const emit = (what, more) => report({ what, at: Date.now(), number, ws, ...more });

	ws.binaryType = 'arraybuffer';
	ws.onopen = () => emit('open', { protocol: ws.protocol });
	ws.onmessage = ({ data }) => emit('in', { data, size: sizeOf(data) });
	ws.onerror = () => emit('error'); // without a reason, so that pages cannot scan networks
	ws.onclose = ({ code, reason, wasClean }) => emit('close', { code, reason, wasClean });
	emit('connecting', { data: url, protocol: protocols });

	return {
		ws,
		url,
		number,
		protocols,
		send(data) {
			ws.send(data);
			emit('out', { data, size: sizeOf(data) });
		},
		close(code, reason) {
			const isOpen = ws.readyState < WebSocket.CLOSING; // otherwise close() does nothing
			ws.close(code, reason);
			if (isOpen) emit('closing', { code, reason });
		},
	};
}

/** The payload's bytes. */
function sizeOf(data) {
	return typeof data === 'string' ? encoder.encode(data).length : data.byteLength;
}
