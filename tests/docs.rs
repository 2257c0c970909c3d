//! The documents say what is so: links lead somewhere, and what is quoted from the code is what the code says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Folders that hold no document of ours.
const ELSEWHERE: &[&str] = &["target", "node_modules", "corpus"];

#[test]
fn every_relative_link_leads_somewhere() {
    let documents = documents();
    assert!(documents.len() >= 5, "the documents are not where they were: {documents:?}");
    let broken: Vec<String> = documents.iter().flat_map(|path| broken_links(path)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// The checks themselves: so that a green run means something.
#[test]
fn links_and_headings_are_found() {
    let text =
        "a [b](c.md#d-e) ![p](q.png \"t\") [x](https://y) [z](#top)\n```\n[no](link)\n```\n`[no](link)`\n[r]: s.md\n";
    assert_eq!(links(text), ["c.md#d-e", "q.png", "https://y", "#top", "s.md"]);
    let headings = "# The life of a `message`, in short\n```sh\n# no heading\n```\n## Why?\n## Why?\n";
    assert_eq!(anchors(headings), ["the-life-of-a-message-in-short", "why", "why-1"].map(String::from).into());
    assert_eq!(problem_with(Path::new("README.md"), "none.md").as_deref(), Some("README.md: none.md is not there"));
    let heading = problem_with(Path::new("README.md"), "ARCHITECTURE.md#none");
    assert_eq!(heading.as_deref(), Some("README.md: ARCHITECTURE.md has no heading #none"));
    assert_eq!(code_spans("a `f()` b\n```\n`g()`\n```\n`h`"), ["f()", "h"]);
}

#[test]
fn the_echo_in_the_readme_is_the_one_that_is_compiled() {
    let readme = blocks(&read("README.md"), "rust");
    let library = read("src/lib.rs");
    let head: Vec<&str> = library.lines().map_while(|line| line.strip_prefix("//!")).collect();
    let head: Vec<&str> = head.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let compiled = blocks(&head.join("\n"), "no_run");
    assert_eq!(readme, compiled, "README.md and the head of src/lib.rs differ");
}

#[test]
fn the_help_in_the_readme_is_the_programs_own() {
    let program = Command::new(env!("CARGO_BIN_EXE_chinwag")).arg("--help").output().expect("the program runs");
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
const STANDARD: &[&str] = &["yield_now", "create_response", "recv", "accept", "poll"];

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

fn broken_links(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a document is text");
    let name = path.strip_prefix(ROOT).expect("found below it");
    links(&text).iter().filter_map(|link| problem_with(name, link)).collect()
}

/// What is wrong with a link in a document.
fn problem_with(document: &Path, link: &str) -> Option<String> {
    let name = document.display();
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    if file.contains("://") || file.starts_with("mailto:") {
        return None;
    }
    let folder = Path::new(ROOT).join(document.parent().expect("a file is in a folder"));
    let target = if file.is_empty() { Path::new(ROOT).join(document) } else { folder.join(file) };
    if !target.exists() {
        return Some(format!("{name}: {file} is not there"));
    }
    let anchor = anchor.filter(|_| target.extension().is_some_and(|kind| kind == "md"))?;
    let known = anchors(&fs::read_to_string(target).expect("a document is text"));
    (!known.contains(anchor)).then(|| format!("{name}: {file} has no heading #{anchor}"))
}

/// Every `*.md` of the repository.
fn documents() -> Vec<PathBuf> {
    let mut paths = Vec::new();
    collect(Path::new(ROOT), "md", &mut paths);
    paths
}

fn collect(folder: &Path, kind: &str, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && !name.starts_with('.') && !ELSEWHERE.contains(&name.as_str()) {
            collect(&path, kind, paths);
        } else if path.extension().is_some_and(|found| found == kind) {
            paths.push(path);
        }
    }
}

/// Where the links of a text lead: `[…](here)`, `![…](here "title")` and `[…]: here`, outside of code.
fn links(text: &str) -> Vec<String> {
    let text = prose(text);
    let parts: Vec<&str> = text.split('`').step_by(2).collect();
    let text = parts.join("");
    let mut found = Vec::new();
    for line in text.lines() {
        found.extend(line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()));
        if let Some((label, target)) = line.split_once("]: ") {
            found.extend(label.starts_with('[').then(|| target.trim()));
        }
    }
    found.into_iter().map(str::to_owned).collect()
}

/// The anchors of a text's headings, as GitHub and GitLab make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in prose(text).lines().filter(|line| line.starts_with('#')) {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let repeated = (1..).map(|number| format!("{anchor}-{number}"));
        let free = std::iter::once(anchor.clone()).chain(repeated).find(|anchor| !found.contains(anchor));
        found.extend(free);
    }
    found
}

fn code_spans(text: &str) -> Vec<String> {
    prose(text).split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The text without its code blocks.
fn prose(text: &str) -> String {
    let text = format!("\n{text}");
    let parts: Vec<&str> = text.split("\n```").step_by(2).collect();
    parts.join("\n")
}

/// The contents of the code blocks of that kind.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    let text = format!("\n{text}");
    let parts = text.split("\n```").skip(1).step_by(2);
    parts.filter_map(|block| block.strip_prefix(kind)?.strip_prefix('\n').map(str::to_owned)).collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(file)).unwrap_or_else(|why| panic!("{file}: {why}"))
}
