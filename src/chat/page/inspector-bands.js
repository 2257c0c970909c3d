// The readyState of each connection as a band of its states. How long each lasted is taken from the events.

import { $, make } from './dom.js';

const STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'];
const BEGIN = { connecting: 'CONNECTING', open: 'OPEN', closing: 'CLOSING', close: 'CLOSED', abandoned: 'CLOSED' };
const MAX_BANDS = 2;

const bands = new Map(); // number → { node, state, since }
let newest = 0; // the highest number of a band

export function showState({ what, number, at }) {
	const state = BEGIN[what];
	if (!state) return;
	let band = bands.get(number);
	if (!band) {
		if (number <= newest) return; // its band was dropped
		newest = number;
		band = { node: make('div', 'band', make('b', '', `#${number}`)) };
		bands.set(number, band);
		$('bands').append(band.node);
		if (bands.size > MAX_BANDS) dropOldest();
	}
	if (STATES.indexOf(state) <= STATES.indexOf(band.state)) return;
	const time = at - band.since;
	if (band.state) finish(band.node.lastChild, time);
	band.state = state;
	band.since = at;
	const part = make('span', state, make('span', '', state));
	part.ariaCurrent = 'step';
	band.node.append(part);
}

function finish(part, time) {
	part.ariaCurrent = null;
	part.append(' ', make('small', '', duration(time)));
	part.style.setProperty('flex-grow', 1 + Math.log10(1 + time));
}

/** 11 ms, 3.2 s, 5 min. */
export function duration(time) {
	if (time < 1000) return time < 1 ? '<1 ms' : `${time} ms`;
	return time < 60000 ? `${(time / 1000).toFixed(1)} s` : `${Math.round(time / 60000)} min`;
}

// The chat's connection stays, which is the first, and the newest one of the reader's own.
function dropOldest() {
	const closed = [...bands].find(([, { state }]) => state === 'CLOSED') ?? [...bands][1];
	bands.delete(closed[0]);
	closed[1].node.remove();
}
