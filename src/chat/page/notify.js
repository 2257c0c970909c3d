// Signals new messages while the page is not in focus: in the title, and with sound and notification if enabled.

import { room } from './address.js';
import { $ } from './dom.js';
import { keep } from './storage.js';

const TITLE = room ? `${room} · chinwag` : 'chinwag';

let unread = 0;

/** Signals another person's message. */
export function notifyMessage({ name, text }) {
	if (document.hasFocus()) return;
	count(unread + 1);
	if ($('sound').checked) beep();
	if ($('notifications').checked) showNotification(name, text);
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

function showNotification(name, text) {
	try {
		new Notification(name, { body: text.slice(0, 200), tag: 'chinwag' });
	} catch {
		// Android allows it in service workers only.
	}
}

for (const box of [$('sound'), $('notifications')]) {
	box.checked = keep.get(box.id, false);
	box.onchange = async () => {
		if (box.id === 'notifications' && box.checked) box.checked = (await Notification.requestPermission()) === 'granted';
		keep.set(box.id, box.checked);
	};
}
$('notifications').closest('label').hidden = !('Notification' in window && isSecureContext);
addEventListener('focus', () => count(0));
count(0);
