// Signals new messages while the page is not in focus: in the title, on the icon, and with sound and notification if enabled.

import { base, room } from './address.js';
import { $ } from './dom.js';
import { clearUnread, markUnread } from './log.js';
import { keep } from './storage.js';
import { setText } from './strings.js';
import { mentions } from './text.js';

const TITLE = room ? `${room} · chinwag` : 'chinwag';
const BEEP_PAUSE = 2000; // milliseconds

const isTrue = (value) => value === true;
const box = $('notifications');
const iconLink = document.querySelector('link[rel=icon]');

let unread = 0;
let lastBeep = 0;
let wants = keep.get('notifications', isTrue, false); // whether the user enabled notifications
let isUnable = false; // whether the browser has no notifications for pages
let iconText; // the SVG of the icon, when it was first needed

/** Signals another person's message, before it is shown. */
export function notifyMessage({ name, text, target }, own) {
	if (document.hasFocus()) return;
	markUnread();
	count(unread + 1);
	if ($('sound').checked && Date.now() - lastBeep > BEEP_PAUSE) beep();
	if ($('notifications').checked && (target || mentions(text, own))) showNotification(name, text);
}

function count(n) {
	const changes = Boolean(n) !== Boolean(unread);
	unread = n;
	document.title = n ? `(${n}) ${TITLE}` : TITLE;
	if (changes) showBadge();
}

async function showBadge() {
	iconText ??= await fetch(new URL('icon.svg', base)).then((answer) => answer.text(), () => '');
	const dot = '<circle cx="25" cy="8" r="7" fill="#dc2626" stroke="#fff" stroke-width="2"/></svg>';
	const badged = `data:image/svg+xml,${encodeURIComponent(iconText.replace('</svg>', dot))}`;
	iconLink.href = unread && iconText ? badged : new URL('icon.svg', base).href;
}

function beep() {
	lastBeep = Date.now();
	const audio = new AudioContext();
	const tone = new OscillatorNode(audio, { frequency: 660 });
	tone.connect(new GainNode(audio, { gain: 0.1 })).connect(audio.destination);
	tone.onended = () => audio.close();
	tone.start();
	tone.stop(audio.currentTime + 0.12);
}

function showNotification(name, text) {
	try {
		const shown = new Notification(name, { body: text.replace(/^\/me\s/, '').slice(0, 200), tag: 'chinwag' });
		shown.onclick = () => window.focus();
	} catch {
		// Android allows it in service workers only.
		isUnable = true;
		showPermission();
		keep.set('notifications', false);
	}
}

// Users change the permission in the browser's settings, too.
function showPermission() {
	const { permission } = Notification;
	box.checked = wants && !isUnable && permission === 'granted';
	if (box.checked) keep.set('notifications', true);
	const isBlocked = wants && permission === 'denied';
	setText($('notifications-note'), isUnable ? 'notificationsUnable' : 'notificationsBlocked').hidden = !isUnable && !isBlocked;
}

$('sound').checked = keep.get('sound', isTrue, false);
$('sound').onchange = () => keep.set('sound', $('sound').checked);
if ('Notification' in window && isSecureContext) {
	showPermission();
	box.onchange = async () => {
		wants = box.checked;
		showPermission(); // the user may never answer the request
		keep.set('notifications', box.checked);
		if (wants) await Notification.requestPermission();
		showPermission();
	};
	addEventListener('focus', showPermission);
	navigator.permissions?.query({ name: 'notifications' }).then((status) => (status.onchange = showPermission), () => {});
} else {
	box.closest('label').hidden = true;
}
addEventListener('focus', () => count(0));
addEventListener('blur', clearUnread);
document.title = TITLE;
