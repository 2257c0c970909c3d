//! A map by ids, sorted. (Each type of a hash map or a tree would be 2 to 4 KiB of code.)

/// Ids usually ascend, so that a new one goes to the end.
#[derive(Debug, Clone)]
#[cfg_attr(feature = "chat", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct IdMap<K, V>(Vec<(K, V)>);

// Not derived, because that would require `Default` of both.
impl<K, V> Default for IdMap<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + Ord, V> IdMap<K, V> {
    fn place(&self, id: K) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, |(id, _)| *id)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, id: K) -> Option<&V> {
        self.place(id).ok().map(|place| &self.0[place].1)
    }

    /// Adds a value, or replaces the one with this id.
    pub(crate) fn insert(&mut self, id: K, value: V) {
        match self.place(id) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.0.insert(place, (id, value)),
        }
    }

    /// The value with this id. If there is none, the default is added.
    pub(crate) fn get_or_default(&mut self, id: K) -> &mut V
    where
        V: Default,
    {
        let place = self.place(id).unwrap_or_else(|place| {
            self.0.insert(place, (id, V::default()));
            place
        });
        &mut self.0[place].1
    }

    pub(crate) fn retain(&mut self, is_kept: impl Fn(&V) -> bool) {
        self.0.retain(|(_, value)| is_kept(value));
    }

    pub(crate) fn remove(&mut self, id: K) -> Option<V> {
        self.place(id).ok().map(|place| self.0.remove(place).1)
    }

    /// In the order of the ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.0.iter().map(|(id, value)| (*id, value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (K, &mut V)> {
        self.0.iter_mut().map(|(id, value)| (*id, value))
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }

    #[cfg(feature = "chat")]
    pub(crate) fn get_mut(&mut self, id: K) -> Option<&mut V> {
        self.place(id).ok().map(|place| &mut self.0[place].1)
    }
}
