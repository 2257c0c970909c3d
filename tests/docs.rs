//! The documents say what is so: what they quote from the code is what the code says. Their links: tests/links.rs.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use support::markdown::{ROOT, blocks, code_spans, collect, read};

/// The first is the echo, which tests/examples.rs runs.
#[test]
fn the_code_in_the_readme_is_compiled() {
    let library = read("src/lib.rs");
    let head: Vec<&str> = library.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let head: Vec<&str> = head.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let compiled = blocks(&head.join("\n"), "no_run");
    let readme = blocks(&read("README.md"), "rust");
    let strange: Vec<&String> = readme.iter().filter(|block| !compiled.contains(block)).collect();
    assert!(strange.is_empty(), "README.md has code that is not in the head of src/lib.rs: {strange:#?}");
    assert_eq!([&readme[0], &compiled[0]], [read("tests/support/ten_lines.rs").trim_end(); 2]);
}

#[test]
fn code_spans_are_found() {
    assert_eq!(code_spans("a `f()` b\n```\n`g()`\n```\n`h`"), ["f()", "h"]);
}

/// Of the default build: another one has more flags.
#[cfg(not(any(feature = "tls", feature = "history", feature = "terminal")))]
#[test]
fn the_help_in_the_readme_is_the_programs_own() {
    let program =
        std::process::Command::new(env!("CARGO_BIN_EXE_chinwag")).arg("--help").output().expect("the program runs");
    let help = String::from_utf8(program.stdout).expect("text");
    assert!(help.contains("--listen"), "{help}");
    assert!(read("README.md").contains(&help), "README.md does not have what --help prints:\n{help}");
}

/// ARCHITECTURE.md has each module of the table that the floors test enforces, on the same floor.
#[test]
fn the_floors_are_those_that_are_enforced() {
    let enforced: BTreeSet<(u8, String)> = read("tests/floors.rs").lines().filter_map(enforced_floor).collect();
    assert!(enforced.len() > 10, "the table of tests/floors.rs is not where it was");
    let described: BTreeSet<(u8, String)> = read("ARCHITECTURE.md").lines().flat_map(described_floor).collect();
    assert_eq!(described, enforced);
}

/// Functions that ARCHITECTURE.md names, as `` `name()` `` or `` `Type::name()` ``, are there.
#[test]
fn functions_that_are_named_exist() {
    let mut paths = Vec::new();
    collect(&Path::new(ROOT).join("src"), "rs", &mut paths);
    let code: String = paths.iter().map(|path| fs::read_to_string(path).expect("a source file")).collect();
    let text = read("ARCHITECTURE.md");
    let spans = code_spans(&text);
    let names: Vec<&str> = spans.iter().filter_map(|span| span.strip_suffix("()")?.rsplit("::").next()).collect();
    assert!(names.len() > 20, "ARCHITECTURE.md names hardly any function");
    let declared = |name: &str| ["(", "<"].iter().any(|end| code.contains(&format!("fn {name}{end}")));
    let gone: Vec<&&str> = names.iter().filter(|name| !declared(name) && !STANDARD.contains(name)).collect();
    assert!(gone.is_empty(), "ARCHITECTURE.md names functions that are not there: {gone:?}");
}

/// Functions of others, which ARCHITECTURE.md names, too.
const STANDARD: &[&str] = &["yield_now", "recv", "accept", "poll"];

/// `("chat", 1),` is a row of the table.
fn enforced_floor(line: &str) -> Option<(u8, String)> {
    let row = line.strip_prefix("    (\"")?.strip_suffix("),")?;
    let (name, floor) = row.split_once("\", ")?;
    Some((floor.parse().ok()?, name.to_owned()))
}

/// `| 1 | `chat`, `pages` | … |` is a row of the table.
fn described_floor(line: &str) -> Vec<(u8, String)> {
    let mut cells = line.split('|').skip(1).map(str::trim);
    let Some(floor) = cells.next().and_then(|cell| cell.parse().ok()) else { return Vec::new() };
    let names = code_spans(cells.next().unwrap_or_default());
    names.into_iter().map(|name| (floor, name.to_owned())).collect()
}
