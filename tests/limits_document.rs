//! docs/LIMITS.md and `--help-limits` have the same limits, with the same defaults and ranges.

mod support;

use std::collections::BTreeSet;

use support::{DEADLINE, binary::command, run};

/// A limit's name, its default and its range: "at least 256", "from 16 to 128" or nothing.
type Limit = (String, String, String);

#[test]
fn every_limit_is_documented_with_its_default_and_range() {
    let help = run(command(&["--help-limits"]), DEADLINE).stdout;
    let help = String::from_utf8(help).expect("help is text");
    let document = include_str!("../docs/LIMITS.md");
    assert_eq!(documented(document), listed(&help));
}

/// Rows such as "| `name` | 32 | characters of a name, from 16 to 128 | …".
fn documented(document: &str) -> BTreeSet<Limit> {
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let rows = rows.filter(|(name, _)| !name.starts_with('-'));
    rows.map(|(name, rest)| {
        let mut cells = rest.split(" |");
        let (default, what) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        (name.to_owned(), default.to_owned(), range(what))
    })
    .collect()
}

/// Lines such as "  --limit name  characters of a name, from 16 to 128 [32]".
fn listed(help: &str) -> BTreeSet<Limit> {
    let lines = help.lines().filter_map(|line| line.trim().strip_prefix("--limit ")?.split_once(' '));
    let default = |rest: &str| rest.split(['[', ']']).nth(1).expect("a default in brackets").to_owned();
    lines.map(|(name, rest)| (name.to_owned(), default(rest), range(rest))).collect()
}

fn range(what: &str) -> String {
    let words: Vec<&str> = what.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_number = |word: &str| word.parse::<usize>().is_ok();
    let ranges = words.windows(4).filter_map(|words| match words {
        ["from", least, "to", most] if is_number(least) && is_number(most) => Some(words.join(" ")),
        [_, "at", "least", least] if is_number(least) => Some(words[1..].join(" ")),
        _ => None,
    });
    ranges.collect()
}
