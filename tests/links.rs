//! Links of all documents: a relative link leads to a file, its anchor to a heading. Other links must be well-formed.
//!
//! Nothing is fetched, so that the test does not depend on the network.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use support::markdown::{ROOT, documents, prose};

#[test]
fn relative_links_lead_to_files_and_headings() {
    let documents = documents();
    assert!(documents.len() >= 5, "too few documents found: {documents:?}");
    let broken: Vec<String> = documents.iter().flat_map(|path| broken_links(path)).collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// A reader of README.md loads it, also on a phone.
#[test]
fn recording_of_the_lesson_is_small() {
    let recording = fs::read(Path::new(ROOT).join("docs/lesson.gif")).expect("tests/manual/recording.py makes it");
    assert!(recording.starts_with(b"GIF89a") && recording.len() <= 300 * 1024, "{} bytes", recording.len());
}

/// A green run means that the search works.
#[test]
fn links_and_headings_are_found() {
    let text =
        "a [b](c.md#d-e) ![p](q.png \"t\") [x](https://y) [z](#top)\n```\n[no](link)\n```\n`[no](link)`\n[r]: s.md\n";
    assert_eq!(links(text), ["c.md#d-e", "q.png", "https://y", "#top", "s.md"]);
    let headings = "# The life of a `message`, in short\n```sh\n# no heading\n```\n## Why?\n## Why?\n";
    assert_eq!(anchors(headings), ["the-life-of-a-message-in-short", "why", "why-1"].map(String::from).into());
    assert_eq!(problem_with(Path::new("README.md"), "none.md").as_deref(), Some("README.md: none.md does not exist"));
    let heading = problem_with(Path::new("README.md"), "ARCHITECTURE.md#none");
    assert_eq!(heading.as_deref(), Some("README.md: ARCHITECTURE.md has no heading #none"));
    let elsewhere = |link| problem_with(Path::new("README.md"), link).is_some();
    let links =
        ["https://www.rust-lang.org/a?b=c#d", "http://a.example/", "https://nowhere", "htps://a.b", "https:/a.b"];
    assert_eq!(links.map(elsewhere), [false, true, true, true, true]);
}

fn broken_links(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a document is text");
    let name = path.strip_prefix(ROOT).expect("found below it");
    links(&text).iter().filter_map(|link| problem_with(name, link)).collect()
}

/// The problem of a link in a document, if any.
fn problem_with(document: &Path, link: &str) -> Option<String> {
    let name = document.display();
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    if let Some((scheme, rest)) = file.split_once(':') {
        let well_formed = scheme == "https" && rest.strip_prefix("//").is_some_and(is_external);
        return (!well_formed).then(|| format!("{name}: {file} is not https://host/path"));
    }
    let folder = Path::new(ROOT).join(document.parent().expect("a file is in a folder"));
    let target = if file.is_empty() { Path::new(ROOT).join(document) } else { folder.join(file) };
    if !target.exists() {
        return Some(format!("{name}: {file} does not exist"));
    }
    let anchor = anchor.filter(|_| target.extension().is_some_and(|kind| kind == "md"))?;
    let known = anchors(&fs::read_to_string(target).expect("a document is text"));
    (!known.contains(anchor)).then(|| format!("{name}: {file} has no heading #{anchor}"))
}

/// A host with a dot, and only characters that a URL may have.
fn is_external(rest: &str) -> bool {
    let host = rest.split('/').next().unwrap_or_default();
    host.contains('.') && rest.chars().all(|c| c.is_ascii_graphic() && !"<>\"{}|\\^`".contains(c))
}

/// The targets of the links in a text: `[…](here)`, `![…](here "title")` and `[…]: here`, outside of code.
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
