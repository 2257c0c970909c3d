// What the user is asked for: the access token, then a name, then messages.

import { getToken, setToken } from './address.js';
import { $, onSubmit } from './dom.js';
import { setText } from './strings.js';
import { namedAll } from './text.js';
import { checkToken } from './why.js';

let needsToken = false;
let asksName = false;
let current = ''; // the name, while the user may change it

/** Calls signIn(name), and connect() with a new token. */
export function startScreens(signIn, connect) {
	onSubmit('name-form', () => {
		const wanted = $('name').value.trim();
		if (!wanted) return askAgain($('name'));
		signIn(wanted);
		showChat(wanted);
	});
	onSubmit('token-form', async () => {
		const token = $('token').value.trim();
		if (!token) return askAgain($('token'));
		setToken(token);
		const verdict = await checkToken();
		if (verdict === 'token') return askToken();
		setText($('token-text'), verdict ?? 'connecting').className = '';
		return connect();
	});
	$('change-name').onclick = () => askName($('me').textContent);
	$('name-cancel').onclick = () => showChat(current);
	$('name-form').onkeydown = ({ key }) => void (key === 'Escape' && current && showChat(current));
}

/** The server refuses connections without a token, or with this one. */
export function askToken() {
	needsToken = true;
	setText($('token-text'), getToken() ? 'tokenWrong' : 'tokenText').className = getToken() ? 'wrong' : '';
	update('token');
	$('token').select();
}

/** The connection is open, so the server accepts the token. */
export function acceptToken() {
	if (!needsToken) return;
	needsToken = false;
	update(asksName ? 'name' : 'text');
}

export function isAskingToken() {
	return needsToken;
}

export function askName(name = '') {
	current = name;
	asksName = true;
	$('name').value = name;
	$('name-cancel').hidden = !name;
	$('name-form').classList.toggle('rename', Boolean(name));
	setText($('name-title'), name ? 'change' : 'welcome');
	setText($('join'), name ? 'save' : 'join');
	update('name');
	$('name').select();
}

/** Shows the text box for a user of that name. */
export function showChat(name) {
	showName(name);
	const wasAsking = asksName;
	asksName = false;
	update(wasAsking || document.activeElement === document.body ? 'text' : undefined);
}

/** Who is here, for a user who has no name yet. */
export function showWho(names) {
	const shown = namedAll(names.slice(0, 5));
	if (names.length > 5) shown.append('…');
	if (names.length) setText($('who'), 'who', { names: shown });
}

/** The name that the server gave. */
export function showName(name) {
	$('me').textContent = name;
	$('profile').hidden = false;
}

// The browser says in its own words that the box is empty.
function askAgain(box) {
	box.value = '';
	box.reportValidity();
}

function update(focus) {
	const isCovered = needsToken || asksName;
	$('token-form').hidden = !needsToken;
	$('name-form').hidden = needsToken || !asksName;
	$('text-form').hidden = isCovered;
	document.body.classList.toggle('covered', isCovered);
	$('scroller').inert = isCovered;
	if (focus) $(focus).focus();
}
