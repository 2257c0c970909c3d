// en.js: every English word of the page. {holes} are filled in; "one|many" chooses by the number n.

export default {
  other: '한국어',
  otherLabel: '한국어로 보기',

  CONNECTING: 'Connecting…',
  OPEN: 'Connected',
  CLOSING: 'Closing…',
  CLOSED: 'Not connected',
  lost: 'The connection ended (code {code}). What you write is kept and sent later.',
  shownOut: 'The server ended the connection (code {code}: policy).',
  tryingIn: 'Trying again in {n} s',
  again: 'Try now',

  people: '{n} person here|{n} people here',
  peopleButton: 'People',
  nobody: 'Nobody has signed in yet.',
  you: 'you',
  writePrivately: 'Write to {name} privately',

  conversation: 'Conversation',
  empty: 'Nothing has been said yet.',
  emptyHint: 'Open this page in a second window, and talk to yourself.',
  dropped: '{n} older messages are no longer shown.',
  newer: '↓ {n} new message|↓ {n} new messages',
  showAll: 'Show all {n} characters',
  joined: '{name} signed in',
  renamed: '{before} is now {name}',
  left: '{name} left',
  privately: 'to you only',
  privateTo: 'to {name} only',
  toAll: 'Write to everybody again',
  sending: 'Sending…',
  waits: 'Waits for the connection',

  nameAsk: 'What shall the others call you?',
  join: 'Join',
  as: 'as',
  change: 'Change your name',
  message: 'Message',
  messageHint: 'Write a message',
  send: 'Send',

  rejected: '“{asked}” is taken or cannot be a name here. You are “{given}”.',
  refused: 'The server refused that: {about} ({reason})',
  tooLong: 'That is too long for one message.',
  close: 'Close',
};
