// notify.js: tells a reader who looks elsewhere: the title always, sound and notification if asked for.

import { room } from './address.js';
import { $ } from './dom.js';
import { keep } from './memory.js';

const TITLE = room ? `${room} · chinwag` : 'chinwag';

let unread = 0;

/** A message by somebody else came. */
export function noticeMessage({ name, text }) {
	if (document.hasFocus()) return;
	count(unread + 1);
	if ($('sound').checked) beep();
	if ($('notes').checked) notify(name, text);
}

function count(n) {
	unread = n;
	document.title = n ? `(${n}) ${TITLE}` : TITLE;
}

function beep() {
	const audio = new AudioContext();
	const tone = new OscillatorNode(audio, { frequency: 660 });
	tone.connect(new GainNode(audio, { gain: 0.1 })).connect(audio.destination);
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

for (const box of [$('sound'), $('notes')]) {
	box.checked = keep.get(box.id, false);
	box.onchange = async () => {
		if (box.id === 'notes' && box.checked) box.checked = (await Notification.requestPermission()) === 'granted';
		keep.set(box.id, box.checked);
	};
}
$('notes').closest('label').hidden = !('Notification' in window && isSecureContext);
addEventListener('focus', () => count(0));
count(0);
