// hood.js: the inspector, "Under the hood". Owns the panel, its tabs, and the record of what happened to
// every socket of the page; each tab has a file of its own.

import { $ } from './dom.js';
import { clearFrames, showFrame, showFrames } from './hood-frames.js';
import { showLife } from './hood-life.js';
import { showHandshake } from './hood-shake.js';
import { startTrying, tellTried } from './hood-try.js';

const MOST = 400; // reports kept
const LOOK = 250; // milliseconds between two looks at bufferedAmount

const panel = $('hood');
const tabs = [...panel.querySelectorAll('[role=tab]')];
const record = [];
const sums = { in: [0, 0], out: [0, 0] }; // messages and bytes of the chat's connection

let connection;
let askHandshake;
let looking;

export { showHandshake };

/** `inspect` asks the server for the handshake as it saw it; showHandshake is called with the answer. */
export function startHood(chat, inspect) {
  connection = chat;
  askHandshake = inspect;
  chat.watch(hear);
  startTrying(chat, remember);
}

function hear(report) {
  if (report.what === 'connecting') Object.assign(sums, { in: [0, 0], out: [0, 0] });
  if (report.what === 'open' && isOpen()) askHandshake();
  if (report.what in sums) {
    sums[report.what][0] += 1;
    sums[report.what][1] += report.size;
  }
  remember(report);
}

function remember(report) {
  record.push(report);
  if (record.length > MOST) record.shift();
  if (!isOpen()) return;
  showFrame(report);
  tellTried(report);
  look();
}

function look() {
  showLife(connection.socket.ws, sums);
}

function isOpen() {
  return !panel.hidden;
}

function open() {
  panel.hidden = false;
  showFrames(record);
  askHandshake();
  look();
  looking = setInterval(look, LOOK);
  tabs.find((tab) => tab.ariaSelected === 'true').focus();
}

function close() {
  panel.hidden = true;
  clearInterval(looking);
  clearFrames();
  $('hood-button').focus();
}

function toggle() {
  (isOpen() ? close : open)();
  $('hood-button').ariaExpanded = String(isOpen());
  document.body.classList.toggle('hooded', isOpen());
}

function choose(tab) {
  for (const other of tabs) {
    other.ariaSelected = String(other === tab);
    other.tabIndex = other === tab ? 0 : -1;
    $(other.getAttribute('aria-controls')).hidden = other !== tab;
  }
  tab.focus();
}

$('hood-button').onclick = toggle;
$('hood-close').onclick = toggle;
panel.addEventListener('keydown', ({ key, target }) => {
  const step = { ArrowRight: 1, ArrowLeft: tabs.length - 1 }[key];
  if (step && tabs.includes(target)) choose(tabs[(tabs.indexOf(target) + step) % tabs.length]);
  if (key === 'Escape') toggle();
});
for (const tab of tabs) tab.onclick = () => choose(tab);
