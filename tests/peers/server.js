// An independent server for tests of chinwag's client: Node's `ws`. The path selects its behaviour.
//
// It prints its port. Run by tests/client_others.rs.
'use strict';

const http = require('node:http');
const { WebSocketServer } = require('ws');

let last = '';

const actions = {
	'/fragments': (socket) => {
		for (const [text, fin] of [['one, ', false], ['', false], ['two, ', false], ['gr\u00fc\u00dfe', true]]) socket.send(text, { fin });
		socket.send(Buffer.from([0, 1]), { fin: false });
		socket.send(Buffer.from([2]), { fin: true });
	},
	'/close': (socket) => socket.close(4001, 'from Node: gr\u00fc\u00dfe'),
	'/big': (socket) => socket.send('x'.repeat(5_000_000)),
	'/ping': (socket) => {
		socket.once('pong', () => socket.send('a Pong arrived'));
		socket.ping('there?');
	},
	// Stores the code and reason of the client's Close for /last.
	'/remember': (socket) => socket.on('close', (code, reason) => (last = `${code} ${reason}`)),
	'/kill': () => process.kill(process.pid, 'SIGKILL'),
};

const sockets = new WebSocketServer({
	noServer: true,
	maxPayload: 0,
	perMessageDeflate: { threshold: 0 },
	handleProtocols: (offered) => (offered.has('b') ? 'b' : false),
});

sockets.on('connection', (socket, request) => {
	socket.on('message', (data, binary) => socket.send(data, { binary }));
	actions[request.url]?.(socket);
});

const server = http.createServer((request, response) => response.writeHead(404).end(last));
server.on('upgrade', (request, stream, head) => {
	const refusals = { '/forbidden': ['403 Forbidden', 'not allowed\n'], '/last': ['404 Not Found', last] };
	const [status, body] = refusals[request.url] ?? [];
	if (status) {
		stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
		return;
	}
	sockets.handleUpgrade(request, stream, head, (socket) => sockets.emit('connection', socket, request));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
