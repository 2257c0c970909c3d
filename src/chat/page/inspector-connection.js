// The part "Connection", the current state of the chat's WebSocket.

import { home } from './address.js';
import { $, make } from './dom.js';
import { setText } from './strings.js';

/** `totals` has the messages and bytes in each direction. */
export function showConnection({ ws, url, protocols }, totals) {
	$('connection-protocols').textContent = JSON.stringify(protocols);
	for (const what of ['readyState', 'protocol', 'extensions', 'bufferedAmount']) {
		$(`connection-${what}`).textContent = JSON.stringify(ws[what]);
	}
	for (const way of ['in', 'out']) setText($(`connection-${way}`), 'counted', { n: totals[way][0], bytes: totals[way][1] });
	showUrl(new URL(url));
	showPageLoad();
}

function showUrl({ protocol, hostname, port, pathname, search }) {
	const defaultPort = protocol === 'wss:' ? '(443)' : '(80)';
	const part = (text) => make('b', '', text);
	$('connection-url').replaceChildren(part(protocol), '//', part(hostname), ':', part(port || defaultPort), part(pathname), search);
}

// What a page without WebSocket would load for each change: the browser's own count for this page.
function showPageLoad() {
	const loads = ['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind));
	const bytes = loads.reduce((sum, load) => sum + load.encodedBodySize, 0);
	setText($('connection-old'), 'oldWay', { n: loads.length, bytes });
}

$('connection-code').textContent = `'WebSocket' in window // ${'WebSocket' in window}
ws = new WebSocket("${home}", "chinwag.v1")
ws.onmessage = (event) => console.log(JSON.parse(event.data))
ws.onopen = () => ws.send(JSON.stringify({ type: "username", name: "me" }))
ws.onclose = (event) => console.log(event.code)`;
