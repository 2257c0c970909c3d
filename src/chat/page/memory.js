// memory.js: what the page remembers: "keep" for the next visit, "tab" for this tab, reloads included, "draft" for
// this room in this tab.

function drawer(storage, prefix = 'chinwag.') {
	return {
		get: (key, otherwise) => attempt(() => JSON.parse(storage().getItem(prefix + key))) ?? otherwise,
		set: (key, value) => attempt(() => storage().setItem(prefix + key, JSON.stringify(value))),
	};
}

/** Where the browser forbids it, or all is full, the chat goes on without. */
function attempt(act) {
	try {
		return act();
	} catch {
		return undefined;
	}
}

export const keep = drawer(() => localStorage);
export const tab = drawer(() => sessionStorage);
export const draft = drawer(() => sessionStorage, `chinwag.${location.pathname}.`);
