// Scrolls the conversation to its newest message if the reader is at the end, and does not move it otherwise.

import { $ } from './dom.js';
import { setText } from './strings.js';

const NEAR = 40; // pixels from the end that count as the end
const INPUT = 1500; // milliseconds after an input in which it causes scrolling
const UP_KEYS = ['ArrowUp', 'PageUp', 'Home'];

const scroller = $('scroller');
const thread = $('thread');
const newer = $('newer');

let atEnd = true;
let lastTop = 0;
let lastHeight = 0;
let lastInput = -INPUT; // when the reader last did what scrolls up
let unseen = 0;

export function isAtEnd() {
	return atEnd;
}

export function scrollToEnd() {
	atEnd = true;
	scroller.scrollTop = scroller.scrollHeight;
	remember();
}

/** A message came. If the reader is further up, the button counts it. */
export function countNewer() {
	if (!atEnd) showUnseen(unseen + 1);
}

/** Changes the rows above what the reader sees, which stays in its place. */
export function changeAbove(change) {
	const fromEnd = scroller.scrollHeight - scroller.scrollTop;
	change();
	scroller.scrollTop = atEnd ? scroller.scrollHeight : scroller.scrollHeight - fromEnd;
	remember();
}

/** Calls `load` when the reader comes near the beginning. */
export function onNearStart(load) {
	// At the very beginning, a wheel or a finger does not scroll any more.
	for (const kind of ['scroll', 'wheel', 'touchmove', 'keydown']) {
		scroller.addEventListener(kind, () => !atEnd && scroller.scrollTop < scroller.clientHeight && load(), { passive: true });
	}
}

function remember() {
	lastTop = scroller.scrollTop;
	lastHeight = scroller.scrollHeight;
}

function showUnseen(n) {
	unseen = n;
	newer.hidden = n === 0;
	setText($('newer-text'), 'newer', { n });
}

// Scroll anchoring is off while the view follows (.following). If rows vanish or shrink, the browser moves the view up to
// keep it within the content. That is not the reader's wish, so it does not count without an input.
function onScroll() {
	const { scrollTop, scrollHeight, clientHeight } = scroller;
	if (scrollHeight - scrollTop - clientHeight < NEAR) atEnd = true;
	else if (scrollTop < lastTop && (scrollHeight >= lastHeight || isReading())) atEnd = false;
	else if (atEnd) scroller.scrollTop = scrollHeight;
	remember();
	scroller.classList.toggle('following', atEnd);
	if (atEnd && unseen) showUnseen(0);
}

/** Whether the reader is scrolling up now. */
function isReading() {
	return performance.now() - lastInput < INPUT;
}

function onInput({ deltaY, key }) {
	if (!(deltaY > 0) && (!key || UP_KEYS.includes(key))) lastInput = performance.now();
}

scroller.addEventListener('scroll', onScroll, { passive: true });
for (const kind of ['wheel', 'touchmove', 'pointerdown', 'keydown']) scroller.addEventListener(kind, onInput, { passive: true });

// The size changes with each message, and with a phone's keyboard.
// Rows that become visible change their size: that must not stop a reader who begins to scroll up.
const observer = new ResizeObserver(() => (atEnd && !isReading() ? scrollToEnd() : remember()));
observer.observe(scroller);
observer.observe(thread);

newer.onclick = () => {
	scrollToEnd();
	$('text').focus();
};
