//! A small stand-in for RFC 8266, with the tables of Rust's standard library alone.
//!
//! Owns the comparison key: white space counts as one space, case does not count. It does not know
//! that `ｂｏｂ` in full width is `bob`, nor that `é` can be written in two ways.

/// The form in which names are compared; `None` if nothing is left. Joiners are refused: only with
/// tables can one say where they are seen.
pub(super) fn key(name: &str) -> Option<String> {
    let mut key = String::with_capacity(name.len());
    for word in name.split_whitespace() {
        key.push_str(if key.is_empty() { "" } else { " " });
        key.extend(word.chars().flat_map(char::to_lowercase));
    }
    (!key.is_empty() && !name.contains(['\u{200c}', '\u{200d}'])).then_some(key)
}
