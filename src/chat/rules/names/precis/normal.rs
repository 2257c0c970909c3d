//! Normalization Form KC (Unicode Standard Annex 15): what is written in several ways is written in one.
//!
//! Owns decomposition, order of marks, composition, and Hangul, which is arithmetic.

use std::sync::LazyLock;

use super::tables;

/// Characters that compose with the one behind them, and what each is with it.
type Firsts = Vec<(char, char)>;

/// What composes, by the second character. Made when the first name needs it.
static COMPOSITIONS: LazyLock<Vec<(char, Firsts)>> = LazyLock::new(compositions);

/// A character that decomposes no further, and its combining class.
type Part = (char, u8);

/// The text in Normalization Form KC.
pub(super) fn nfkc(text: &str) -> String {
    let mut parts = Vec::with_capacity(text.len());
    text.chars().for_each(|c| decompose(c, &mut parts));
    compose(parts)
}

fn decompose(c: char, parts: &mut Vec<Part>) {
    if let Some(mapped) = tables::decomposition(c) {
        mapped.for_each(|c| decompose(c, parts));
    } else if let Some(jamo) = hangul::decomposed(c) {
        parts.extend(jamo.map(|c| (c, 0)));
    } else {
        put(parts, (c, tables::property(c).class));
    }
}

/// In canonical order: marks by class, those of one class as they came, and none across a character that is no mark.
fn put(parts: &mut Vec<Part>, part: Part) {
    let is_before = |other: &Part| part.1 == 0 || other.1 <= part.1;
    let at = parts.iter().rposition(is_before).map_or(0, |last| last + 1);
    parts.insert(at, part);
}

/// Each part becomes one with the starter (a part of class 0) before it, where that makes a character.
fn compose(parts: Vec<Part>) -> String {
    let mut whole: Vec<Part> = Vec::with_capacity(parts.len());
    let mut starter = None;
    for part in parts {
        match starter.and_then(|at: usize| Some((at, joined(&whole[at..], part)?))) {
            Some((at, c)) => whole[at].0 = c,
            None => {
                starter = if part.1 == 0 { Some(whole.len()) } else { starter };
                whole.push(part);
            }
        }
    }
    whole.into_iter().map(|(c, _)| c).collect()
}

/// What the first of these is together with the part behind them, if none in between blocks it.
fn joined(since: &[Part], part: Part) -> Option<char> {
    let (starter, between) = since.split_first()?;
    let is_free = between.last().is_none_or(|last| last.1 < part.1);
    is_free.then(|| composition(starter.0, part.0)).flatten()
}

/// What the two are together.
pub(super) fn composition(first: char, second: char) -> Option<char> {
    match COMPOSITIONS.iter().find(|(c, _)| *c == second) {
        Some((_, firsts)) => firsts.iter().find(|(c, _)| *c == first).map(|&(_, whole)| whole),
        None => hangul::composed(first, second),
    }
}

fn compositions() -> Vec<(char, Firsts)> {
    let mut all: Vec<(char, Firsts)> = Vec::new();
    for ((first, second), whole) in tables::compositions() {
        match all.iter_mut().find(|(c, _)| *c == second) {
            Some((_, firsts)) => firsts.push((first, whole)),
            None => all.push((second, vec![(first, whole)])),
        }
    }
    all
}

/// Hangul syllables: a leading consonant, a vowel, and perhaps a trailing consonant (The Unicode Standard 3.12).
mod hangul {
    const SYLLABLE: u32 = 0xac00;
    const LEADING: u32 = 0x1100;
    const VOWEL: u32 = 0x1161;
    const TRAILING: u32 = 0x11a7; // that is none
    const LEADINGS: u32 = 19;
    const VOWELS: u32 = 21;
    const TRAILINGS: u32 = 28;

    pub(super) fn decomposed(c: char) -> Option<impl Iterator<Item = char>> {
        let index = place(c, SYLLABLE, LEADINGS * VOWELS * TRAILINGS)?;
        let trailing = TRAILING + index % TRAILINGS;
        let jamo = [LEADING + index / TRAILINGS / VOWELS, VOWEL + index / TRAILINGS % VOWELS, trailing];
        Some(jamo.into_iter().filter(|&code| code != TRAILING).filter_map(char::from_u32))
    }

    pub(super) fn composed(first: char, second: char) -> Option<char> {
        let syllable = match place(first, LEADING, LEADINGS) {
            Some(leading) => SYLLABLE + (leading * VOWELS + place(second, VOWEL, VOWELS)?) * TRAILINGS,
            None => {
                let open = place(first, SYLLABLE, LEADINGS * VOWELS * TRAILINGS)?;
                let trailing = place(second, TRAILING, TRAILINGS)?;
                (open % TRAILINGS == 0 && trailing > 0).then_some(first as u32 + trailing)?
            }
        };
        char::from_u32(syllable)
    }

    /// Which one it is of `count` characters.
    fn place(c: char, first: u32, count: u32) -> Option<u32> {
        u32::from(c).checked_sub(first).filter(|&place| place < count)
    }
}
