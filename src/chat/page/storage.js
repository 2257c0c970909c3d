// `keep` lasts until the next visit, `tab` as long as this tab, `draft` is for this room in this tab.

function store(storage, prefix = 'chinwag.') {
	return {
		get: (key, otherwise) => attempt(() => JSON.parse(storage().getItem(prefix + key))) ?? otherwise,
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

export const keep = store(() => localStorage);
export const tab = store(() => sessionStorage);
export const draft = store(() => sessionStorage, `chinwag.${location.pathname}.`);
