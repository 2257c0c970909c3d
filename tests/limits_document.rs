//! docs/LIMITS.md says what `--help-limits` says: every bound, with its default, and none that is not there.

mod support;

use std::collections::BTreeSet;

use support::{DEADLINE, binary::command, run};

#[test]
fn every_bound_is_documented_with_its_default() {
    let help = run(command(&["--help-limits"]), DEADLINE).stdout;
    let help = String::from_utf8(help).expect("help is text");
    let document = include_str!("../docs/LIMITS.md");
    assert_eq!(documented(document), listed(&help));
}

/// Rows such as "| `name` | 32 | …".
fn documented(document: &str) -> BTreeSet<(String, String)> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows = rows.filter(|(name, _)| !name.starts_with('-'));
    rows.map(|(name, rest)| (name.to_owned(), rest.split(" |").next().unwrap_or(rest).to_owned())).collect()
}

/// Lines such as "  --limit name  characters of a name [32]".
fn listed(help: &str) -> BTreeSet<(String, String)> {
    let lines = help.lines().filter_map(|line| line.trim().strip_prefix("--limit ")?.split_once(' '));
    let default = |rest: &str| rest.split(['[', ']']).nth(1).expect("a default in brackets").to_owned();
    lines.map(|(name, rest)| (name.to_owned(), default(rest))).collect()
}
