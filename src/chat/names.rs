//! Names: which ones are allowed, and when two of them are one.
//!
//! Owns the rules for a single name; who has which name is the room's business. The comparison of
//! RFC 8266 needs Unicode tables; without the feature `precis` a simpler one takes its place.

use std::sync::Arc;

use crate::protocol;

#[cfg_attr(feature = "precis", path = "names/precis.rs")]
#[cfg_attr(not(feature = "precis"), path = "names/simple.rs")]
mod profile;
mod unseen;

/// A name that is allowed, and what it is compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// As it is shown: as it was typed, less the white space around it.
    pub(super) shown: protocol::Name,
    /// Two names with equal keys are one name (RFC 8266 2.4).
    pub(super) key: Arc<str>,
}

impl Name {
    /// The name as it was asked for, if it is allowed: 1 to `max` characters, none of them unseen.
    pub(super) fn new(asked: &str, max: usize) -> Option<Self> {
        let shown = asked.trim();
        let length = shown.chars().take(max.saturating_add(1)).count();
        if length == 0 || length > max || !unseen::is_honest(shown) {
            return None;
        }
        let key = profile::key(shown)?.into();
        Some(Self { shown: shown.into(), key })
    }

    /// What a name becomes that is not allowed.
    pub(super) fn guest() -> Self {
        Self { shown: "guest".into(), key: "guest".into() }
    }

    /// The name with a number behind it. Key and number together are the key of the new name: digits
    /// neither compose with what is before them nor change case.
    pub(super) fn numbered(&self, number: u32) -> Self {
        Self { shown: format!("{}{number}", self.shown).into(), key: format!("{}{number}", self.key).into() }
    }

    /// As much of the name as leaves room for `digits` more characters; `None` if nothing does.
    pub(super) fn stem(&self, digits: usize, max: usize) -> Option<Self> {
        let room = max.checked_sub(digits)?;
        if self.shown.chars().count() <= room {
            return Some(self.clone());
        }
        // What is cut off may have allowed what stays (a joiner, say), so that more must go.
        (1..=room).rev().find_map(|length| Self::new(&prefix(&self.shown, length), max))
    }
}

/// What a name is compared by, for looking it up; `None` if it is no name at all.
pub(super) fn key(name: &str) -> Option<String> {
    profile::key(name)
}

fn prefix(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests;
