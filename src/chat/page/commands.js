// Lines that begin with a slash. They are the same as in the subprotocol `text` (PROTOCOL.md), and /me.

const COMMANDS = {
	name: (rest) => (rest ? { what: 'name', name: rest } : { what: 'usage', key: 'usageName' }),
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
	return (Object.hasOwn(COMMANDS, word) && COMMANDS[word](rest.trim(), text)) || { what: 'unknown', word };
}

// A name with spaces is in quotation marks.
function privately(rest) {
	const [, quoted, plain, text] = rest.match(/^(?:"([^"]+)"|(\S+))\s+([^]+)$/) ?? [];
	return text ? { what: 'private', name: quoted ?? plain.replace(/^@/, ''), text } : { what: 'usage', key: 'usageMsg' };
}
