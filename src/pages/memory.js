// memory.js: what the page remembers. "keep" lasts for the next visit (the name, the settings),
// "draft" only for this tab, a reload included. A browser may forbid both: then nothing is remembered.

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
