//! `chinwag history`, and the flags of a history: output and errors.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chinwag::chat::server::Archive;

use super::support::binary::command;
use super::support::script::printed;
use super::support::temp::Folder;
use super::support::{DEADLINE, run};
use super::{message, messages, open, piped, refused};

#[test]
fn history_is_exported_imported_and_printed() {
    let folder = Folder::new("export");
    let (one, other) = (folder.path("one.db"), folder.path("other.db"));
    let mut history = open(&one);
    history.commit(&mut messages("", 1..=3));
    let mut odd = message("kitchen", 1);
    odd.text = "\u{1b}[2J\nboo".into();
    history.commit(&mut vec![odd]);
    let lines = ran(&["history", &one, "--export"]);
    assert_eq!(lines.lines().count(), 2 + 4, "while it is open: {lines}");
    drop(history);

    assert_eq!(pipe(&["history", &other, "--import"], &lines), "new messages: 4\n");
    assert_eq!(pipe(&["history", &other, "--import"], &lines), "new messages: 0\n");
    assert_eq!(ran(&["history", &other, "--export"]), lines);
    let (mut first, mut second) = (open(&one), open(&other));
    assert_eq!((first.load_room("", 9), first.first_id()), (second.load_room("", 9), second.first_id()));
    drop((first, second));
    let kitchen = ran(&["history", &other, "--room", "KITCHEN"]);
    assert_eq!(kitchen, "2023-11-14 22:13:20 [kitchen] #1 ann: \u{fffd}[2J \u{23ce} boo\n");
    assert_eq!(ran(&["history", &other, "--room", ""]).lines().count(), 3);
    assert_eq!(ran(&["history", &other, "--export", "--room", ""]).lines().count(), 4);
    assert!(refused(&["history", &other, "--import", "--room", "x"], "").contains("--room"));

    let changed = lines.replace("message 2", "message two");
    assert!(refused(&["history", &other, "--import"], &changed).contains("choose a new file"));
    assert!(refused(&["history", &other, "--import"], "nonsense").contains("line 1 "));
    assert_eq!(ran(&["history", &other, "--export"]), lines, "all, or nothing");
}

#[test]
fn mistakes_are_one_line_and_status_2() {
    let folder = Folder::new("wrong");
    let (none, text) = (folder.path("none"), folder.path("text"));
    fs::write(&text, "my diary").expect("written");
    let here = folder.path("");
    let lost = folder.path("no/such/chat.db");
    let rows: &[(&[&str], &str)] = &[
        (&["history", &none], "does not exist"),
        (&["history", &text], "not a SQLite database"),
        (&["history"], "FILE"),
        (&["--history", &lost], "folder does not exist"),
        (&["--history", &here], "folder"),
        (&["--history-days", "3"], "--history FILE"),
        (&["--history", &none, "--history-days", "0"], "--history-days"),
        (&["--history", &none, "--history-rows", "many"], "--history-rows"),
        (&["--history-bytes", "1G"], "--history FILE"),
        (&["--history", &none, "--history-bytes", "1k"], "at least 65536"),
        (&["--history", &none, "--history-bytes", "much"], "64k"),
        (&["--history", &none, "--history-sync", "maybe"], "normal or full"),
    ];
    for (args, part) in rows {
        let line = refused(args, "");
        assert!(line.contains(part), "{args:?}: {line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }
    assert!(!Path::new(&none).exists(), "nothing was made");
    assert!(fs::metadata(&text).expect("it is there").permissions().mode() & 0o400 != 0);
}

fn ran(args: &[&str]) -> String {
    String::from_utf8(run(command(args), DEADLINE).stdout).expect("UTF-8")
}

fn pipe(args: &[&str], input: &str) -> String {
    let output = piped(args, input);
    assert!(output.status.success(), "{}", printed(&output));
    printed(&output)
}
