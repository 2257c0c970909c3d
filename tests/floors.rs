//! The floors of the house: a file imports only from lower floors, and says first what it owns.
//!
//! The table below is the architecture; ARCHITECTURE.md explains it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each top-level module and its floor. Files below `src/NAME/` belong to `NAME`.
const FLOORS: &[(&str, u8)] = &[
    ("error", 0),
    ("config", 0),
    ("gzip", 0),
    ("http", 0),
    ("access", 0),
    ("protocol", 0),
    ("spawn", 0),
    ("tcp", 0),
    ("chat", 1),
    ("handshake", 1),
    ("connection", 1),
    ("line", 1),
    ("pages", 1),
    ("tls", 1),
    ("history", 1),
    ("client", 2),
    ("duplex", 2),
    ("peer", 2),
    ("server", 2),
    ("chat_client", 3),
    ("chat_server", 3),
    ("lib", 4),
    ("main", 5),
    ("cli", 5),
];

/// Two that share a floor, where the first may import the second, and not the other way round.
const NEIGHBOURS: &[(&str, &str)] =
    &[("server", "peer"), ("main", "cli"), ("connection", "tls"), ("line", "tls"), ("line", "handshake")];

/// What a module must not mention, whatever its floor: the rules know no sockets, the generic server no chat.
const MUST_NOT_KNOW: &[(&[&str], &[&str])] = &[
    (&["chat", "protocol"], &["std::net", "std::thread", "std::time", "rustix", "mio::", "tungstenite", "crossbeam"]),
    (&["history"], &["std::net", "tungstenite", "crossbeam", "mio::"]),
    (&["tls"], &["std::thread", "TcpStream", "tungstenite", "mio::"]),
    (
        &["handshake", "connection", "line", "tls", "client", "duplex", "peer", "server"],
        &["crate::chat", "crate::protocol", "crate::pages"],
    ),
];

/// More than this is a file with two responsibilities; the aim is 250.
const MOST_LINES: usize = 350;

#[test]
fn every_file_keeps_to_its_floor() {
    let found = every_file(imports_upwards);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_rules_know_no_sockets_and_the_server_no_chat() {
    let found = every_file(mentions_what_it_must_not);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_file_opens_with_what_it_owns_and_is_short() {
    let found = every_file(opening_and_length);
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// The checks themselves, on files that break each rule: so that a green run means something.
#[test]
fn a_file_that_breaks_a_rule_is_named() {
    let cases = [
        ("config.rs", "use crate::server::Server;", "config.rs is on floor 0 and imports `server` of floor 2"),
        (
            "chat/room.rs",
            "use crate::{error::Error, pages};",
            "chat/room.rs is on floor 1 and imports `pages` of floor 1",
        ),
        ("chat/room.rs", "use crate::{\n    chat::names::{A, B},\n    chat_server::C,\n};", "chat_server"),
        ("peer.rs", "fn f() { crate::server::g() }", "imports `server`"),
        ("server.rs", "use crate::Server;", "imports `Server` from the crate's root"),
        ("server.rs", "use super::chat_server::C;", "says `super::` for the crate's root"),
        ("chat/room.rs", "use super::super::server;", "says `super::` for the crate's root"),
        ("novel.rs", "", "novel.rs has no floor"),
    ];
    for (path, text, expected) in cases {
        let found = imports_upwards(&Source::new(path, text)).join("\n");
        assert!(found.contains(expected), "{path}: {text}\n{found}");
    }
    let clock = Source::new("chat.rs", "fn f() -> std::time::Instant {}");
    assert_eq!(mentions_what_it_must_not(&clock), ["chat.rs must not know `std::time`"]);
    let chatty = Source::new("peer.rs", "use crate::protocol::Dialect;");
    assert_eq!(mentions_what_it_must_not(&chatty), ["peer.rs must not know `crate::protocol`"]);
    let mute = Source::new("peer.rs", "use x;\n");
    assert_eq!(opening_and_length(&mute), ["peer.rs does not open with `//!`: say what it owns"]);
    let long = Source::new("peer.rs", &"//! x\n".repeat(MOST_LINES + 1));
    assert_eq!(opening_and_length(&long), ["peer.rs has 351 lines, more than 350: split it"]);
}

/// The checks do not cry wolf.
#[test]
fn a_file_that_keeps_the_rules_passes() {
    let cases = [
        ("chat/room.rs", "// crate::server\n/// [`crate::server`]\nuse super::names::Names;"),
        ("chat/room.rs", "use crate::chat::names;\nuse crate::{protocol::{A, B}, error};"),
        ("server/accept.rs", "use crate::connection::{self, Outbox};"),
        ("server.rs", "use crate::peer::Peer;"),
        ("main.rs", "use chinwag::Server;\nmod cli;\nuse crate::cli;"),
        ("peer.rs", "mod tests {\n    use super::*;\n}"),
    ];
    for (path, text) in cases {
        assert_eq!(imports_upwards(&Source::new(path, text)), Vec::<String>::new(), "{text}");
    }
}

/// A source file, its comments taken out.
struct Source {
    path: String,
    text: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Source {
        let code = text.lines().map(|line| line.split("//").next().unwrap_or(line));
        let code = code.collect::<Vec<_>>().join("\n");
        Source { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// The top-level module that the file belongs to.
    fn module(&self) -> &str {
        let end = self.path.find(['/', '.']).unwrap_or(self.path.len());
        &self.path[..end]
    }
}

fn every_file(check: impl Fn(&Source) -> Vec<String>) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    assert!(paths.len() > 5, "the sources are not where they were: {}", root.display());
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&root).expect("found below it").to_string_lossy().into_owned();
        Source::new(&name, &fs::read_to_string(path).expect("a source file is text"))
    };
    paths.iter().flat_map(|path| check(&read(path))).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources are readable") {
        let path = entry.expect("the sources are readable").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            paths.push(path);
        }
    }
    paths.sort();
}

