//! A file that is removed, replaced, truncated or copied over while in use is written again; a restored backup gets a new numbering;
//! what is not a file is refused, and new files are private.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use chinwag::chat::history::HistoryError;
use chinwag::chat::server::Archive;

use super::support::binary::{command, start, start_binary};
use super::support::temp::Folder;
use super::support::{Client, DEADLINE, run, wait_until};
use super::{filled, messages, open, refused, sql};

/// What happens to a file, by the name of its database.
type Mishap = fn(&str);

fn remove(file: &str, endings: &[&str]) {
    endings.iter().for_each(|ending| fs::remove_file(format!("{file}{ending}")).expect("it is there"));
}

fn replace(file: &str, make: impl Fn(&str)) {
    let new = format!("{file}-other");
    make(&new);
    let _ = fs::remove_file(format!("{new}-state"));
    fs::rename(&new, file).expect("renamed");
}

fn copy_over(file: &str, last: u64) {
    let other = format!("{file}-other");
    filled(&other, last);
    fs::copy(other, file).expect("copied");
}

fn truncate(file: &str, part: u64) {
    let opened = File::options().write(true).open(file).expect("it is there");
    let length = opened.metadata().expect("it is there").len();
    opened.set_len(length / 4 * part).expect("truncated");
}

/// Removed, replaced, truncated: the messages before and after are in the file, and the chat noticed nothing.
#[test]
fn file_that_was_removed_or_replaced_is_written_again() {
    let rows: &[(&str, Mishap)] = &[
        ("the database is removed", |file| remove(file, &[""])),
        ("all of SQLite's files are removed", |file| remove(file, &["", "-wal", "-shm"])),
        ("everything is removed", |file| remove(file, &["", "-wal", "-shm", "-state"])),
        ("the log is removed", |file| remove(file, &["-wal"])),
        ("the index is removed", |file| remove(file, &["-shm"])),
        ("both are removed", |file| remove(file, &["-wal", "-shm"])),
        ("the state file is removed", |file| remove(file, &["-state"])),
        ("another history takes its place", |file| replace(file, |new| filled(new, 20))),
        ("a text takes its place", |file| replace(file, |new| fs::write(new, "my diary").expect("written"))),
        ("another history is copied over it", |file| copy_over(file, 900)),
        ("an older state is copied over it", |file| copy_over(file, 40)),
        ("a text is copied over it", |file| fs::write(file, "my diary".repeat(9999)).expect("written")),
        ("it is empty", |file| truncate(file, 0)),
        ("it is half", |file| truncate(file, 2)),
    ];
    for (what, happens) in rows {
        let folder = Folder::new("mishap");
        let file = folder.path("chat.db");
        filled(&file, 40);
        let mut history = open(&file);
        let log = history.load_room("", 1).expect("readable").log;
        history.commit(&mut messages("", 41..=400));
        happens(&file);
        history.commit(&mut messages("", 401..=420));
        history.commit(&mut messages("den", 1..=1));
        wait_until(DEADLINE, what, || history.error().is_none());
        drop(history);
        let again = open(&file).load_room("", 1000).expect("readable");
        // If the content is lost, what this process wrote is in memory.
        let first = again.messages.first().map_or(0, |message| message.seq);
        assert!(first == 1 || (first == 41 && again.log != log), "{what}: from {first}, log {} after {log}", again.log);
        assert_eq!((again.last, again.messages.len() as u64), (420, 421 - first), "{what}");
    }
}

/// Another program that compacts the database does not replace it.
#[test]
fn compacted_database_is_not_reported() {
    let folder = Folder::new("compacted");
    let file = folder.path("chat.db");
    filled(&file, 4000);
    let chinwag = start_binary(&["--history", &file]);
    sql(&file, "DELETE FROM message WHERE seq < 3900; VACUUM; PRAGMA wal_checkpoint(truncate)");
    let mut ann = Client::enter(chinwag.addr(), "/");
    ann.sign_in("ann");
    ann.say_json(&serde_json::json!({"type": "message", "text": "hi"}));
    assert_eq!(ann.wait_for("message")["seq"], 4001);
    chinwag.signal("TERM");
    let (_, log) = chinwag.wait_for_exit(DEADLINE);
    assert!(!log.iter().any(|line| line.contains("replaced")), "{log:#?}");
}

/// Without a new message, too, within seconds; and what took the file's place is not deleted.
#[test]
fn log_reports_a_replaced_file_at_once() {
    let folder = Folder::new("reported");
    let file = folder.path("chat.db");
    filled(&file, 5);
    let chinwag = start_binary(&["--history", &file]);
    replace(&file, |new| fs::write(new, "my diary").expect("written"));
    let line = chinwag.wait_for_log("removed, replaced or truncated");
    let (_, aside) = line.rsplit_once("is now ").expect("the new name");
    assert_eq!(fs::read_to_string(aside).expect("it is there"), "my diary");
    assert_eq!(run(command(&["history", &file]), DEADLINE).stdout.split(|byte| *byte == b'\n').count(), 5 + 1);
}

#[test]
fn vanished_folder_makes_messages_wait() {
    let folder = Folder::new("vanished");
    let (place, elsewhere) = (folder.path("place"), folder.path("elsewhere"));
    fs::create_dir(&place).expect("a folder");
    let file = format!("{place}/chat.db");
    let mut history = open(&file);
    history.commit(&mut messages("", 1..=10));
    fs::rename(&place, elsewhere).expect("renamed");
    history.commit(&mut messages("", 11..=20));
    assert!(matches!(history.error(), Some(HistoryError::Removed(_))), "{:?}", history.error());
    assert_eq!(history.load_room("", 50).expect("readable").messages, messages("", 1..=20));
    fs::create_dir(&place).expect("a folder");
    wait_until(Duration::from_secs(10), "it is written again", || history.error().is_none());
    drop(history);
    assert_eq!(open(&file).load_room("", 50).expect("readable").messages, messages("", 1..=20));
}

