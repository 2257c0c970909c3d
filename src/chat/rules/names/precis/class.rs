//! FreeformClass (RFC 8264 4.3): which characters may be in a name, and next to which others.
//!
//! Owns the rules for context (RFC 5892, appendix A); which characters need none is in the tables.

use super::tables::{self, ALLOWED, GREEK, HAN_OR_KANA, HEBREW, JOINS_NEXT, JOINS_PREVIOUS, Property, TRANSPARENT};

/// The canonical combining class that is called Virama.
const VIRAMA: u8 = 9;

/// A character, and what it is.
type Known = (char, Property);

/// Whether all characters are allowed where they are.
pub(super) fn is_freeform(name: &str) -> bool {
    let name: Vec<Known> = name.chars().map(|c| (c, tables::property(c))).collect();
    name.iter().enumerate().all(|(at, (c, is))| is.has(ALLOWED) && fits(*c, &name[..at], &name[at + 1..]))
}

/// Whether a character may be between these. Most may be anywhere.
fn fits(c: char, before: &[Known], after: &[Known]) -> bool {
    let last_is = |flag| before.last().is_some_and(|(_, is)| is.has(flag));
    let any = |wanted: fn(&Known) -> bool| before.iter().chain(after).any(wanted);
    match c {
        '\u{200c}' => follows_virama(before) || breaks_joining(before, after),
        '\u{200d}' => follows_virama(before),
        '·' => matches!((before.last(), after.first()), (Some(('l', _)), Some(('l', _)))),
        '\u{375}' => after.first().is_some_and(|(_, is)| is.has(GREEK)),
        '\u{5f3}' | '\u{5f4}' => last_is(HEBREW),
        '・' => any(|(_, is)| is.has(HAN_OR_KANA)),
        '\u{660}'..='\u{669}' => !any(|(c, _)| matches!(c, '\u{6f0}'..='\u{6f9}')),
        '\u{6f0}'..='\u{6f9}' => !any(|(c, _)| matches!(c, '\u{660}'..='\u{669}')),
        _ => true,
    }
}

fn follows_virama(before: &[Known]) -> bool {
    before.last().is_some_and(|(_, is)| is.class == VIRAMA)
}

/// Between two letters that would be joined, as in Persian; marks on them do not count.
fn breaks_joining(before: &[Known], after: &[Known]) -> bool {
    let is_letter = |(_, is): &&Known| !is.has(TRANSPARENT);
    before.iter().rev().find(is_letter).is_some_and(|(_, is)| is.has(JOINS_NEXT))
        && after.iter().find(is_letter).is_some_and(|(_, is)| is.has(JOINS_PREVIOUS))
}
