//! How much of a history is told at once.
//!
//! Owns what fits: a bound in bytes, but always one message, or a bound that is too small for it would hold it up for ever.

use super::StoredMessage;

/// A part of a history that is being put together, of no more than so many bytes, as [`StoredMessage::wire_size`] counts.
#[derive(Debug, Clone, Copy)]
pub struct ByteBudget {
    left: usize,
    is_empty: bool,
}

impl ByteBudget {
    /// Nothing is in it yet.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self { left: bytes, is_empty: true }
    }

    /// Takes the next message, if it fits or is the first one. If not, the part is at its end.
    pub fn spend(&mut self, entry: &StoredMessage) -> bool {
        let left = self.left.checked_sub(entry.wire_size()).or(self.is_empty.then_some(0));
        *self = Self { left: left.unwrap_or(0), is_empty: false };
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_and_always_one() {
        let (room, name, text) = ("".into(), "ann".into(), "hi".into());
        let entry = StoredMessage { room, seq: 1, date: 0, id: 1, name, text, nonce: None };
        for (bytes, most) in [(0, 1), (1, 1), (2, 2), (5, 5)] {
            let mut part = ByteBudget::new(bytes * entry.wire_size());
            assert_eq!((0..9).take_while(|_| part.spend(&entry)).count(), most, "{bytes}");
        }
        let mut part = ByteBudget::new(2 * entry.wire_size() - 1);
        assert!(part.spend(&entry) && !part.spend(&entry) && !part.spend(&entry));
    }
}
