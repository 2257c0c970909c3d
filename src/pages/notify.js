// notify.js: tells a reader who looks elsewhere: the count in the title always, sound and notification only
// where they were asked for.

import { $ } from './dom.js';
import { keep } from './memory.js';

let unread = 0;

/** A message by somebody else came. */
export function noticeMessage({ name, text }) {
  if (document.hasFocus() && !document.hidden) return;
  count(unread + 1);
  if ($('sound').checked) beep();
  if ($('notes').checked) notify(name, text);
}

function count(n) {
  unread = n;
  document.title = n ? `(${n}) chinwag` : 'chinwag';
}

function beep() {
  const audio = new AudioContext();
  const tone = new OscillatorNode(audio, { frequency: 660 });
  const volume = new GainNode(audio, { gain: 0.1 });
  tone.connect(volume).connect(audio.destination);
  tone.onended = () => audio.close();
  tone.start();
  tone.stop(audio.currentTime + 0.12);
}

function notify(name, text) {
  try {
    new Notification(name, { body: text.slice(0, 200), tag: 'chinwag' });
  } catch {
    // Browsers on Android allow it to service workers only.
  }
}

function setting(id) {
  $(id).checked = keep.get(id, false);
  $(id).addEventListener('change', () => keep.set(id, $(id).checked));
}

setting('sound');
setting('notes');
$('notes').addEventListener('change', async () => {
  if ($('notes').checked && (await Notification.requestPermission()) !== 'granted') $('notes').click();
});
$('notes').closest('label').hidden = !('Notification' in window && isSecureContext);
addEventListener('focus', () => count(0));
