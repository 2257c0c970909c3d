// Connects the parts. The path of a message: socket.js, connection.js, session.js, this file, log.js.

import { home, withQuery } from './address.js';
import { askName, restore, showComposer, startComposer, writeTo } from './composer.js';
import { Connection } from './connection.js';
import { $, onSubmit } from './dom.js';
import { showHandshake, startInspector } from './inspector.js';
import { addMessage, addNote, scrollToEnd, showPending } from './log.js';
import { tab } from './storage.js';
import { notifyMessage } from './notify.js';
import { showPeople } from './people.js';
import './rooms.js';
import { Session } from './session.js';
import { hideError, showError, showState } from './status.js';
import { showAllTexts, switchLanguage } from './strings.js';
import { named } from './text.js';

let people; // undefined until the first list

const view = {
	pending: showPending,
	handshake: showHandshake,
	named({ name, before, date, mine }) {
		if (mine) showComposer(name), listPeople();
		if (before === name) return;
		if (before) addNote('renamed', { name: named(name), before: named(before) }, date);
		else addNote('joined', { name: named(name) }, date);
	},
	rejectedName(asked, given) {
		showError('nameTaken', { asked: named(asked), given: named(given) });
	},
	users(names) {
		people = names;
		listPeople();
	},
	left(name) {
		addNote('left', { name: named(name) });
	},
	message(message, mine, live) {
		addMessage(message, mine, pick);
		if (live && !mine) notifyMessage(message);
	},
	gap(n) {
		addNote(n ? 'missed' : 'maybeMissed', { n });
	},
	rejectedMessage(reason, about, entry) {
		showError('refused', { about, reason });
		if (entry) restore(entry);
	},
};

const connection = new Connection(() => withQuery(home, session.resume), ['chinwag.v1']);
const session = new Session(connection, view);
connection.listen(showState);
startInspector(connection, () => session.inspect());
startComposer(submit, (name) => session.signIn(name));
if (session.wanted) showComposer(session.wanted);
else askName();
$('retry').onclick = () => connection.connect();
onSubmit('token-form', () => {
	tab.set('token', $('token').value);
	connection.connect();
});
$('language').onclick = () => {
	switchLanguage();
	listPeople();
};
showAllTexts();
connection.connect();

function listPeople() {
	if (people) showPeople(people, session.name, pick);
}

function submit(text, target) {
	hideError();
	session.submit(text, target);
	scrollToEnd();
}

function pick(name) {
	$('people').hidePopover(); // on a narrow screen
	writeTo(name === session.name ? undefined : name);
}
