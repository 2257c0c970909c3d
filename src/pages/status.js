// status.js: how the connection is, in words, and the line for what went wrong.

import { $ } from './dom.js';
import { say } from './strings.js';

export const STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']; // readyState 0 to 3

let countdown;

/** Shows the readyState of the reported socket, and what will be done about a closed one. */
export function showState({ what, ws, wait, code, clean }) {
  if (ws) showWord(ws.readyState);
  if (what === 'open') hideTrouble();
  if (what === 'close') say($('trouble-text'), code === 1008 ? 'shownOut' : 'lost', { code, clean });
  if (what === 'close') $('trouble').hidden = false;
  if (what === 'waiting') countDown(Date.now() + wait);
}

export function showError(key, values) {
  say($('error-text'), key, values);
  $('error').hidden = false;
}

export function hideError() {
  $('error').hidden = true;
}

function showWord(readyState) {
  const state = STATES[readyState];
  $('state').className = `state ${state}`;
  say($('state-word'), state);
  $('state-code').textContent = state;
}

function hideTrouble() {
  clearInterval(countdown);
  $('trouble').hidden = true;
  $('countdown').textContent = '';
}

function countDown(until) {
  clearInterval(countdown);
  const show = () => {
    const n = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    say($('countdown'), 'tryingIn', { n });
    if (n === 0) clearInterval(countdown);
  };
  countdown = setInterval(show, 1000);
  show();
}

$('close-error').onclick = hideError;
