//! The rules of ARCHITECTURE.md that a program can check: layers, import cycles, file lengths, and the two traces.

mod sources;
mod traces;

use sources::{File, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// The layers, and the layers that each may import from besides itself.
const LAYERS: &[(&str, &[&str])] = &[("ws", &[]), ("chat", &["ws"]), ("cli", &["ws", "chat"])];

/// The rules of the chat do no I/O: the same inputs give the same outputs on every machine.
const PURE: &[&str] = &["chat/rules", "chat/protocol"];
const IMPURE: &[&str] =
    &["std::net", "std::thread", "std::time", "std::fs", "std::io", "rustix", "mio::", "tungstenite", "crossbeam"];

/// A longer file has two subjects. The aim is 250.
const MAX_LINES: usize = 350;

#[test]
fn layers_import_only_what_they_may() {
    assert_eq!(wrong_layers(&Tree::of_this_crate()), Vec::<String>::new());
}

#[test]
fn rules_and_protocol_do_no_io() {
    assert_eq!(impure(&Tree::of_this_crate()), Vec::<String>::new());
}

#[test]
fn imports_have_no_cycle() {
    assert_eq!(cycles(&Tree::of_this_crate()), Vec::<String>::new());
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    assert_eq!(long_or_silent(&Tree::of_this_crate()), Vec::<String>::new());
}

/// The checks find what breaks each rule, so a green run means something.
#[test]
fn each_broken_rule_is_found() {
    let tree = Tree::of(&[
        ("lib.rs", "mod ws;\npub use ws::Server;"),
        ("ws.rs", "mod server;\npub use server::Server;"),
        ("ws/server.rs", "use crate::chat::{page, rules::Chat};\nmod accept;\nuse accept::run;"),
        ("ws/server/accept.rs", "use super::Server;\nuse super::poll::Poll;"),
        ("ws/server/poll.rs", "fn f() { super::accept::run() }"),
        ("chat.rs", "//! x"),
        ("chat/page.rs", "// use crate::cli::Args;"),
        ("chat/rules.rs", "use std::{\n    net::IpAddr,\n    sync::Arc,\n};"),
        ("cli.rs", "use chinwag::Server;"),
    ]);
    assert_eq!(
        wrong_layers(&tree),
        ["ws/server.rs imports chat/page.rs", "ws/server.rs imports chat/rules.rs"],
        "a comment is not an import, and cli may import ws"
    );
    assert_eq!(impure(&tree), ["chat/rules.rs uses std::net"]);
    let both = ["ws/server/accept.rs -> ws/server/poll.rs", "ws/server/poll.rs -> ws/server/accept.rs"];
    assert_eq!(cycles(&tree), both, "a file and its parent are not a cycle");
    assert_eq!(
        tree.imports(tree.file("cli.rs")),
        BTreeSet::from(["ws/server.rs".to_owned()]),
        "re-exports are followed"
    );
    let long = Tree::of(&[("lib.rs", &"//! x\n".repeat(MAX_LINES + 1)), ("ws.rs", "use x;")]);
    assert_eq!(long_or_silent(&long), ["lib.rs has 351 lines: split it", "ws.rs does not begin with //!"]);
}

fn wrong_layers(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for file in tree.files() {
        let Some((layer, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == file.layer()) else { continue };
        for import in tree.imports(file) {
            let other = tree.file(&import).layer();
            let is_layer = LAYERS.iter().any(|(layer, _)| *layer == other);
            if is_layer && other != *layer && !allowed.contains(&other) {
                found.push(format!("{} imports {import}", file.path));
            }
        }
    }
    found
}

fn impure(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for file in tree.files().filter(|file| PURE.iter().any(|pure| file.path.starts_with(pure))) {
        let paths = file.paths();
        for word in IMPURE {
            let imported = paths.iter().any(|path| (path.join("::") + "::").starts_with(word));
            if imported || file.code.contains(word) {
                found.push(format!("{} uses {word}", file.path));
            }
        }
    }
    found
}

/// The imports that are part of a cycle: the imported file reaches the one that imports it.
fn cycles(tree: &Tree) -> Vec<String> {
    let edges: BTreeMap<String, BTreeSet<String>> =
        tree.files().map(|file| (file.path.clone(), tree.imports(file))).collect();
    let arrows = edges.iter().flat_map(|(file, imports)| imports.iter().map(move |import| (file, import)));
    let in_cycle = arrows.filter(|(file, import)| reaches(&edges, import, file));
    in_cycle.map(|(file, import)| format!("{file} -> {import}")).collect()
}

fn reaches(edges: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let (mut seen, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(file) = left.pop() {
        if file == to {
            return true;
        }
        if seen.insert(file) {
            left.extend(edges[file].iter().map(String::as_str));
        }
    }
    false
}

fn long_or_silent(tree: &Tree) -> Vec<String> {
    let check = |file: &File| {
        let lines = file.text.lines().count();
        if lines > MAX_LINES {
            return Some(format!("{} has {lines} lines: split it", file.path));
        }
        (!file.text.starts_with("//!")).then(|| format!("{} does not begin with //!", file.path))
    };
    tree.files().filter_map(check).collect()
}
