// main.js: the page begins here. It makes the connection, and tells each part of the page what the others
// did. The way of a message: socket.js → connection.js → session.js → (here) → log.js, and back from
// composer.js → (here) → session.js → connection.js → socket.js.

import { askName, giveBack, showComposer, startComposer, writeTo } from './composer.js';
import { Connection } from './connection.js';
import { $ } from './dom.js';
import { showHandshake, startHood } from './hood.js';
import { addMessage, addNote, scrollToEnd, showPending } from './log.js';
import { noticeMessage } from './notify.js';
import { closePeople, showPeople } from './people.js';
import { Session } from './session.js';
import { hideError, showError, showState } from './status.js';
import { sayAll, switchLanguage } from './strings.js';
import { named } from './text.js';

const view = {
  named({ name, before, date, mine }) {
    if (mine) showComposer(name);
    if (before === name) return;
    addNote(before ? 'renamed' : 'joined', { name: named(name), before: before && named(before) }, date);
  },
  rejected(asked, given) {
    showError('rejected', { asked: named(asked), given: named(given) });
  },
  users(names, left, own) {
    showPeople(names, own, pick);
    for (const name of left) addNote('left', { name: named(name) });
  },
  message(message, mine) {
    addMessage(message, mine, pick);
    if (!mine) noticeMessage(message);
  },
  handshake: showHandshake,
  pending: showPending,
  refused(reason, about, entry) {
    showError('refused', { about, reason });
    if (entry) giveBack(entry.text);
  },
};

const connection = new Connection(address, ['chinwag.v1']);
const session = new Session(connection, view);
connection.watch(showState);
startHood(connection, () => session.inspect());

startComposer(submit, (name) => session.signIn(name));
if (session.wanted) showComposer(session.wanted);
else askName();

$('language').onclick = switchLanguage;
$('again').onclick = () => connection.connect();
showPeople([]);
sayAll();
connection.connect();

/** The page's own address, with ws for http and wss for https: the same host, port and room. */
function address() {
  const url = new URL(location.pathname, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  return url.href;
}

function submit(text, target) {
  hideError();
  const taken = session.say(text, target);
  if (!taken) showError('tooLong', {});
  scrollToEnd();
  return taken;
}

function pick(name) {
  closePeople();
  writeTo(name === session.name ? undefined : name);
}
