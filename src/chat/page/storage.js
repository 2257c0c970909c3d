// `keep` lasts until the next visit, `tab` as long as this tab, `draft` is for this room in this tab.
//
// Each value is checked: other pages of this origin, and earlier versions of this one, may have stored anything.

function store(storage, prefix = 'chinwag.') {
	return {
		/** The stored value if is(value), or otherwise the other one. */
		get(key, is, otherwise) {
			const value = attempt(() => JSON.parse(storage().getItem(prefix + key)));
			return is(value) ? value : otherwise;
		},
		set: (key, value) => attempt(() => storage().setItem(prefix + key, JSON.stringify(value))),
	};
}

// If the browser forbids storage, or it is full, the chat works without it.
function attempt(act) {
	try {
		return act();
	} catch {
		return undefined;
	}
}

export const isText = (value) => typeof value === 'string';

/** A person as the target of messages. */
export const isTarget = (value) => Boolean(value?.name) && isText(value.name);

/** A text that was not delivered, with its target if it is private. */
export const isEntry = (value) => isText(value?.text) && (isTarget(value.target) || !value.target);

export const isListOf = (is) => (value) => Array.isArray(value) && value.every(is);

export const keep = store(() => localStorage);
export const tab = store(() => sessionStorage);
export const draft = store(() => sessionStorage, `chinwag.${location.pathname}.`);
