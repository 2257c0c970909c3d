// The note about who joined and left. Until the next message, all of it is one line: "ann, bob and 12 others joined".

import { make } from './dom.js';
import { setText } from './strings.js';
import { namedAll } from './text.js';

const SHOWN = 2; // names; of one more, the others are counted

export class Presence {
	#joined = new Set();
	#left = new Set();
	#line = make('span');

	node = make('div', 'note presence', this.#line, ' ');

	joined(name) {
		this.#left.delete(name);
		this.#joined.add(name);
		this.#show();
	}

	left(name) {
		this.#joined.delete(name);
		this.#left.add(name);
		this.#show();
	}

	#show() {
		const parts = [['joined', this.#joined], ['left', this.#left]].filter(([, names]) => names.size);
		this.#line.replaceChildren(...parts.flatMap(([key, names], at) => [at ? ' · ' : '', sentence(key, [...names])]));
	}
}

function sentence(key, names) {
	const shown = names.length > SHOWN + 1 ? names.slice(0, SHOWN) : names;
	const n = names.length - shown.length;
	return setText(make('span'), n ? `${key}More` : key, { name: namedAll(shown), n });
}
