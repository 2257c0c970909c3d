//! Characters that a name must not have, because they are invisible or disturb the text around them.

use super::is_joiner;
use crate::chat::protocol::{is_deceptive, is_mark};

/// The most stacking marks in a row. Hebrew, Thai and Vietnamese need up to three.
const MAX_STACKED_MARKS: usize = 3;

/// Whether each character of the name can be seen, and stays within the line.
pub(super) fn is_visible(name: &str) -> bool {
    !name.contains(is_invisible)
        && !name.starts_with(is_mark)
        && !has_too_many_stacked_marks(name)
        && !has_stray_stacker(name)
}

/// Besides what text in a terminal must not have: fillers and joiners of Hangul, Tifinagh, Brahmi and Khitan, the blank Braille
/// cell, controls and blanks of hieroglyphs, the musical null, placeholders, and what is not assigned or for private use. The
/// joiners U+200C and U+200D are allowed: names have them only where a script needs them.
fn is_invisible(c: char) -> bool {
    is_deceptive(c)
        || matches!(c,
            '\u{115f}'..='\u{1160}' | '\u{2800}' | '\u{2d7f}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{fffc}'
            | '\u{1107f}' | '\u{13430}'..='\u{13442}' | '\u{13447}'..='\u{13455}' | '\u{16fe4}' | '\u{1d159}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

fn has_too_many_stacked_marks(name: &str) -> bool {
    let marks = name.split(|c| !is_stacking_mark(c) && !is_joiner(c));
    marks.map(|marks| marks.chars().filter(|c| !is_joiner(*c)).count()).any(|count| count > MAX_STACKED_MARKS)
}

/// Whether an invisible stacker, which puts the next letter below the one before it, is not between two letters of its
/// script. There it has no effect. A block of 256 code points stands for the script.
fn has_stray_stacker(name: &str) -> bool {
    let padded: Vec<char> = format!(" {name} ").chars().collect();
    let block = |c: char| u32::from(c) >> 8;
    padded.windows(3).any(|near| STACKERS.contains(&near[1]) && near.iter().any(|c| block(*c) != block(near[1])))
}

/// Marks above or below a letter. Not counted are those of scripts that need four in a row in everyday words (Burmese) or
/// write letters as marks (Tibetan): the Indic scripts and their neighbours.
fn is_stacking_mark(c: char) -> bool {
    let is_exempt = matches!(c,
        '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1700}'..='\u{1a7f}' | '\u{1b00}'..='\u{1ccf}'
        | '\u{a800}'..='\u{a8df}' | '\u{a900}'..='\u{abff}' | '\u{10a00}'..='\u{11fff}');
    is_mark(c) && !is_exempt
}

/// Burmese virama, Khmer coeng, and their equivalents in Tai Tham, Chakma and Kawi.
const STACKERS: &[char] = &['\u{1039}', '\u{17d2}', '\u{1a60}', '\u{11133}', '\u{11f42}'];
