// The part "Polling": the same messages arrive in four ways at the same time, and each way counts what it costs.
//
// The server has no requests for polling. It has a stream of a room, which does not end. So this page ends each request itself:
// for polling after a moment, for long polling after the first message.

import { base, withQuery } from './address.js';
import { $, make } from './dom.js';
import { wireSize } from './inspector-frames.js';
import { setText } from './strings.js';

const SECOND = 1000;
const MOMENT = 200; // milliseconds in which a poll reads what is there
const SEND = [500, 2500]; // milliseconds between two messages, at random
const LONGEST = 60; // seconds, after which it ends by itself

const WAYS = { poll, longPoll, stream, socket };
const CELLS = ['requests', 'size', 'received', 'delay'];

// What scripts do not see of a handshake, without the host and the path.
const UPGRADE = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

let run; // { room, sent: text → when, ended: an AbortController }

export function startPolling() {
	for (const name in WAYS) {
		const row = make('tr', '', setText(make('th'), `way-${name}`), ...CELLS.map((cell) => make('td', cell)));
		row.id = `way-${name}`;
		row.firstChild.scope = 'row';
		$('polling-ways').append(row);
	}
	$('polling-start').onclick = () => (run ? stopPolling() : start());
	$('polling').addEventListener('toggle', () => $('polling').open || stopPolling());
	showButton();
}

/** Ends all requests. The counters stay. */
export function stopPolling() {
	run?.ended.abort();
	run = undefined;
	showButton();
}

function start() {
	const now = { room: new URL(`room/polling-${Math.random().toString(36).slice(2, 10)}`, base).href, sent: new Map(), ended: new AbortController() };
	run = now;
	$('polling-out').replaceChildren();
	const fail = (error) => {
		if (now !== run) return; // it was stopped
		setText($('polling-out'), 'pollingFailed', { why: error.message });
		stopPolling();
	};
	for (const name in WAYS) {
		const way = { name, requests: 0, size: 0, received: 0, time: 0, since: 0 };
		show(way);
		WAYS[name](now, way).catch(fail);
	}
	send(now).catch(fail);
	setTimeout(() => now === run && stopPolling(), LONGEST * SECOND);
	showButton();
}

function showButton() {
	setText($('polling-start'), run ? 'pollingStop' : 'pollingStart');
}

/** Posts messages, which are counted by none of the ways. */
async function send({ room, sent, ended }) {
	for (let n = 1; !ended.signal.aborted; n++) {
		await pause(SEND[0] + Math.random() * (SEND[1] - SEND[0]));
		sent.set(`message ${n}`, performance.now());
		const response = await fetch(withQuery(room, { name: 'polling' }), { method: 'POST', body: `message ${n}`, signal: ended.signal });
		if (!response.ok) throw new Error(`POST ${response.status}`);
	}
}

async function poll(now, way) {
	while (!now.ended.signal.aborted) {
		await request(now, way, 'ndjson', (isFirst, end) => isFirst && setTimeout(end, MOMENT));
		await pause(SECOND);
	}
}

async function longPoll(now, way) {
	while (!now.ended.signal.aborted) {
		const before = way.received;
		await request(now, way, 'ndjson', (_, end) => way.received > before && end());
	}
}

async function stream(now, way) {
	await request(now, way, 'sse', () => {});
}

function socket({ room, sent, ended }, way) {
	const address = withQuery(room.replace('http', 'ws'), { since: 0 });
	const ws = new WebSocket(address, 'chinwag.v1');
	ended.signal.onabort = () => ws.close(1000);
	count(way, { requests: 1, size: headOf(address).length + UPGRADE.length });
	ws.onopen = () => count(way, { size: SWITCHED.length });
	ws.onmessage = ({ data }) => {
		count(way, { size: wireSize(new TextEncoder().encode(data).length, false) });
		receive(way, sent, data);
	};
	return new Promise((_, reject) => (ws.onclose = ({ code }) => reject(new Error(`Close ${code}`))));
}

/** One request for a stream. After each piece that arrives, more(isFirst, end) may end it. */
async function request({ room, sent, ended }, way, format, more) {
	const address = withQuery(room, { format, since: way.since });
	const own = new AbortController();
	const end = () => own.abort();
	ended.signal.addEventListener('abort', end, { once: true });
	count(way, { requests: 1, size: headOf(address).length });
	try {
		const response = await fetch(address, { signal: own.signal, cache: 'no-store' });
		if (!response.ok) throw new Error(`GET ${response.status}`);
		const fields = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`);
		count(way, { size: `HTTP/1.1 200 OK\r\n${fields.join('')}\r\n`.length });
		await readLines(response.body.getReader(), way, (line) => receive(way, sent, line.replace(/^data: /, '')), (isFirst) => more(isFirst, end));
	} catch (error) {
		if (!own.signal.aborted) throw error;
	}
}

async function readLines(reader, way, line, more) {
	const decoder = new TextDecoder();
	let rest = '';
	for (let isFirst = true; ; isFirst = false) {
		const { done, value } = await reader.read();
		if (done) throw new Error('the stream has ended');
		count(way, { size: value.length });
		const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
		rest = lines.pop();
		lines.forEach(line);
		more(isFirst);
	}
}

/** Counts a message that was sent here. Other lines are part of the format. */
function receive(way, sent, line) {
	const message = line.startsWith('{') ? JSON.parse(line) : {};
	if (message.type !== 'message' || !sent.has(message.text)) return;
	way.since = message.seq;
	count(way, { received: 1, time: performance.now() - sent.get(message.text) });
}

function count(way, more) {
	for (const key in more) way[key] += more[key];
	show(way);
}

function show({ name, requests, size, received, time }) {
	const values = { requests, size, received, delay: received ? `${Math.round(time / received)} ms` : '–' };
	for (const cell of $(`way-${name}`).querySelectorAll('td')) cell.textContent = values[cell.className];
}

/** The head of a request, without the fields that scripts do not see. */
function headOf(address) {
	const { pathname, search, host } = new URL(address);
	return `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${navigator.userAgent}\r\n\r\n`;
}

function pause(time) {
	return new Promise((resolve) => setTimeout(resolve, time));
}
