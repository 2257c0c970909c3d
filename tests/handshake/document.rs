//! Compares docs/HANDSHAKE.md with the table. `CHINWAG_BLESS=1 cargo test --test handshake` rewrites it.

use std::fmt::Write as _;

use crate::rows::{GROUPS, Group, Row};
use crate::script::{Reply, respond};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/HANDSHAKE.md");
const BEGIN: &str = "<!-- from here on: written by tests/handshake/document.rs -->\n";

#[test]
fn document_matches_the_responses() {
    let document = std::fs::read_to_string(PATH).expect("docs/HANDSHAKE.md");
    let (prose, tables) = document.split_once(BEGIN).expect("the marker before the tables");
    let expected: String = GROUPS.iter().map(section).collect();
    if std::env::var_os("CHINWAG_BLESS").is_some() {
        std::fs::write(PATH, format!("{prose}{BEGIN}{expected}")).expect("docs/HANDSHAKE.md is written");
        return;
    }
    assert_eq!(tables, expected, "CHINWAG_BLESS=1 cargo test --test handshake rewrites it");
}

fn section(group: &Group) -> String {
    let mut text =
        format!("\n## {}\n\n{}\n\n| sent | status | sent back |\n|---|---|---|\n", group.title, group.setting);
    let policy = (group.policy)();
    for row in (group.rows)() {
        let reply = respond(row.script(), &policy);
        let status = if reply.status == 0 { "none".to_owned() } else { reply.status.to_string() };
        writeln!(text, "| {} | {status} | {} |", row.what, shown(&row, &reply))
            .expect("writing to a string cannot fail");
    }
    text
}

/// The sentence, and the header fields that the table checks.
fn shown(row: &Row, reply: &Reply) -> String {
    let header = row.says.split_once(": ").filter(|_| reply.text.contains(&format!("\r\n{}\r\n", row.says)));
    let header = header.map(|_| format!("`{}`", row.says));
    let sentence = reply.sentence().filter(|sentence| !sentence.is_empty()).map(str::to_owned);
    let parts: Vec<String> = header.into_iter().chain(sentence).collect();
    parts.join("; ")
}
