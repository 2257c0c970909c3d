//! Messages that an operator deleted: their texts leave the files, and their numbers stay.

use std::fs;

use chinwag::chat::history::{History, Settings};
use chinwag::chat::protocol::StoredMessage;
use chinwag::chat::rules::Erasure;
use chinwag::chat::server::Archive;
use rusqlite::Connection;

use super::support::script::printed;
use super::support::temp::{Folder, SmallDisk};
use super::support::{DEADLINE, skip, wait_until};
use super::{message, messages, open, piped};

const SECRET: &str = "correct horse battery staple";

/// Messages of several sizes, the even ones with the secret.
fn filled(history: &mut History) {
    let text = |seq: u64| {
        let padding = "x".repeat([0, 100, 5000, 8000][seq as usize % 4]);
        if seq % 2 == 0 { format!("{padding}{SECRET}{padding}") } else { padding + "." }
    };
    let name = |seq: u64| if seq % 2 == 0 { "Eve \u{e9}" } else { "ann" };
    let both = ["", "den"].into_iter().flat_map(|room| (1..=300).map(move |seq| (room, seq)));
    let all = both.map(|(room, seq)| {
        let mut message = message(room, seq);
        (message.name, message.text) = (name(seq).into(), text(seq).into());
        message
    });
    history.commit(&mut all.collect());
}

fn numbers(room: &str, seqs: &[u64]) -> Erasure {
    Erasure::Numbers(room.into(), seqs.to_vec())
}

/// How often the files contain the secret.
fn secrets(file: &str) -> usize {
    let content = ["", "-wal", "-shm", "-state"].map(|ending| fs::read(format!("{file}{ending}")).unwrap_or_default());
    let count = |content: &Vec<u8>| content.windows(SECRET.len()).filter(|part| *part == SECRET.as_bytes()).count();
    content.iter().map(count).sum()
}

#[test]
fn texts_of_deleted_messages_leave_the_files() {
    let folder = Folder::new("deleted");
    let file = folder.path("chat.db");
    let mut history = open(&file);
    filled(&mut history);
    assert!(secrets(&file) >= 300);
    let seqs: Vec<u64> = (2..=300).step_by(2).collect();
    let deleted = history.erase(numbers("den", &seqs)).expect("the file is writable");
    assert_eq!((deleted.len(), &*deleted[0].0, deleted[0].1), (150, "den", 2));
    // However the name is written.
    assert_eq!(history.erase(Erasure::Name("eve \u{e9}".into())).map(|deleted| deleted.len()), Some(150));
    assert_eq!(secrets(&file), 0, "neither in the database nor in its write-ahead log");
    assert_eq!(history.erase(numbers("den", &[301, u64::MAX])), Some(Vec::new()), "no such message");
    history.commit(&mut messages("", 301..=301));
    drop(history);

    let mut history = open(&file);
    assert_eq!(secrets(&file), 0);
    for (room, last) in [("", 301), ("den", 300)] {
        let loaded = history.load_room(room, 500).expect("readable");
        assert_eq!((loaded.last, loaded.messages.len() as u64), (last, last), "numbers have no gap");
        let is_deleted = |message: &&StoredMessage| message.is_deleted() && message.name.is_empty() && message.date > 0;
        assert_eq!(loaded.messages.iter().filter(is_deleted).count(), 150);
    }
    drop(history);
    // An export has them as deleted, and can be imported.
    let export = printed(&piped(&["history", &file, "--export"], ""));
    assert!(!export.contains(SECRET));
    let copy = folder.path("copy.db");
    assert!(printed(&piped(&["history", &copy, "--import"], &export)).contains("new messages: 601"));
    let line = printed(&piped(&["history", &copy, "--room", "den"], ""));
    assert!(line.contains("[den] #2 (deleted by an operator)\n"), "{}", line.lines().next().unwrap_or_default());
}

#[test]
fn texts_leave_the_files_when_a_reader_has_finished() {
    let folder = Folder::new("deleted-reader");
    let file = folder.path("chat.db");
    let mut history = open(&file);
    filled(&mut history);
    let reader = Connection::open(&file).expect("a database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM message").expect("a transaction that reads");
    let seqs: Vec<u64> = (1..=300).collect();
    for room in ["", "den"] {
        assert!(history.erase(numbers(room, &seqs)).is_some());
    }
    assert!(secrets(&file) > 0, "the reader still sees them");
    reader.execute_batch("COMMIT").expect("the end of it");
    wait_until(DEADLINE, "the log is truncated", || secrets(&file) == 0);
}

#[test]
fn messages_can_be_deleted_when_the_file_is_writable_again() {
    let Some(disk) = SmallDisk::mount("deleted-later") else { return skip("only root may mount a small disk") };
    let file = disk.path("chat.db");
    let mut history = open(&file);
    history.commit(&mut messages("", 1..=4000));
    disk.fill();
    let seqs: Vec<u64> = (2..=4000).step_by(2).collect();
    assert_eq!(history.erase(numbers("", &seqs)), None, "the disk is full");
    disk.make_room();
    wait_until(DEADLINE, "it is writable", || history.error().is_none());
    assert_eq!(history.erase(numbers("", &seqs)).map(|deleted| deleted.len()), Some(2000));
    drop(history);
    let is_deleted = |message: &StoredMessage| message.is_deleted() == (message.seq % 2 == 0);
    assert!(open(&file).load_room("", 4000).expect("readable").messages.iter().all(is_deleted));
}

#[test]
fn messages_that_waited_can_be_deleted() {
    let folder = Folder::new("deleted-waiting");
    let file = folder.path("chat.db");
    let lock = || Connection::open(&file).expect("a database");
    let mut history = History::open(&Settings::new(&file)).expect("a history");
    history.commit(&mut messages("", 1..=2));
    let blocker = lock();
    blocker.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let mut secret = message("", 3);
    secret.text = SECRET.into();
    history.commit(&mut vec![secret, message("", 4)]);
    assert_eq!(history.erase(numbers("", &[3, 1])), None, "the file is locked");
    blocker.execute_batch("COMMIT").expect("unlocked");
    wait_until(DEADLINE, "it is written", || history.is_complete());
    assert_eq!(secrets(&file), 0, "what waited has no text any more");
    assert_eq!(history.erase(numbers("", &[3, 1])).map(|deleted| deleted.len()), Some(2));
    let loaded = history.load_room("", 9).expect("readable");
    assert_eq!(loaded.messages.iter().map(StoredMessage::is_deleted).collect::<Vec<_>>(), [true, false, true, false]);
    assert_eq!(secrets(&file), 0);
}
