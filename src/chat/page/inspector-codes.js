// Close codes as sentences (RFC 6455 7.4.1, and the codes that were registered since).

import { make } from './dom.js';
import { setText } from './strings.js';

const KNOWN = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015];

/** What the code of a close event means. */
export function closeSentence({ code }) {
	const range = code >= 4000 ? 'code4000' : code >= 3000 ? 'code3000' : 'codeOther';
	return setText(make('small', 'sentence'), KNOWN.includes(code) ? `code${code}` : range, { code });
}
