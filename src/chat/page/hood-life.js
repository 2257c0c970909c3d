// hood-life.js: "Connection": the chat's WebSocket object as it is at this moment.

import { home } from './address.js';
import { $, make } from './dom.js';
import { say } from './strings.js';

/** `sums` holds messages and bytes, in and out. */
export function showLife({ ws, url, protocols }, sums) {
	[...$('states').children].forEach((state, number) => {
		state.ariaCurrent = number === ws.readyState ? 'step' : null;
	});
	$('life-protocols').textContent = JSON.stringify(protocols);
	for (const what of ['readyState', 'protocol', 'extensions', 'bufferedAmount']) {
		$(`life-${what}`).textContent = JSON.stringify(ws[what]);
	}
	for (const way of ['in', 'out']) say($(`life-${way}`), 'sum', { n: sums[way][0], bytes: sums[way][1] });
	showUrl(new URL(url));
	sayOldWay();
}

function showUrl({ protocol, hostname, port, pathname, search }) {
	const usual = protocol === 'wss:' ? '(443)' : '(80)';
	const part = (text) => make('b', '', text);
	$('life-url').replaceChildren(part(protocol), '//', part(hostname), ':', part(port || usual), part(pathname), search);
}

// By the browser's own account of its requests.
function sayOldWay() {
	const loads = ['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind));
	const bytes = loads.reduce((sum, load) => sum + load.encodedBodySize, 0);
	say($('life-old'), 'oldWay', { n: loads.length, bytes });
}

$('life-code').textContent = `'WebSocket' in window // ${'WebSocket' in window}
ws = new WebSocket("${home}", "chinwag.v1")
ws.onmessage = (event) => console.log(JSON.parse(event.data))
ws.onopen = () => ws.send(JSON.stringify({ type: "username", name: "me" }))
ws.onclose = (event) => console.log(event.code)`;
