//! Characters that a name must not have, because they are invisible or disturb the text around them.

use super::is_joiner;
use crate::chat::protocol::{is_deceptive, is_mark};
use std::ops::RangeInclusive;

/// The most stacking marks in a row. Hebrew, Thai and Vietnamese need up to three.
const MAX_STACKED_MARKS: usize = 3;

/// Whether each character of the name can be seen, and stays within the line.
pub(super) fn is_visible(name: &str) -> bool {
    !name.contains(is_invisible)
        && !name.starts_with(is_mark)
        && !has_too_many_stacked_marks(name)
        && !has_stray_stacker(name)
}

/// Control and format characters, and characters without a glyph. The joiners U+200C and U+200D are allowed: names have
/// them only where a script needs them.
fn is_invisible(c: char) -> bool {
    is_deceptive(c) || INVISIBLE.iter().any(|range| range.contains(&c))
}

fn has_too_many_stacked_marks(name: &str) -> bool {
    let mut marks = 0;
    name.chars().filter(|&c| !is_joiner(c)).any(|c| {
        marks = if is_stacking_mark(c) { marks + 1 } else { 0 };
        marks > MAX_STACKED_MARKS
    })
}

/// Whether an invisible stacker, which puts the next letter below the one before it, is not between two letters of its
/// script. There it has no effect. A block of 256 code points stands for the script.
fn has_stray_stacker(name: &str) -> bool {
    let all: Vec<char> = name.chars().collect();
    let block = |at: usize| all.get(at).map(|&c| u32::from(c) >> 8);
    (0..all.len()).any(|at| {
        let is_between = at > 0 && block(at - 1) == block(at) && block(at + 1) == block(at);
        STACKERS.contains(&all[at]) && !is_between
    })
}

/// Marks above or below a letter. Not counted are those of scripts that need four in a row in everyday words (Burmese) or
/// write letters as marks (Tibetan): the Indic scripts and their neighbours.
fn is_stacking_mark(c: char) -> bool {
    let is_exempt = matches!(c,
        '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1700}'..='\u{1a7f}' | '\u{1b00}'..='\u{1ccf}'
        | '\u{a800}'..='\u{a8df}' | '\u{a900}'..='\u{abff}' | '\u{10a00}'..='\u{11fff}');
    is_mark(c) && !is_exempt
}

/// Besides those that text in a terminal must not have.
const INVISIBLE: &[RangeInclusive<char>] = &[
    '\u{115f}'..='\u{1160}',    // Hangul fillers
    '\u{2800}'..='\u{2800}',    // blank Braille cell
    '\u{2d7f}'..='\u{2d7f}',    // Tifinagh joiner
    '\u{e000}'..='\u{f8ff}',    // private use
    '\u{fdd0}'..='\u{fdef}',    // not characters
    '\u{fffc}'..='\u{fffc}',    // object replacement
    '\u{1107f}'..='\u{1107f}',  // Brahmi number joiner
    '\u{13430}'..='\u{13442}',  // hieroglyph controls and blanks
    '\u{13447}'..='\u{13455}',  // hieroglyph damage
    '\u{16fe4}'..='\u{16fe4}',  // Khitan filler
    '\u{1d159}'..='\u{1d159}',  // musical null notehead
    '\u{e0000}'..='\u{e0fff}',  // tags
    '\u{f0000}'..='\u{10ffff}', // private use
];

/// Burmese virama, Khmer coeng, and their equivalents in Tai Tham, Chakma and Kawi.
const STACKERS: &[char] = &['\u{1039}', '\u{17d2}', '\u{1a60}', '\u{11133}', '\u{11f42}'];