fn imports_upwards(file: &Source) -> Vec<String> {
    let path = &file.path;
    let Some(floor) = floor_of(file.module()) else {
        return vec![format!("{path} has no floor: give it one in the table of tests/floors.rs")];
    };
    let mut found = Vec::new();
    for import in imports(&file.code) {
        if import == file.module() || NEIGHBOURS.contains(&(file.module(), &import)) {
            continue;
        }
        match floor_of(&import) {
            None => found
                .push(format!("{path} imports `{import}` from the crate's root, which is floor 4: name its module")),
            Some(below) if below < floor => {}
            Some(other) => found
                .push(format!("{path} is on floor {floor} and imports `{import}` of floor {other}: only lower ones")),
        }
    }
    if reaches_root_by_super(file) {
        found.push(format!("{path} says `super::` for the crate's root: write `crate::`"));
    }
    found
}

/// The first names behind every `crate::`, those of a `{…}` group one by one.
fn imports(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            names.extend(group_heads(group));
        } else {
            names.insert(identifier(rest));
        }
    }
    names
}

/// The first name of each entry of a group whose opening brace was passed.
fn group_heads(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut heads = Vec::new();
    let mut start = 0;
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                heads.push(identifier(&group[start..at]));
                start = at + 1;
                if character == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

fn identifier(text: &str) -> String {
    let text = text.trim_start();
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// `use super::…` at the outermost level of a top-level file, or two levels at once.
fn reaches_root_by_super(file: &Source) -> bool {
    let top = !file.path.contains('/');
    let outermost = file.code.lines().any(|line| line.starts_with("use super::"));
    file.code.contains("super::super::") || (top && outermost)
}

fn mentions_what_it_must_not(file: &Source) -> Vec<String> {
    let rules = MUST_NOT_KNOW.iter().filter(|(modules, _)| modules.contains(&file.module()));
    let words = rules.flat_map(|(_, words)| words.iter());
    let found = words.filter(|word| mentions(&file.code, word));
    found.map(|word| format!("{} must not know `{word}`", file.path)).collect()
}

/// Whether `word` stands in the code, alone or as an entry of a `use crate::{…}` group.
fn mentions(code: &str, word: &str) -> bool {
    match word.strip_prefix("crate::") {
        Some(module) => imports(code).contains(module),
        None => code.contains(word),
    }
}

fn opening_and_length(file: &Source) -> Vec<String> {
    let mut found = Vec::new();
    if !file.text.starts_with("//!") {
        found.push(format!("{} does not open with `//!`: say what it owns", file.path));
    }
    let lines = file.text.lines().count();
    if lines > MOST_LINES {
        found.push(format!("{} has {lines} lines, more than {MOST_LINES}: split it", file.path));
    }
    found
}

fn floor_of(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}
