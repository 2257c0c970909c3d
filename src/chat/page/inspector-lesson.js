// Twelve guided steps through the browser's WebSocket, in the order of the lesson that docs/SEED.md names. In each one, the
// reader predicts, does and sees; then it is ticked.

import { base } from './address.js';
import { $, make } from './dom.js';
import { openOwn, ownSocket, withOwn } from './inspector-own.js';
import { openLine } from './inspector-timeline.js';
import { attempt, trials } from './inspector-try.js';
import { keep } from './storage.js';
import { setText } from './strings.js';

const SLOW = 1500; // milliseconds
const PING = '{"type":"ping"}';
const MESSAGE = { type: 'message', text: 'hi' };

const isHandshake = ({ what, data }) => what === 'in' && String(data).startsWith('{"type":"handshake"');
const isClose = ({ what }) => what === 'close';

/** `right` is the number of the right choice. The step is done when `seen` is true of a report; `look` names the line to open. */
const STEPS = [
	{ right: 0, code: 'ws = new WebSocket(url)\nws.readyState', act: () => openOwn({ slow: SLOW }), seen: ({ what }) => what === 'open', look: 'connecting' },
	{ right: 1, code: 'ws = new WebSocket(url)', act: () => openOwn(), seen: isHandshake, look: 'connecting' },
	{ right: 2, code: 'Sec-WebSocket-Accept: …', act: () => openOwn(), seen: isHandshake, look: 'open' },
	{ right: 1, code: 'ws.onopen = () => console.log("open")', act: trials.slow, seen: ({ what }) => what === 'open', look: 'open' },
	{ right: 1, code: 'ws.send("hi")', act: () => withOwn((own) => own.send('hi')), seen: ({ data, frames }) => data === 'hi' && frames, look: 'out' },
	{ right: 2, code: `ws.send('${PING}')\nws.onmessage = (event) => console.log(event.data)`, act: () => withOwn((own) => own.send(PING)), seen: ({ what, data }) => what === 'in' && data === '{"type":"pong"}', look: 'in' },
	{ right: 0, code: `ws.send(JSON.stringify({ type: "message", text: "hi" }))\ntypeof event.data`, act: () => withOwn((own) => own.send(JSON.stringify(MESSAGE))), seen: ({ what, data }) => what === 'in' && /no-name/.test(data), look: 'in' },
	{ right: 1, code: 'ws = new WebSocket(url, ["text", "chinwag.v1"])\nws.protocol', act: () => openOwn({ protocols: ['text', 'chinwag.v1'] }), seen: ({ what, protocol }) => what === 'open' && protocol === 'text', look: 'open' },
	{ right: 0, code: 'ws.onopen = () => ws.close()\nws.readyState', act: () => openOwn({ slow: SLOW, then: (own) => own.close(1000, '') }), seen: isClose, look: 'close' },
	{ right: 2, code: 'ws.close(4000, "bye")\nws.onclose = (event) => console.log(event.code)', act: () => withOwn((own) => own.close(4000, 'bye')), seen: isClose, look: 'close' },
	{ right: 1, code: 'ws = new WebSocket("ws://…:25/")', act: trials.blocked, seen: isClose, look: 'close' },
	{ right: 1, code: 'ws = new WebSocket("wss://…")', act: trials.otherScheme, seen: isClose, look: 'close' },
];

const done = new Set(keep.get('lesson', Array.isArray, []));

let current = Math.max(0, STEPS.findIndex((_, n) => !done.has(n)));
let chosen; // the number of the choice
let isActing = false; // whether the step was begun and its end not seen yet
let line; // the report of the line to open

export function startLesson() {
	STEPS.forEach((_, n) => {
		const button = make('button', 'plain', String(n + 1));
		button.onclick = () => open(n);
		$('lesson-steps').append(make('li', '', button));
	});
	$('lesson-back').onclick = () => open(current - 1);
	$('lesson-next').onclick = () => open(current + 1);
	$('lesson-do').onclick = act;
	startCourse();
	open(current);
}

/** The course is there if the server was built with it. */
function startCourse() {
	const link = $('course');
	if (!link) return;
	link.onfocus = link.onpointerenter = () => (link.href = new URL(document.documentElement.lang === 'ko' ? 'learn/ko' : 'learn', base));
	link.onfocus();
}

/** Ticks the step if the report is what it was to show. */
export function watchLesson(report) {
	if (!isActing || report.number < ownSocket()?.number) return; // one of before
	const { seen, look } = STEPS[current];
	if (report.what === look) line = report;
	if (seen(report)) finish();
}

function open(number) {
	current = number;
	chosen = undefined;
	isActing = false;
	const text = (part) => `step${current + 1}${part}`;
	setText($('lesson-title'), text('title'));
	setText($('lesson-ask'), text('ask'));
	$('lesson-code').textContent = STEPS[current].code;
	$('lesson-choices').replaceChildren($('lesson-ask'), ...['a', 'b', 'c'].map((letter, n) => choice(text(letter), n)));
	setText($('lesson-do'), 'lessonDo').disabled = true;
	$('lesson-result').replaceChildren();
	$('lesson-back').disabled = current === 0;
	$('lesson-next').disabled = current === STEPS.length - 1;
	showTicks();
	$('lesson-steps').scrollIntoView({ block: 'nearest' });
}

function choice(key, number) {
	const radio = make('input');
	Object.assign(radio, { type: 'radio', name: 'lesson' });
	radio.onchange = () => {
		chosen = number;
		$('lesson-do').disabled = false;
		$('lesson-do').scrollIntoView({ block: 'nearest' });
	};
	return make('label', '', radio, ' ', setText(make('span'), key));
}

function act() {
	isActing = true;
	line = undefined;
	$('lesson-result').replaceChildren();
	const error = attempt(STEPS[current].act);
	if (error && isActing) finish(error);
}

function finish(error) {
	isActing = false;
	const { right } = STEPS[current];
	const text = (part) => setText(make('p', part), `step${current + 1}${part}`);
	const [look, key] = chosen === right ? ['verdict', 'rightGuess'] : ['verdict wrong', 'wrongGuess'];
	const verdict = setText(make('p', look), key, { right: setText(make('b'), `step${current + 1}${'abc'[right]}`) });
	const thrown = error ? [make('p', '', make('code', '', `${error.name}: ${error.message}`))] : [];
	$('lesson-result').replaceChildren(verdict, ...thrown, text('see'), text('seed'));
	done.add(current);
	keep.set('lesson', [...done]);
	showTicks();
	if (line) openLine(line);
	$('lesson-next').scrollIntoView({ block: 'nearest' });
}

function showTicks() {
	[...$('lesson-steps').children].forEach(({ firstChild: button }, n) => {
		button.classList.toggle('ticked', done.has(n));
		button.ariaCurrent = n === current ? 'step' : null;
		setText(button, done.has(n) ? 'stepDone' : 'stepOpen', { n: n + 1 });
	});
}
