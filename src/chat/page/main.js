// Connects the parts. The path of a message: socket.js, connection.js, session.js, this file, log.js.

import { home, withQuery } from './address.js';
import { parse } from './commands.js';
import { startCompletion } from './complete.js';
import { followTarget, forgetNumbers, restore, startComposer, write, writeTo } from './composer.js';
import { Connection } from './connection.js';
import { $ } from './dom.js';
import { scrollToEnd } from './follow.js';
import { followIgnored, isIgnored, unfollowIgnored } from './ignore.js';
import { startInspector } from './load-inspector.js';
import { addMessage, addNote, addPresence, showDeleted, showPending } from './log.js';
import { notifyMessage } from './notify.js';
import { showOlder, startOlder } from './older.js';
import { closePanel, startPanel } from './panel.js';
import { showIgnored, showPeople, startPeople, translatePeople } from './people.js';
import './rooms.js';
import { acceptToken, askName, askToken, showChat, showName, showWho, startScreens } from './screens.js';
import { Session } from './session.js';
import { hideError, hideTrouble, showError, showState } from './status.js';
import { has, showAllTexts, switchLanguage } from './strings.js';
import { named, namedAll } from './text.js';

let people = [];
const gone = new Set(); // names that were said to have left

const view = {
	pending: showPending,
	restarted: forgetNumbers,
	named({ id, name, before, date, mine, was }) {
		if (mine) {
			showName(name);
			showPeople(people, name);
			if (before && before !== name && name === session.wanted) hideError(); // the name that was held is back
		}
		if (before || was !== undefined) followTarget(before, { id, name }, was);
		if (before && before !== name && !mine) {
			followIgnored(before, name);
			showIgnored(name);
		}
		const isBack = was !== undefined && !gone.has(name); // nobody saw that it was away
		gone.delete(name);
		if (before === name || isBack) return;
		if (before) addNote('renamed', { name: named(name), before: named(before) }, date);
		else addPresence('joined', name, date);
	},
	otherName(asked, given, isGhost) {
		showError(isGhost ? 'nameHeld' : 'nameTaken', { asked: named(asked), given: named(given) });
	},
	users(names) {
		people = names;
		showPeople(people, session.name);
		showWho(names);
	},
	left(name) {
		gone.add(name);
		unfollowIgnored(name);
		addPresence('left', name);
	},
	message(message, mine, live) {
		if (live && !mine && !isIgnored(message.name)) notifyMessage(message, session.name);
		addMessage(message, mine, session.name ?? session.wanted);
		showOlder();
	},
	deleted: showDeleted,
	notice: (text) => addNote('notice', { text }),
	gap(n) {
		addNote(n ? 'missed' : 'maybeMissed', { n });
	},
	rejectedMessage(reason, about, entry) {
		const known = has(`error-${reason}`) && (!about || document.documentElement.lang === 'ko');
		showError(known ? `error-${reason}` : 'refused', { about, reason });
		if (entry) restore(entry);
	},
};

const connection = new Connection(() => withQuery(home, session.resume), ['chinwag.v1']);
const session = new Session(connection, view);
connection.listen(onReport);
startInspector(connection, () => session.inspect());
startCompletion(() => people.filter((name) => name !== session.name));
startComposer(submit);
startPeople(pick);
startPanel();
startOlder(session);
startScreens(signIn, () => connection.retry());
showAllTexts();
if (session.wanted) showChat(session.wanted);
else askName();
$('log').onclick = ({ target }) => {
	const name = target.closest('.head > .name');
	if (name) pick(name.textContent);
};
$('retry').onclick = () => connection.retry();
$('language').onclick = () => {
	switchLanguage();
	translatePeople();
};
// A dropped file would replace the page.
addEventListener('dragover', (event) => event.dataTransfer.types.includes('Files') && event.preventDefault());
addEventListener('drop', (event) => {
	if (!event.dataTransfer.types.includes('Files')) return;
	event.preventDefault();
	showError('noFiles');
});
addEventListener('paste', ({ clipboardData }) => clipboardData.files.length && !clipboardData.getData('text/plain') && showError('noFiles'));
document.body.classList.add('ready');
connection.connect();

function onReport(report) {
	if (report.what === 'open') acceptToken();
	showState(report, () => {
		connection.stop();
		hideTrouble();
		askToken();
	});
}

function submit(text, target) {
	hideError();
	const command = parse(text);
	switch (command.what) {
		case 'say': return say(command.text, target);
		case 'private': return say(command.text, session.person(command.name));
		case 'name': return signIn(command.name);
		case 'operate': return session.operate(command.command);
		case 'users': return addNote('users', { names: namedAll(people) });
		case 'help': return addNote('help');
		case 'usage': return refuse(command.key);
		default: return refuse('unknownCommand', { word: command.word }, () => {
			say(text, target);
			if ($('text').value === text) write(''); // not what was typed since
			hideError();
		});
	}
}

function signIn(name) {
	hideError();
	session.signIn(name);
}

function refuse(key, values, action) {
	showError(key, values, action);
	return false;
}

function say(text, target) {
	session.submit(text, target);
	scrollToEnd();
}

function pick(name) {
	closePanel();
	writeTo(name === session.name ? undefined : session.person(name));
}
