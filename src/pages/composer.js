// composer.js: the box one types in, and the one for the name. Owns the draft, to whom it goes, and what
// the Enter key means.

import { $ } from './dom.js';
import { draft } from './memory.js';
import { say } from './strings.js';
import { named } from './text.js';

const text = $('text');
const nameForm = $('name-form');
let target;

/** `submit(text, target)` says whether it took the text; `signIn(name)` is told the name asked for. */
export function startComposer(submit, signIn) {
  text.value = draft.get('text', '');
  text.oninput = () => draft.set('text', text.value);
  text.onkeydown = (event) => {
    if (!sends(event)) return;
    event.preventDefault();
    send(submit);
  };
  $('text-form').onsubmit = (event) => {
    event.preventDefault();
    send(submit);
    text.focus();
  };
  nameForm.onsubmit = (event) => {
    event.preventDefault();
    const name = $('name').value.trim();
    if (!name) return $('name').focus();
    signIn(name);
    showComposer(name);
    text.focus();
  };
  $('change-name').onclick = () => askName($('me').textContent);
  $('unpick').onclick = () => writeTo();
}

export function askName(present = '') {
  nameForm.hidden = false;
  $('text-form').hidden = true;
  $('name').value = present;
  $('name').select();
}

export function showComposer(name) {
  nameForm.hidden = true;
  $('text-form').hidden = false;
  $('me').replaceChildren(named(name));
}

/** Directs what is typed to one person; without a name, to all again. */
export function writeTo(name) {
  target = name;
  $('private').hidden = !name;
  if (name) say($('private-to'), 'privateTo', { name: named(name) });
  if (!$('text-form').hidden) text.focus();
}

/** Puts a refused text back, before whatever has been typed since. */
export function giveBack(refused) {
  text.value = [refused, text.value].filter(Boolean).join('\n');
  draft.set('text', text.value);
}

// Enter sends, Shift+Enter makes a new line. While an input method composes a Korean, Japanese or Chinese
// character, Enter only finishes that character; Safari ends the composition before it reports the key,
// and is known by key code 229.
function sends(event) {
  return event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229;
}

function send(submit) {
  if (!text.value.trim() || !submit(text.value, target)) return;
  text.value = '';
  draft.set('text', '');
}
