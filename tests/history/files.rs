//! A file that is removed while in use is written again, and one that takes its place is not touched; a restored backup gets a
//! new numbering; what is not a file is refused, and new files are private.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use chinwag::chat::server::Archive;

use super::support::binary::{start, start_binary};
use super::support::temp::Folder;
use super::support::{Client, DEADLINE, wait_until};
use super::{error, filled, messages, open, printed, refused, skip, sql};

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

/// The messages before and after are in the file, and the chat noticed nothing.
#[test]
fn file_that_was_removed_is_written_again() {
    let rows: &[(&str, Mishap)] = &[
        ("the database is removed", |file| remove(file, &[""])),
        ("all of SQLite's files are removed", |file| remove(file, &["", "-wal", "-shm"])),
        ("everything is removed", |file| remove(file, &["", "-wal", "-shm", "-state"])),
        ("the database is renamed", |file| fs::rename(file, format!("{file}-old")).expect("renamed")),
        ("the log is removed", |file| remove(file, &["-wal"])),
        ("the index is removed", |file| remove(file, &["-shm"])),
        ("the state file is removed", |file| remove(file, &["-state"])),
    ];
    for (what, happens) in rows {
        let folder = Folder::new("mishap");
        let file = folder.path("chat.db");
        filled(&file, 40);
        let mut history = open(&file);
        history.commit(&mut messages("", 41..=400));
        happens(&file);
        history.commit(&mut messages("", 401..=420));
        history.commit(&mut messages("den", 1..=1));
        wait_until(DEADLINE, what, || history.error().is_none());
        drop(history);
        let again = open(&file).load_room("", 1000).expect("readable");
        assert_eq!((again.last, again.messages), (420, messages("", 1..=420)), "{what}");
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

/// Without a new message, too, within seconds. Nothing is written into the other file.
/// Such as `sqlite3 FILE .backup`. The last one to close a file removes its write-ahead log, and must not be the other program.
#[test]
fn another_program_may_open_and_close_the_file() {
    let count = "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\n\
        print(db.execute('SELECT count(*) FROM message').fetchone()[0])\ndb.close()";
    let python = std::env::var("CHINWAG_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let count = |file: &str| Command::new(&python).args(["-c", count, file]).output().map(|output| printed(&output));
    let folder = Folder::new("another");
    let file = folder.path("chat.db");
    let mut history = open(&file);
    for last in [3, 6, 9] {
        history.commit(&mut messages("", last - 2..=last));
        let Ok(found) = count(&file) else { return skip("no Python") };
        assert_eq!(found.trim(), last.to_string());
        assert!(Path::new(&format!("{file}-wal")).exists(), "it is in use");
    }
}

#[test]
fn file_that_takes_the_place_is_reported_and_not_changed() {
    let folder = Folder::new("reported");
    let file = folder.path("chat.db");
    filled(&file, 5);
    let before = fs::read(&file).expect("it is there");
    let chinwag = start_binary(&["--history", &file]);
    replace(&file, |new| filled(new, 3));
    let replacement = fs::read(&file).expect("it is there");
    assert_ne!(before, replacement);
    chinwag.wait_for_log("another file has taken its place");
    let mut ann = Client::enter(chinwag.addr(), "/");
    ann.sign_in("ann");
    ann.say_json(&serde_json::json!({"type": "message", "text": "hi"}));
    assert_eq!(ann.wait_for("message")["seq"], 6);
    chinwag.signal("TERM");
    assert_eq!(chinwag.wait_for_exit(DEADLINE).0.code(), Some(0));
    assert!(fs::read(&file).expect("it is there") == replacement);
    // After a restart it is used, with a new numbering.
    let chinwag = start_binary(&["--history", &file]);
    chinwag.wait_for_log("the numbering gets a new name");
    let mut ann = Client::enter(chinwag.addr(), "/");
    assert_eq!(ann.expect("id")["seq"], 3);
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
    assert!(error(&history).contains("No such file"), "{:?}", history.error());
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
        // A copy is noticed by its time.
        std::thread::sleep(Duration::from_millis(1100));
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

/// All that is made is readable by its user only, whatever the umask is.
#[test]
fn new_files_are_private() {
    let folder = Folder::new("modes");
    let file = folder.path("chat.db");
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
    for name in [&file, &format!("{file}-wal"), &format!("{file}-shm"), &format!("{file}-state")] {
        assert_eq!(fs::metadata(name).expect("it is there").permissions().mode() & 0o777, 0o600, "{name}");
    }
}
