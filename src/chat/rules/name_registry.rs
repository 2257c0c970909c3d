//! The names in one room: no two users have names with equal keys.

use super::names::Name;
use crate::chat::protocol::UserId;
use std::{collections::HashMap, sync::Arc};

/// The most digits after a name, enough for any number of users.
const MAX_DIGITS: usize = 9;

/// The smallest number with one digit, with two, and so on.
const FIRST: [u32; MAX_DIGITS] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The most reserved names of one room.
const MAX_RESERVED: usize = 1024;

#[derive(Debug, Default)]
#[cfg_attr(feature = "cluster", derive(Clone, serde::Serialize, serde::Deserialize))]
pub(super) struct NameRegistry {
    /// The user that has the name with this key.
    holders: HashMap<Arc<str>, UserId>,
    /// How many of these users have left, and their names are reserved.
    reserved: usize,
    /// For the key of a name, by number of digits: the smallest number after it that may be free. Without these hints, the
    /// thousandth user with the wish `bob` would cost a thousand look-ups.
    #[cfg_attr(feature = "cluster", serde(skip))]
    hints: HashMap<Box<str>, [u32; MAX_DIGITS]>,
}

impl NameRegistry {
    /// The user whose name has this key.
    pub(super) fn holder(&self, key: &str) -> Option<UserId> {
        self.holders.get(key).copied()
    }

    /// How many users have a name.
    pub(super) fn len(&self) -> usize {
        self.holders.len() - self.reserved
    }

    pub(super) fn has_reserved(&self) -> bool {
        self.reserved > 0
    }

    /// Keeps the name of a user who left, unless too many are kept.
    pub(super) fn reserve(&mut self) -> bool {
        let has_room = self.reserved < MAX_RESERVED;
        self.reserved += usize::from(has_room);
        has_room
    }

    pub(super) fn release_reserved(&mut self, name: &Name) {
        self.reserved -= 1;
        self.release(name);
    }

    /// Gives the user this name, or the nearest one that is free.
    pub(super) fn claim(&mut self, wanted: &Name, max_chars: usize, id: UserId) -> Name {
        let name = self.free_name(wanted, max_chars);
        self.holders.insert(name.key.clone(), id);
        name
    }

    /// Makes the name free again, and so the number at its end, if it has one.
    pub(super) fn release(&mut self, name: &Name) {
        self.holders.remove(&name.key);
        if self.holders.is_empty() {
            // Frees the memory that is of use only while names are taken.
            *self = Self::default();
        }
        for (digits, first) in (1..).zip(FIRST) {
            let Some((stem, number)) = split_number(&name.key, digits) else { return };
            if let Some(hints) = self.hints.get_mut(stem) {
                // A leading zero makes the number smaller than any that is given: search from the first.
                hints[digits - 1] = hints[digits - 1].min(number).max(first);
            }
        }
    }

    /// The name, or the one with the smallest number that makes it free.
    pub(super) fn free_name(&mut self, wanted: &Name, max_chars: usize) -> Name {
        if !self.holders.contains_key(&wanted.key) {
            return wanted.clone();
        }
        if self.hints.len() > 64 + 2 * self.holders.len() {
            self.hints.clear();
        }
        // If one digit leaves no stem, more digits are not tried.
        (1..=MAX_DIGITS)
            .map_while(|digits| Some((digits, wanted.stem(digits, max_chars)?)))
            .find_map(|(digits, stem)| Some(stem.numbered(self.free_number(&stem.key, digits)?)))
            .unwrap_or_else(|| self.free_name(&Name::guest(), usize::MAX))
    }

    /// The smallest free number with that many digits after this key.
    fn free_number(&mut self, stem: &str, digits: usize) -> Option<u32> {
        let hint = &mut self.hints.entry(stem.into()).or_insert(FIRST)[digits - 1];
        let end = FIRST[digits - 1] * 10;
        while *hint < end && self.holders.contains_key(format!("{stem}{hint}").as_str()) {
            *hint += 1;
        }
        (*hint < end).then_some(*hint)
    }
}

/// The key without its last `digits` characters, and those as a number; `None` if one of them is not a digit.
fn split_number(key: &str, digits: usize) -> Option<(&str, u32)> {
    let (stem, number) = key.split_at_checked(key.len().checked_sub(digits)?)?;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    Some((stem, number.parse().ok().filter(|_| is_number)?))
}

#[cfg(test)]
mod tests;
