//! Names of users and rooms: which ones are allowed, and which ones are the same name.

use std::sync::Arc;

#[cfg(feature = "precis")]
use unicode_normalization::UnicodeNormalization;

use crate::chat::protocol;

mod scripts;
mod visible;

/// The longest name of a user, in characters (Unicode scalar values).
pub(super) const MAX_CHARS: usize = 32;

/// The most code points that Unicode's canonical composition (NFC) can make into one character.
const MAX_PARTS: usize = 4;

/// How often the comparison rules are applied, until they change nothing any more (RFC 8266 2.4).
const MAX_ROUNDS: usize = 4;

/// A name that is allowed, and its key for comparison.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Name {
    /// The name as users see it: without white space around it, and composed (NFC).
    pub(super) shown: protocol::Name,
    /// Two names with equal keys are the same name (RFC 8266 2.4).
    pub(super) key: Arc<str>,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Name {}

impl Name {
    /// The requested name if it is allowed: 1 to `max` characters, all of them visible.
    pub(super) fn new(requested: &str, max: usize) -> Option<Self> {
        let requested = requested.trim();
        // Checked before anything else, because it bounds the time that normalisation takes.
        if !has_at_most(max.saturating_mul(MAX_PARTS), requested) {
            return None;
        }
        let composed = nfc(&without_decorations(requested))?;
        let shown = composed.trim();
        if !has_at_most(max, shown) || !visible::is_visible(shown) {
            return None;
        }
        Some(Self { shown: shown.into(), key: key(shown)?.into() })
    }

    /// The requested name, if it is allowed for a user: it must not mix scripts, because it could pass as another name.
    pub(super) fn of_user(requested: &str) -> Option<Self> {
        Self::new(requested, MAX_CHARS).filter(|name| scripts::is_unmixed(&name.shown))
    }

    /// The name of a user whose requested name is not allowed.
    pub(super) fn guest() -> Self {
        Self { shown: "guest".into(), key: "guest".into() }
    }

    /// The name with a number appended. The number is also appended to the key, which is correct because digits
    /// neither compose with the character before them nor have a case.
    pub(super) fn numbered(&self, number: u32) -> Self {
        Self { shown: format!("{}{number}", self.shown).into(), key: format!("{}{number}", self.key).into() }
    }

    /// The longest prefix of the name that leaves room for `digits` more characters. `None` if there is none.
    pub(super) fn stem(&self, digits: usize, max: usize) -> Option<Self> {
        let room = max.checked_sub(digits)?;
        if has_at_most(room, &self.shown) {
            return Some(self.clone());
        }
        // A prefix can end with a character that is only allowed between two others. The next shorter one does not.
        let prefix = |chars| self.shown.chars().take(chars).collect::<String>();
        (1..=room).rev().take(2).find_map(|chars| Self::new(&prefix(chars), max))
    }
}

/// Whether the text has at most `max` characters. No more of them are counted.
fn has_at_most(max: usize, text: &str) -> bool {
    text.chars().nth(max).is_none()
}

/// Drops code points that only change how their neighbours are drawn: variation selectors, the keycap, and the joiners of
/// emoji. Keyboards add them, and the name stays readable without them.
fn without_decorations(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    for c in name.chars() {
        let is_decoration = matches!(c,
            '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{20e3}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
            || is_joiner(c) && !kept.ends_with(uses_joiners);
        if !is_decoration {
            kept.push(c);
        }
    }
    kept
}

/// ZERO WIDTH NON-JOINER and ZERO WIDTH JOINER.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Ranges with all scripts that are spelled with joiners: Arabic and the Indic scripts.
fn uses_joiners(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{1cff}' | '\u{a800}'..='\u{abff}' | '\u{10a00}'..='\u{11fff}')
}

/// The comparison form of the Nickname profile (RFC 8266 2.4). `None` if it is empty, or if the rules do not settle.
///
/// Joiners do not count, unlike in the RFC: in most places they are invisible.
fn key(name: &str) -> Option<String> {
    let mut key = comparable(name);
    for _ in 1..MAX_ROUNDS {
        let next = comparable(&key);
        if next == key {
            return Some(key).filter(|key| !key.is_empty());
        }
        key = next;
    }
    None
}

/// One round of the rules: single spaces between words, lower case (one character at a time, so that a final `Σ` is `σ`),
/// compatibility composition (NFKC).
fn comparable(name: &str) -> String {
    let mut mapped = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        mapped.push_str(if mapped.is_empty() { "" } else { " " });
        mapped.extend(word.chars().filter(|&c| !is_joiner(c)).flat_map(char::to_lowercase));
    }
    nfkc(mapped)
}

/// The composed form (NFC). `None` if parts of Hangul syllables are left over, which would be drawn on top of each other. Without
/// Unicode's tables: the name as it is.
fn nfc(name: &str) -> Option<String> {
    #[cfg(feature = "precis")]
    if !name.is_ascii() {
        let is_syllable_part =
            |c| matches!(c, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97f}' | '\u{d7b0}'..='\u{d7ff}');
        return Some(name.nfc().collect()).filter(|name: &String| !name.contains(is_syllable_part));
    }
    Some(name.to_owned())
}

/// Without Unicode's tables: the name as it is, so that `ｂｏｂ` and `bob` are two names.
fn nfkc(name: String) -> String {
    #[cfg(feature = "precis")]
    if !name.is_ascii() {
        return name.nfkc().collect();
    }
    name
}

#[cfg(test)]
mod tests;
