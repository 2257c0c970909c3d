// hood-try.js: the tab "Try it". Owns a second socket, the reader's own, so that the chat survives what is
// done to it; while that one is closed, the buttons act on the chat's.

import { $ } from './dom.js';
import { say } from './strings.js';
import { openSocket } from './socket.js';

let chat;
let remember;
let own; // the second socket

export function startTrying(connection, note) {
  chat = connection;
  remember = note;
  $('try-url').value = location.origin.replace('http', 'ws') + location.pathname;
}

/** Hears what happened to any socket: says on which the buttons act, and what became of the last try. */
export function tellTried({ what, number, code, reason, data }) {
  say($('try-on'), target() === own ? 'actsOnOwn' : 'actsOnChat', { number: target()?.number });
  if (number !== own?.number || what === 'in' || what === 'out') return;
  tell(`#${number} ${what} ${code ?? ''} ${reason ?? ''} ${what === 'connecting' ? data : ''}`);
}

function target() {
  return own?.ws.readyState === WebSocket.OPEN ? own : chat.socket;
}

function connect(url) {
  const protocols = $('try-protocols').value.split(/[ ,]+/).filter(Boolean);
  attempt(() => {
    own?.close(1000);
    own = openSocket(url, protocols, remember);
  });
}

/** What is thrown is part of the lesson: it is shown, by its name. */
function attempt(act) {
  try {
    act();
  } catch ({ name, message }) {
    tell(`${name}: ${message}`);
  }
}

function tell(line) {
  $('try-out').textContent = `${$('try-out').textContent}${line}\n`.split('\n').slice(-6).join('\n');
}

const acts = {
  'try-blocked': () => connect(`ws://${location.hostname}:25/`),
  'try-bad': () => target().send('{"type": '),
  'try-binary': () => target().send(new Uint8Array([1, 2, 3])),
  'try-drop': () => target().send('{"type":"drop"}'),
};
for (const [id, act] of Object.entries(acts)) $(id).onclick = () => attempt(act);

function onSubmit(id, act) {
  $(id).onsubmit = (event) => {
    event.preventDefault();
    attempt(act);
  };
}
onSubmit('try-connect', () => connect($('try-url').value));
onSubmit('try-send', () => target().send($('try-raw').value));
onSubmit('try-close', () => target().close(Number($('try-code').value), $('try-reason').value));
