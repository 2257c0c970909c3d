//! Who has which name, and which number makes a taken name free.
//!
//! Owns the uniqueness of names within one room: no two holders have names with equal keys. Knows
//! users by their seat only.

use std::collections::HashMap;
use std::sync::Arc;

use super::names::Name;

/// The most digits behind a name; far more users than that fit in no room.
const MOST_DIGITS: usize = 9;

/// The names of one room.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// The seat that has the name with this key.
    holders: HashMap<Arc<str>, u64>,
    /// For the key of a name, by the digits of the number behind it: all smaller numbers are taken.
    /// Without it, the thousandth user who wants to be `bob` would cost a thousand look-ups.
    hints: HashMap<Box<str>, [u32; MOST_DIGITS]>,
}

impl Taken {
    /// The seat whose name has this key.
    pub(super) fn holder(&self, key: &str) -> Option<u64> {
        self.holders.get(key).copied()
    }

    /// How many names are taken.
    pub(super) fn len(&self) -> usize {
        self.holders.len()
    }

    /// Gives the seat the name, or the name with the smallest number that makes it free.
    pub(super) fn claim(&mut self, wanted: &Name, max: usize, seat: u64) -> Name {
        let name = self.free(wanted, max);
        self.holders.insert(name.key.clone(), seat);
        name
    }

    /// Makes the name free again, and every number that it may have been given with.
    pub(super) fn release(&mut self, name: &Name) {
        self.holders.remove(&name.key);
        for digits in 1..=MOST_DIGITS {
            let Some((stem, number)) = split_number(&name.key, digits) else {
                return;
            };
            if let Some(hints) = self.hints.get_mut(stem) {
                // A zero in front makes the number smaller than any that is given: look from the first.
                hints[digits - 1] = hints[digits - 1].min(number).max(FIRST[digits - 1]);
            }
        }
    }

    fn free(&mut self, wanted: &Name, max: usize) -> Name {
        if !self.holders.contains_key(&wanted.key) {
            return wanted.clone();
        }
        self.forget_hints();
        // Where one digit finds no stem, more are not tried: it would be work for a name that nobody is called.
        (1..=MOST_DIGITS)
            .map_while(|digits| Some((digits, wanted.stem(digits, max)?)))
            .find_map(|(digits, stem)| Some(stem.numbered(self.first_free(&stem.key, digits)?)))
            .unwrap_or_else(|| self.free(&Name::guest(), usize::MAX))
    }

    /// The smallest number of so many digits that is free behind this key.
    fn first_free(&mut self, stem: &str, digits: usize) -> Option<u32> {
        let hints = self.hints.entry(stem.into()).or_insert(FIRST);
        let hint = &mut hints[digits - 1];
        let end = FIRST[digits - 1] * 10;
        while *hint < end && self.holders.contains_key(format!("{stem}{hint}").as_str()) {
            *hint += 1;
        }
        (*hint < end).then_some(*hint)
    }

    /// Hints are worth their memory only while the names are there that they are about.
    fn forget_hints(&mut self) {
        if self.hints.len() > 64 + 2 * self.holders.len() {
            self.hints.clear();
        }
    }
}

/// The smallest number of each count of digits.
const FIRST: [u32; MOST_DIGITS] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The key without its last `digits` characters, and those as a number.
/// `None` as soon as one of them is no digit.
fn split_number(key: &str, digits: usize) -> Option<(&str, u32)> {
    let at = key.len().checked_sub(digits)?;
    let bytes = &key.as_bytes()[at..];
    if !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (stem, number) = key.split_at(at);
    Some((stem, number.parse().ok()?))
}

#[cfg(test)]
mod tests;
