//! The page of rustdoc that lists what the library exports.

mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use support::markdown::{ROOT, collect, read};

/// Items that are public in `src/ws` are reachable, or the lint `unreachable_pub` fails. So each must be on the page.
#[test]
fn page_lists_every_public_item_of_the_library() {
    let mut files: Vec<PathBuf> = Vec::new();
    collect(&Path::new(ROOT).join("src/ws"), "rs", &mut files);
    let mut items = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(file).expect("source is text");
        for line in text.lines() {
            let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            if let ["pub", "struct" | "enum" | "trait" | "type" | "fn" | "const", name, ..] = words[..] {
                items.insert(name.to_owned());
            }
        }
    }
    let library = read("src/lib.rs");
    let (_, page) = library.split_once("# Public surface").expect("the page");
    let missing: Vec<_> = items.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(items.len() > 30 && missing.is_empty(), "add to src/lib.rs, or make private: {missing:?}");
}
