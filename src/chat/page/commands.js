// Lines that begin with a slash. They are the same as in the subprotocol `text` (PROTOCOL.md), without /quit.

const COMMANDS = {
	name: (rest) => (rest ? { what: 'name', name: rest.trim() } : { what: 'usage', key: 'usageName' }),
	msg: privately,
	users: () => ({ what: 'users' }),
	help: () => ({ what: 'help' }),
	me: (rest, text) => (rest ? { what: 'say', text } : { what: 'usage', key: 'usageMe' }),
};

const OPERATORS = 'who rooms stats bans kick ban unban mute unmute slow close open delete forget notice'.split(' ');

/** What a typed text means: { what: 'say', text }, a command, or { what: 'unknown', word }. */
export function parse(text) {
	if (text.startsWith('//')) return { what: 'say', text: text.slice(1) };
	const [, word, rest] = text.match(/^\/(\S*)\s*([^]*)$/) ?? [];
	if (word === undefined) return { what: 'say', text };
	if (OPERATORS.includes(word)) return { what: 'operate', command: text.slice(1) };
	return (Object.hasOwn(COMMANDS, word) && COMMANDS[word](rest, text)) || { what: 'unknown', word };
}

// A name with spaces is in quotation marks. Completion writes an @ before names.
function privately(rest) {
	const [, quoted, plain, text] = rest.replace(/^@/, '').match(/^(?:"([^"]*)"|(\S+))\s*([^]*)$/) ?? [];
	const name = quoted ?? plain;
	return name && text ? { what: 'private', name, text } : { what: 'usage', key: 'usageMsg' };
}
