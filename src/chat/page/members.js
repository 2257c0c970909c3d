// The users in the room: names and the numbers of their connections, if the server sent these.

export class Members {
	#list = new Map(); // id → name in the last list; without ids, name → name
	#known = new Map(); // id → name as announced
	#hasList = false;
	#added; // a name that is new in a list without ids
	#removed; // the name that it may replace

	clear() {
		this.#list.clear();
		this.#known.clear();
		this.#hasList = false;
	}

	/** The connection of that name, if it is known. */
	idOf(name) {
		return [...this.#list].find(([id, known]) => known === name && id !== name)?.[0];
	}

	/** A message says that this connection has this name. */
	see(id, name) {
		this.#known.set(id, name);
	}

	/** A connection has a new name, and may be back in place of `was`. Returns its name before. */
	rename(id, name, was) {
		const guess = name === this.#added ? this.#removed : undefined;
		const before = this.#known.get(id) ?? this.#known.get(was) ?? guess;
		this.#known.delete(was);
		this.#known.set(id, name);
		return before;
	}

	/** Takes a whole list. Returns the names that are gone. Who is in the first list was here before, except `own`. */
	replace(users, ids, own) {
		const list = new Map(users.map((name, at) => [ids?.[at] ?? name, name]));
		const gone = [...this.#list.keys()].filter((id) => !list.has(id));
		if (!ids) this.#guess(list, gone);
		for (const [id, name] of list) {
			const before = this.#hasList || id === own ? this.#list.get(id) : name;
			if (ids && before && !this.#known.has(id)) this.#known.set(id, before);
		}
		const left = gone.map((id) => this.#known.get(id) ?? this.#list.get(id)).filter((name) => !users.includes(name));
		for (const [id, name] of this.#known) if (gone.includes(id) || (!ids && left.includes(name))) this.#known.delete(id);
		this.#list = list;
		this.#hasList = true;
		return left;
	}

	// Without ids: if one name is new and another one is gone, that may be one person.
	#guess(list, gone) {
		this.#added = [...list.keys()].find((name) => !this.#list.has(name));
		this.#removed = this.#added && gone.pop();
	}
}
