//! Code blocks in documents below `<!-- quote: FILE -->` or `<!-- quote: FILE ITEM -->` equal the source, where ITEM is
//! such as `fn main` or `struct Config`.
//!
//! `CHINWAG_BLESS=1 cargo test --test docs_quotes` updates the blocks.

mod support;

use support::markdown::{Quote, check_quotes, quotes, read};

#[test]
fn quotes_equal_the_code() {
    let count = check_quotes("quote", |source| Some(quoted(source)));
    assert!(count >= 4, "too few quotes found: {count}");
}

#[track_caller]
fn quoted(source: &str) -> String {
    match source.split_once(' ') {
        None => read(source),
        Some((file, item)) => self::item(&read(file), item).unwrap_or_else(|| panic!("{file} has no {item:?}")),
    }
}

/// An item with the comment above it, moved to the left margin.
fn item(code: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = code.lines().collect();
    let first = lines.iter().position(|line| declares(line.trim_start(), name))?;
    let indent = lines[first].len() - lines[first].trim_start().len();
    let inside = |line: &str| line.len() > indent && line[indent..].starts_with([' ', ')']);
    let length = lines[first..].iter().skip(1).take_while(|line| line.is_empty() || inside(line)).count();
    let is_block = !lines[first].ends_with(';') || length > 0;
    let last = first + if is_block { length + 1 } else { 0 };
    let above = lines[..first].iter().rev().take_while(|line| line.trim_start().starts_with("///")).count();
    let chosen = &lines[first - above..=last.min(lines.len() - 1)];
    Some(chosen.iter().map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect())
}

/// `pub(super) fn name(` declares `fn name`; `fn name_two(` does not.
fn declares(line: &str, name: &str) -> bool {
    let visible =
        ["pub ", "pub(super) ", "pub(crate) "].iter().find_map(|word| line.strip_prefix(word)).unwrap_or(line);
    visible.strip_prefix(name).is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphanumeric() && c != '_'))
}

/// A green run means that the search works.
#[test]
fn items_and_quotes_are_found() {
    let code = "use x;\n\n/// One.\npub(super) fn one(\n    a: u8,\n) {\n    b();\n\n    c();\n}\n\nimpl T {\n    /// Two.\n    fn two() {\n        d();\n    }\n}\nconst K: u8 = 1;\n";
    let one = "/// One.\npub(super) fn one(\n    a: u8,\n) {\n    b();\n\n    c();\n}\n";
    assert_eq!(item(code, "fn one").as_deref(), Some(one));
    assert_eq!(item(code, "fn two").as_deref(), Some("/// Two.\nfn two() {\n    d();\n}\n"));
    assert_eq!(item(code, "const K").as_deref(), Some("const K: u8 = 1;\n"));
    assert_eq!((item(code, "fn o"), item(code, "fn three")), (None, None));
    let text = "a\n<!-- quote: x.rs fn y -->\n```rust\nfn y() {}\n```\nb\n";
    let found = quotes(text, "quote");
    assert_eq!(found, [Quote { source: "x.rs fn y".into(), place: 36..46 }]);
    assert_eq!(&text[found[0].place.clone()], "fn y() {}\n");
}
