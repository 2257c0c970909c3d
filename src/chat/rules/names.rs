//! Names: which ones are allowed, and when two of them are one.
//!
//! Owns the rules for a single name; who has which name is the room's business. The comparison of
//! RFC 8266 needs Unicode tables; without the feature `precis` a simpler one takes its place.

use std::sync::Arc;

use crate::chat::protocol;

#[cfg_attr(feature = "precis", path = "names/precis/nickname.rs")]
#[cfg_attr(not(feature = "precis"), path = "names/simple.rs")]
mod profile;
mod unseen;

/// Ends that a stem is tried with. A name which no such end makes right is hardly one that somebody is called.
const MOST_CUTS: usize = 8;

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
        let key = key(asked, max)?.into();
        let shown = asked.trim();
        unseen::is_honest(shown).then(|| Self { shown: shown.into(), key })
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
        (1..=room).rev().take(MOST_CUTS).find_map(|length| Self::new(&prefix(&self.shown, length), max))
    }
}

/// What a name is compared by, for looking it up; `None` if it is no name of at most `max` characters.
///
/// The only way to the profile, whose time may grow with the square of the length: a long one never gets there.
pub(super) fn key(name: &str, max: usize) -> Option<String> {
    let name = name.trim();
    is_short(name, max).then(|| profile::key(name)).flatten()
}

/// At most `max` characters. Bytes first: that many are never looked at one by one.
fn is_short(name: &str, max: usize) -> bool {
    name.len() <= max.saturating_mul(4) && name.chars().nth(max).is_none()
}

fn prefix(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests;
