//! Shared by the tests of the documents: files, prose, code blocks, and quotes.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The repository.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Folders without documents of this project.
const ELSEWHERE: &[&str] = &["target", "node_modules", "corpus"];

/// Every `*.md` of the repository.
pub fn documents() -> Vec<PathBuf> {
    let mut paths = Vec::new();
    collect(Path::new(ROOT), "md", &mut paths);
    paths
}

pub fn collect(folder: &Path, kind: &str, paths: &mut Vec<PathBuf>) {
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

/// The text without its code blocks.
pub fn prose(text: &str) -> String {
    let text = format!("\n{text}");
    let parts: Vec<&str> = text.split("\n```").step_by(2).collect();
    parts.join("\n")
}

/// The contents of the code blocks of that kind.
pub fn blocks(text: &str, kind: &str) -> Vec<String> {
    let text = format!("\n{text}");
    let parts = text.split("\n```").skip(1).step_by(2);
    parts.filter_map(|block| block.strip_prefix(kind)?.strip_prefix('\n').map(str::to_owned)).collect()
}

pub fn read(file: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(file)).unwrap_or_else(|why| panic!("{file}: {why}"))
}

/// A code block whose source is named in the line above: `<!-- KIND: SOURCE -->`.
#[derive(Debug, PartialEq, Eq)]
pub struct Quote {
    pub source: String,
    /// The place of its content in the document, including the last line feed.
    pub place: Range<usize>,
}

/// The quotes of one kind, in order.
///
/// # Panics
/// If no code block follows such a line.
#[track_caller]
pub fn quotes(text: &str, kind: &str) -> Vec<Quote> {
    let mark = format!("<!-- {kind}: ");
    text.match_indices(&mark).map(|(at, _)| quote(text, at + mark.len())).collect()
}

#[track_caller]
fn quote(text: &str, at: usize) -> Quote {
    let (source, rest) = text[at..].split_once(" -->\n").expect("the mark has an end");
    assert!(rest.starts_with("```"), "no code block follows {source:?}");
    let begin = text.len() - rest.len() + rest.find('\n').expect("the block has lines") + 1;
    let end = begin + text[begin..].find("```\n").expect("the block has an end");
    Quote { source: source.to_owned(), place: begin..end }
}

/// Compares each quote of one kind, in all documents, with `content(source)`. With `CHINWAG_BLESS` it corrects them
/// instead. Returns the number of quotes.
#[track_caller]
pub fn check_quotes(kind: &str, content: impl Fn(&str) -> Option<String>) -> usize {
    let mut count = 0;
    for path in documents() {
        let text = fs::read_to_string(&path).expect("a document is text");
        let mut blessed = text.clone();
        for Quote { source, place } in quotes(&text, kind).into_iter().rev() {
            let Some(expected) = content(&source) else { continue };
            count += 1;
            if std::env::var_os("CHINWAG_BLESS").is_none() {
                let hint = "run this test with CHINWAG_BLESS=1, then check the text around the quote";
                assert_eq!(&text[place.clone()], expected, "{}: {source} has changed; {hint}", path.display());
            }
            blessed.replace_range(place, &expected);
        }
        if blessed != text {
            fs::write(&path, blessed).expect("a document can be written");
        }
    }
    count
}