/// What becomes of a state file.
type Change<'a> = &'a dyn Fn(&str);

/// The log name after these messages.
fn session(file: &str, numbers: std::ops::RangeInclusive<u64>) -> String {
    let mut history = open(file);
    history.commit(&mut messages("", numbers));
    history.load_room("", 1).expect("readable").log.to_string()
}

#[test]
fn restored_backup_gets_a_new_numbering() {
    let copy = |from: &str, to: &str| assert!(fs::copy(from, to).expect("copied") > 0);
    // Whether the database is restored, and whether the numbering keeps its name.
    let rows: &[(&str, bool, Change<'_>, bool)] = &[
        ("nothing happens", false, &|_| {}, true),
        ("the database is older", true, &|_| {}, false),
        ("it is older, without a state file", true, &|state| fs::remove_file(state).expect("it is there"), false),
        ("both are older", true, &|state| copy(&format!("{state}-backup"), state), false),
        ("the state file is missing", false, &|state| fs::remove_file(state).expect("it is there"), false),
        ("the state file is empty", false, &|state| fs::write(state, "").expect("written"), false),
        ("the state file is of another history", false, &|state| copy(&format!("{state}-other"), state), false),
    ];
    for (what, is_restored, happens, is_kept) in rows {
        let folder = Folder::new("restored");
        let [file, backup, other] = ["chat.db", "backup.db", "other.db"].map(|name| folder.path(name));
        let state = format!("{file}-state");
        session(&other, 1..=90);
        copy(&format!("{other}-state"), &format!("{state}-other"));
        let first = session(&file, 1..=3);
        copy(&file, &backup);
        copy(&state, &format!("{state}-backup"));
        // The file system notes times in steps of some milliseconds.
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(session(&file, 4..=6), first, "the numbering goes on");
        if *is_restored {
            copy(&backup, &file);
        }
        happens(&state);
        let after = session(&file, 7..=8);
        assert_eq!(after == first, *is_kept, "{what}");
        assert_eq!(session(&file, 9..=9), after, "{what}: and stays the same");
    }
}

#[test]
fn what_is_not_a_file_is_refused() {
    let folder = Folder::new("odd");
    let [dangling, pipe, socket, here] = ["dangling", "pipe", "socket", ""].map(|name| folder.path(name));
    let link = folder.path("link.db");
    symlink(folder.path("nothing"), &dangling).expect("a link");
    assert!(Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
    let _socket = UnixListener::bind(&socket).expect("a socket");
    for (file, part) in [
        (":memory:", "not the name of a file"),
        ("", "name of a file"),
        ("file:chat.db?mode=memory", "not the name of a file"),
        ("/dev/null", "a device"),
        (&pipe, "a pipe"),
        (&socket, "a socket"),
        (&dangling, "a link to a file that does not exist"),
        (&here, "a folder"),
        (&folder.path("new/"), "a folder"),
    ] {
        for args in [&["--listen", "127.0.0.1:0", "--history", file][..], &["history", file, "--import"]] {
            let line = refused(args, "");
            assert!(line.contains(part) && line.lines().count() == 1, "{args:?}: {line}");
        }
    }
    filled(&folder.path("real.db"), 3);
    symlink(folder.path("real.db"), &link).expect("a link");
    assert_eq!(open(&link).load_room("", 9).expect("readable").last, 3, "a link to a file is followed");
}

/// All that is made is readable by its user only, whatever the umask is. Existing files are reported.
#[test]
fn new_files_are_private() {
    let folder = Folder::new("modes");
    let (file, export) = (folder.path("chat.db"), folder.path("export.jsonl"));
    let shell = |line: String| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask 0; {line}"), env!("CARGO_BIN_EXE_chinwag")]).stdin(Stdio::null());
        shell
    };
    let chinwag = start(shell(format!("exec \"$0\" --listen 127.0.0.1:0 --history {file}")));
    let mut ann = Client::enter(chinwag.addr(), "/");
    ann.sign_in("ann");
    ann.say_json(&serde_json::json!({"type": "message", "text": "hi"}));
    ann.wait_for("message");
    run(shell(format!("\"$0\" history {file} --export > {export}")), DEADLINE);
    for name in [&file, &format!("{file}-wal"), &format!("{file}-shm"), &format!("{file}-state"), &export] {
        assert_eq!(fs::metadata(name).expect("it is there").permissions().mode() & 0o777, 0o600, "{name}");
    }
    drop(chinwag);
    for name in [&file, &export] {
        fs::set_permissions(name, fs::Permissions::from_mode(0o644)).expect("it is ours");
    }
    let chinwag = start_binary(&["--history", &file]);
    assert!(chinwag.wait_for_log("every user of this machine").contains("chmod o-r"));
}

#[test]
fn files_that_took_the_place_soon_after_each_other_are_all_kept() {
    let folder = Folder::new("twice");
    let file = folder.path("chat.db");
    let mut history = open(&file);
    for seq in 1..=3 {
        replace(&file, |new| fs::write(new, format!("diary {seq}")).expect("written"));
        history.commit(&mut messages("", seq..=seq));
        assert_eq!(history.error(), None);
    }
    let path = std::path::Path::new(&file);
    let names = fs::read_dir(path.parent().expect("a folder")).expect("readable");
    let names = names.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned());
    assert_eq!(names.filter(|name| name.contains("-replaced-")).count(), 3);
}
