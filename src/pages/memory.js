// memory.js: what the page remembers, unless the browser forbids it: "keep" for the next visit, "draft" for
// this tab, reloads included.

function drawer(storage) {
	return {
		get(key, otherwise) {
			try {
				return JSON.parse(storage().getItem(`chinwag.${key}`)) ?? otherwise;
			} catch {
				return otherwise;
			}
		},
		set(key, value) {
			try {
				storage().setItem(`chinwag.${key}`, JSON.stringify(value));
			} catch {
				// Forbidden or full: the chat goes on without.
			}
		},
	};
}

export const keep = drawer(() => localStorage);
export const draft = drawer(() => sessionStorage);
