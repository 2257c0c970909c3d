// hood-life.js: the tab "Connection". Shows the chat's WebSocket object as it is at this moment.

import { copy } from './copy.js';
import { $, make } from './dom.js';
import { say } from './strings.js';

/** `sums` holds messages and bytes, in and out. */
export function showLife({ ws, protocols }, sums) {
	[...$('states').children].forEach((state, number) => {
		state.ariaCurrent = number === ws.readyState ? 'step' : null;
	});
	$('life-protocols').textContent = JSON.stringify(protocols);
	for (const what of ['readyState', 'protocol', 'extensions', 'bufferedAmount']) {
		$(`life-${what}`).textContent = JSON.stringify(ws[what]);
	}
	for (const way of ['in', 'out']) say($(`life-${way}`), 'sum', { n: sums[way][0], bytes: sums[way][1] });
	showUrl(new URL(ws.url));
	sayOldWay();
}

function showUrl({ protocol, hostname, port, pathname }) {
	const usual = protocol === 'wss:' ? '(443)' : '(80)';
	const part = (text) => make('b', '', text);
	$('life-url').replaceChildren(part(protocol), '//', part(hostname), ':', part(port || usual), part(pathname));
}

// What the page itself cost: the browser's own account of its requests.
function sayOldWay() {
	const loads = ['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind));
	const bytes = loads.reduce((sum, load) => sum + load.encodedBodySize, 0);
	say($('life-old'), 'oldWay', { n: loads.length, bytes });
}

$('life-code').textContent = `'WebSocket' in window // ${'WebSocket' in window}
ws = new WebSocket("${location.origin.replace('http', 'ws')}", "chinwag.v1")
ws.onmessage = (event) => console.log(JSON.parse(event.data))
ws.onopen = () => ws.send(JSON.stringify({ type: "username", name: "me" }))`;
$('copy-code').onclick = () => copy($('life-code').textContent);
