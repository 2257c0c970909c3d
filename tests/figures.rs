//! Measured figures are the same everywhere. Their source is the table "Figures" in docs/PERFORMANCE.md.
//!
//! A row such as `| **12** KiB per idle connection | … |` gives the value of a phrase. Wherever a document, the manifest or
//! a comment in src has the words "KiB per idle connection", the number before them must be that value.
//!
//! `CHINWAG_BLESS=1 cargo test --test figures` writes the table's values into all those places.

mod support;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use support::markdown::{ROOT, collect, documents, read};

const SOURCE: &str = "docs/PERFORMANCE.md";

#[derive(Debug, PartialEq, Eq)]
struct Figure {
    value: String,
    phrase: String,
}

#[test]
fn figures_agree_with_the_table() {
    let figures = figures(&read(SOURCE));
    assert!(figures.len() >= 5, "{SOURCE} has no table of figures: {figures:?}");
    for figure in &figures {
        let places: usize = files().iter().map(|path| check(path, figure)).sum();
        assert!(places >= 2, "only {SOURCE} has the figure {figure:?}: delete its row, or use its words elsewhere");
    }
}

/// Compares the figure in one file with the table, or corrects it. Returns how often it occurs.
#[track_caller]
fn check(path: &Path, figure: &Figure) -> usize {
    let text = fs::read_to_string(path).expect("a text file");
    let places = places(&text, &figure.phrase);
    let mut corrected = text.clone();
    for place in places.iter().rev() {
        let found = normal(&text[place.clone()]);
        if found == figure.value {
            continue;
        }
        let hint = format!("{SOURCE} has {}; CHINWAG_BLESS=1 corrects this", figure.value);
        let name = path.display();
        assert!(std::env::var_os("CHINWAG_BLESS").is_some(), "{name}: {found:?} {}: {hint}", figure.phrase);
        corrected.replace_range(place.clone(), &figure.value);
    }
    if corrected != text {
        fs::write(path, corrected).expect("a writable file");
    }
    places.len()
}

/// Documents, sources, and what has figures in comments.
fn files() -> Vec<PathBuf> {
    let mut paths = documents();
    collect(&Path::new(ROOT).join("src"), "rs", &mut paths);
    paths.push(Path::new(ROOT).join("Cargo.toml"));
    paths
}

/// The rows `| **VALUE** PHRASE | … |` below the heading "Figures".
fn figures(text: &str) -> Vec<Figure> {
    let section = text.split("\n## Figures\n").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| **")?.split_once("** "));
    let cell = |rest: &str| rest.split('|').next().unwrap_or_default().trim().to_owned();
    rows.map(|(value, rest)| Figure { value: value.to_owned(), phrase: cell(rest) }).collect()
}

/// Where a number stands before the phrase. Line breaks and the marks of comments do not count.
fn places(text: &str, phrase: &str) -> Vec<Range<usize>> {
    let words = words(text);
    let phrase: Vec<&str> = phrase.split(' ').collect();
    let is_phrase = |at: &usize| phrase.iter().zip(&words[*at..]).all(|(word, range)| *word == &text[range.clone()]);
    let starts = (1..(words.len() + 1).saturating_sub(phrase.len())).filter(is_phrase);
    starts.filter_map(|at| number_before(text, &words[..at])).collect()
}

/// `12`, `12 706` or `1.1 to 1.4`. A number in another cell of a table is another number.
fn number_before(text: &str, words: &[Range<usize>]) -> Option<Range<usize>> {
    let is_part = |word: &str| word == "to" || word.chars().all(|c| c.is_ascii_digit() || c == '.');
    let mut start = None;
    let mut end = words.last()?.end;
    for word in words.iter().rev().take_while(|word| is_part(&text[(*word).clone()])) {
        if start.is_some() && text[word.end..end].contains(['|', '*']) {
            break;
        }
        (start, end) = (Some(word.start), word.start);
    }
    Some(start?..words.last()?.end)
}

/// The places of the words, without the punctuation around them.
fn words(text: &str) -> Vec<Range<usize>> {
    let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    let words = text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    words.filter(|word| !word.is_empty()).map(|word| start(word)..start(word) + word.len()).collect()
}

fn normal(number: &str) -> String {
    let kept = number.split_whitespace().filter(|part| part.chars().any(char::is_alphanumeric));
    kept.collect::<Vec<_>>().join(" ")
}

/// A green run means that the search works.
#[test]
fn figures_are_found_across_line_breaks() {
    let table = "# A\n\n## Figures\n\n| figure | how |\n|---|---|\n| **12** KiB per idle connection | x |\n\n## B\n";
    let figure = Figure { value: "12".into(), phrase: "KiB per idle connection".into() };
    assert_eq!(figures(table), [figure]);
    let text = "| 19 | **11** KiB of tables |\n//! A thread and 11\n//! KiB per idle\n//! connection. And (1.1 to 1.4 times Bun), 12 706 threads.";
    let find = |phrase| places(text, phrase).into_iter().map(|place| normal(&text[place])).collect::<Vec<_>>();
    assert_eq!(find("KiB per idle connection"), ["11"]);
    assert_eq!(find("times Bun"), ["1.1 to 1.4"]);
    assert_eq!(find("KiB of tables"), ["11"]);
    assert_eq!(find("threads"), ["12 706"]);
    assert_eq!(find("KiB per busy connection"), Vec::<String>::new());
}
