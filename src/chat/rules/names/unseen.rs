//! Characters that a name must not have because one does not see them, or sees something else.
//!
//! Owns what RFC 8266 leaves open (a blank Braille cell, towers of accents) and, for builds without
//! its tables, what it would refuse (format characters, fillers, variation selectors).

use crate::chat::protocol::is_mark;

/// The most marks piled up in a row. Hebrew, Thai or Vietnamese need up to three.
const MOST_MARKS: usize = 3;

/// Whether one can see what the name is.
pub(super) fn is_honest(name: &str) -> bool {
    !name.contains(is_unseen) && !name.starts_with(is_mark) && !has_tower(name) && stackers_stack(name)
}

/// Whether each sign that only says "the next letter goes below" stands between two letters of its script, for which its
/// block of 256 stands here: elsewhere it is not drawn.
fn stackers_stack(name: &str) -> bool {
    let all: Vec<char> = name.chars().collect();
    let block = |at: usize| all.get(at).map(|&c| u32::from(c) >> 8);
    (0..all.len()).all(|at| {
        let between = at > 0 && block(at - 1) == block(at) && block(at + 1) == block(at);
        between || !STACKERS.contains(&all[at])
    })
}

fn has_tower(name: &str) -> bool {
    let mut marks = 0;
    name.chars().any(|c| {
        marks = if is_piled(c) { marks + 1 } else { 0 };
        marks > MOST_MARKS
    })
}

/// Control and format characters, and what is drawn as nothing. The joiners U+200C and U+200D stay:
/// several scripts need them, and RFC 8266 says where (RFC 5892 A.1, A.2).
fn is_unseen(c: char) -> bool {
    c.is_control() || in_ranges(c, UNSEEN)
}

/// Marks that are piled up for no good reason: the blocks for all scripts, and those of some. Other scripts have four in
/// a row in everyday words (Burmese), or write letters so (Tibetan).
fn is_piled(c: char) -> bool {
    in_ranges(c, PILED)
}

fn in_ranges(c: char, ranges: &[(char, char)]) -> bool {
    c > '~' && ranges.iter().any(|&(first, last)| (first..=last).contains(&c))
}

const UNSEEN: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),        // soft hyphen
    ('\u{34f}', '\u{34f}'),      // combining grapheme joiner
    ('\u{61c}', '\u{61c}'),      // Arabic letter mark
    ('\u{115f}', '\u{1160}'),    // Hangul fillers
    ('\u{17b4}', '\u{17b5}'),    // Khmer inherent vowels
    ('\u{180b}', '\u{180f}'),    // Mongolian selectors and separator
    ('\u{200b}', '\u{200b}'),    // zero width space
    ('\u{200e}', '\u{200f}'),    // direction marks
    ('\u{2028}', '\u{202e}'),    // line separators, bidi embeddings and overrides
    ('\u{2060}', '\u{206f}'),    // word joiner, invisible operators, bidi isolates
    ('\u{2800}', '\u{2800}'),    // blank Braille cell
    ('\u{2d7f}', '\u{2d7f}'),    // Tifinagh joiner
    ('\u{3164}', '\u{3164}'),    // Hangul filler
    ('\u{fe00}', '\u{fe0f}'),    // variation selectors
    ('\u{feff}', '\u{feff}'),    // byte order mark
    ('\u{ffa0}', '\u{ffa0}'),    // half-width Hangul filler
    ('\u{fff0}', '\u{fffc}'),    // interlinear annotation, object replacement
    ('\u{1107f}', '\u{1107f}'),  // Brahmi number joiner
    ('\u{13430}', '\u{13442}'),  // hieroglyph controls and blanks
    ('\u{13447}', '\u{13455}'),  // hieroglyph damage
    ('\u{16fe4}', '\u{16fe4}'),  // Khitan filler
    ('\u{1bca0}', '\u{1bca3}'),  // shorthand format controls
    ('\u{1d159}', '\u{1d159}'),  // musical null notehead
    ('\u{1d173}', '\u{1d17a}'),  // musical format controls
    ('\u{e0000}', '\u{e0fff}'),  // tags, more variation selectors
    ('\u{f0000}', '\u{10ffff}'), // private use
];

/// Burmese virama, Khmer coeng, and their like in Tai Tham, Chakma and Kawi.
const STACKERS: &[char] = &['\u{1039}', '\u{17d2}', '\u{1a60}', '\u{11133}', '\u{11f42}'];

const PILED: &[(char, char)] = &[
    ('\u{300}', '\u{36f}'),
    ('\u{483}', '\u{489}'),
    ('\u{591}', '\u{5bd}'),
    ('\u{5bf}', '\u{5c7}'),
    ('\u{610}', '\u{61a}'),
    ('\u{64b}', '\u{65f}'),
    ('\u{6d6}', '\u{6ed}'),
    ('\u{8d3}', '\u{8ff}'),
    ('\u{e31}', '\u{e31}'),
    ('\u{e34}', '\u{e3a}'),
    ('\u{e47}', '\u{e4e}'),
    ('\u{eb1}', '\u{eb1}'),
    ('\u{eb4}', '\u{ebc}'),
    ('\u{ec8}', '\u{ecd}'),
    ('\u{1ab0}', '\u{1aff}'),
    ('\u{1cd0}', '\u{1cff}'),
    ('\u{1dc0}', '\u{1dff}'),
    ('\u{20d0}', '\u{20ff}'),
    ('\u{2de0}', '\u{2dff}'),
    ('\u{302a}', '\u{302f}'),
    ('\u{a66f}', '\u{a67d}'),
    ('\u{a8e0}', '\u{a8f1}'),
    ('\u{fe20}', '\u{fe2f}'),
    ('\u{1d165}', '\u{1d1ad}'),
    ('\u{1e000}', '\u{1e02a}'),
    ('\u{1e8d0}', '\u{1e8d6}'),
];
