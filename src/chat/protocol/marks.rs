//! Combining marks: characters that belong to the one before them.

/// Whether a character is a combining mark (Unicode's general category M).
#[cfg(feature = "precis")]
pub(crate) use unicode_normalization::char::is_combining_mark as is_mark;

/// Without Unicode's tables: whether it is a mark for any script, or one of Cyrillic, Hebrew, Arabic, Devanagari or Thai.
#[cfg(not(feature = "precis"))]
pub(crate) fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' | '\u{483}'..='\u{489}' | '\u{2de0}'..='\u{2dff}' | '\u{591}'..='\u{5bd}'
        | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{93a}'..='\u{93c}' | '\u{93e}'..='\u{94f}'
        | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}' | '\u{302a}'..='\u{302f}')
}
