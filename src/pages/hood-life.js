// hood-life.js: the tab "Connection". Shows the chat's WebSocket object as it is at this moment.

import { $, make } from './dom.js';
import { say } from './strings.js';
import { STATES } from './status.js';

/** `sums` holds messages and bytes, in and out. */
export function showLife(ws, sums) {
  STATES.forEach((state, number) => {
    $(`at-${state}`).ariaCurrent = number === ws.readyState ? 'step' : null;
  });
  showUrl(new URL(ws.url));
  put('life-protocol', ws.protocol);
  put('life-extensions', ws.extensions);
  put('life-buffered', ws.bufferedAmount);
  say($('life-in'), 'sum', { n: sums.in[0], bytes: sums.in[1] });
  say($('life-out'), 'sum', { n: sums.out[0], bytes: sums.out[1] });
  sayOldWay();
}

function put(id, value) {
  $(id).textContent = value === '' ? '""' : value;
}

function showUrl(url) {
  const port = url.port || (url.protocol === 'wss:' ? '(443)' : '(80)');
  const pieces = [url.protocol, '//', url.hostname, ':', port, url.pathname, url.search];
  $('life-url').replaceChildren(...pieces.map((piece, odd) => (odd % 2 ? piece : make('b', '', piece))));
}

// What the page itself cost: the browser's own account of its requests.
function sayOldWay() {
  const loads = [
    ...performance.getEntriesByType('navigation'),
    ...performance.getEntriesByType('resource'),
  ];
  const bytes = loads.reduce((sum, load) => sum + load.encodedBodySize, 0);
  say($('life-old'), 'oldWay', { n: loads.length, bytes });
}

$('life-code').textContent = `// 'WebSocket' in window → ${'WebSocket' in window}
ws = new WebSocket("${location.origin.replace('http', 'ws')}", "chinwag.v1")
ws.onmessage = (event) => console.log(JSON.parse(event.data))
ws.onopen = () => ws.send(JSON.stringify({ type: "username", name: "me" }))`;
