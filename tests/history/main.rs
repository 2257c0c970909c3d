//! The history file: what it stores, and what it survives.
#![cfg(feature = "history")]
// A crate of its own, which exports nothing.
#![allow(unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod deleted;
mod files;
mod follower;
mod foreign;
mod program;
mod progress;
mod retention;

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chinwag::chat::history::{History, Settings};
use chinwag::chat::protocol::StoredMessage;
use chinwag::chat::server::Archive;
use rusqlite::Connection;
use support::binary::{command, start_binary};
use support::script::printed;
use support::temp::{Folder, SmallDisk};
use support::{Client, DEADLINE, skip, wait_until};

fn message(room: &str, seq: u64) -> StoredMessage {
    let mut message = StoredMessage::new(room, seq, "ann", format!("message {seq}"));
    (message.date, message.id) = (1_700_000_000_000 + seq, seq % 7 + 1);
    message.nonce = (seq % 2 == 0).then(|| format!("n{seq}").into());
    message
}

/// Milliseconds since 1970.
fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis()).expect("fits")
}

fn messages(room: &str, numbers: std::ops::RangeInclusive<u64>) -> Vec<StoredMessage> {
    numbers.map(|seq| message(room, seq)).collect()
}

/// Opens a history. On a busy machine, the one before may need a moment to close the file.
fn open(file: &str) -> History {
    let mut opened = None;
    wait_until(DEADLINE, "the file is closed", || {
        let history = History::open(&Settings::new(file));
        let is_in_use = history.as_ref().is_err_and(|error| error.to_string().contains("uses it"));
        opened = Some(history);
        !is_in_use
    });
    opened.expect("tried at least once").expect("a history")
}

/// A file with messages up to this number in the lobby.
fn filled(file: &str, last: u64) {
    open(file).commit(&mut messages("", 1..=last));
}

/// What keeps messages out of the file, or nothing.
fn error(history: &History) -> String {
    history.error().map(|error| error.to_string()).unwrap_or_default()
}

fn sql(path: &str, sql: &str) {
    let db = Connection::open(path).expect("a database");
    db.execute_batch(sql).expect("SQL");
}

/// The output of a program that fails with status 2 and does not read its input.
fn refused(args: &[&str], input: &str) -> String {
    let output = piped(args, input);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {}", printed(&output));
    printed(&output)
}

fn piped(args: &[&str], input: &str) -> Output {
    let mut command: Command = command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("cargo has built the binary");
    // A program that fails does not read its input.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

#[test]
fn committed_messages_survive_a_restart_in_order_and_under_the_same_log_name() {
    let folder = Folder::new("again");
    let file = folder.path("chat.db");
    let mut history = open(&file);
    let fresh = history.load_room("", 50).expect("readable");
    assert_eq!((fresh.last, fresh.messages.len(), history.first_id()), (0, 0, 1));
    let mut batch = messages("", 1..=70);
    batch.extend(messages("kitchen", 1..=3));
    history.commit(&mut batch);
    assert!(batch.is_empty());
    assert_eq!(history.load_room("", 50).expect("readable").messages, messages("", 21..=70));
    drop(history);

    let mut history = open(&file);
    let lobby = history.load_room("", 50).expect("readable");
    assert_eq!((&lobby.log, lobby.last), (&fresh.log, 70));
    assert_eq!(lobby.messages, messages("", 21..=70));
    assert_eq!(history.load_room("kitchen", 50).expect("readable").messages, messages("kitchen", 1..=3));
    assert_eq!(history.load_messages("", 10, 20, usize::MAX).expect("readable"), messages("", 11..=20));
    let two = message("", 19).wire_size() + message("", 20).wire_size();
    assert_eq!(history.load_messages("", 10, 20, two).expect("readable"), messages("", 11..=12));
    assert_eq!(history.load_messages("", 10, 20, two - 1).expect("readable"), messages("", 11..=11));
    assert_eq!(history.load_messages("", 10, 20, 0).expect("readable"), messages("", 11..=11));
    assert_eq!(history.load_messages("nowhere", 0, 9, usize::MAX).expect("readable"), []);
    assert_eq!(history.first_id(), 8, "above all ids in the file");
}

/// Until it is writable, messages wait.
#[test]
fn read_only_file_is_used_as_soon_as_it_is_writable() {
    let Some(disk) = SmallDisk::mount("read-only") else { return skip("only root may mount a small disk") };
    let file = disk.path("chat.db");
    filled(&file, 60);
    let log = open(&file).load_room("", 1).expect("readable").log;
    disk.remount("ro");
    let mut history = open(&file);
    assert_eq!(error(&history), "it is not writable");
    let readable = history.load_room("", 50).expect("readable");
    assert_eq!((readable.messages, history.first_id()), (messages("", 11..=60), 8));
    assert_ne!(readable.log, log, "after a crash now, the next process would use the next number again");
    history.commit(&mut messages("den", 1..=2));
    disk.remount("rw");
    wait_until(Duration::from_secs(10), "it is written again", || history.error().is_none());
    let past = history.load_room("", 50).expect("readable");
    assert_eq!((&past.log, past.last, past.messages.len()), (&readable.log, 60, 50));
    drop(history);
    assert_eq!(open(&file).load_room("den", 9).expect("readable").messages, messages("den", 1..=2));
}

#[test]
fn locked_file_makes_messages_wait_but_not_the_chat() {
    let folder = Folder::new("locked");
    let file = folder.path("chat.db");
    filled(&file, 1);
    let mut history = open(&file);
    let other = Connection::open(&file).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let start = Instant::now();
    history.commit(&mut messages("", 2..=2));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(error(&history), "another program has locked it");
    history.commit(&mut messages("", 3..=3));
    assert_eq!(history.load_room("", 9).expect("a reader needs no lock").messages, messages("", 1..=3));
    assert_eq!(history.load_messages("", 0, 3, usize::MAX).expect("readable"), messages("", 1..=3));
    other.execute_batch("ROLLBACK").expect("unlocked");
    wait_until(Duration::from_secs(10), "it is written again", || history.error().is_none());
    drop(history);
    assert_eq!(open(&file).load_room("", 9).expect("readable").messages, messages("", 1..=3));
}

/// A chat that never pauses: at each attempt to write, other messages wait already.
#[test]
fn error_ends_in_a_busy_chat() {
    let folder = Folder::new("busy");
    let file = folder.path("chat.db");
    let mut history = open(&file);
    let other = Connection::open(&file).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    history.commit(&mut messages("", 1..=1));
    assert_eq!(error(&history), "another program has locked it");
    let (mut seq, begin, text) = (1, Instant::now(), Arc::<str>::from("x".repeat(4000)));
    while history.error().is_some() {
        seq += 1;
        history.commit(&mut vec![StoredMessage::new("", seq, "ann", text.clone())]);
        if seq == 3000 {
            other.execute_batch("ROLLBACK").expect("unlocked");
        }
        assert!(begin.elapsed() < DEADLINE, "the file is writable, and still {}", error(&history));
    }
    history.commit(&mut vec![StoredMessage::new("", seq + 1, "ann", "stored")]);
    wait_until(DEADLINE, "everything is stored", || history.is_complete());
    assert_eq!(history.load_room("", 1).expect("readable").messages[0].seq, seq + 1);
}

/// More than 4 MiB of messages are dropped while another program locks the file.
#[test]
fn dropped_messages_give_all_logs_a_new_name() {
    let folder = Folder::new("many-lost");
    let file = folder.path("chat.db");
    let mut history = open(&file);
    history.commit(&mut messages("den", 1..=3));
    let log = history.load_room("den", 9).expect("readable").log;
    let other = Connection::open(&file).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    history.commit(&mut messages("den", 4..=5));
    let text: Arc<str> = "x".repeat(8000).into();
    for room in 0..9000 {
        history.commit(&mut vec![StoredMessage::new(format!("room-{room}"), 1, "ann", text.clone())]);
    }
    let meanwhile = history.load_room("den", 9).expect("a reader needs no lock");
    assert_ne!(meanwhile.log, log, "4 and 5 are dropped, and must not be used again");
    other.execute_batch("ROLLBACK").expect("unlocked");
    wait_until(Duration::from_secs(10), "it is written again", || history.error().is_none());
    for room in ["den", "room-1", "room-8999"] {
        assert_eq!(history.load_room(room, 9).expect("readable").log, meanwhile.log, "{room}");
    }
    drop(history);
    assert_eq!(open(&file).load_room("den", 9).expect("readable").log, meanwhile.log);
}

#[test]
fn messages_of_another_program_are_not_overwritten() {
    let folder = Folder::new("taken");
    let file = folder.path("chat.db");
    filled(&file, 1);
    let mut history = open(&file);
    sql(&file, "INSERT INTO message SELECT room, 2, date, id, name, 'theirs', NULL FROM message WHERE seq = 1");
    history.commit(&mut messages("", 3..=40));
    history.commit(&mut messages("", 3..=40));
    assert_eq!((history.error(), count(&file)), (None, 40), "the same messages again are not a conflict");
    history.commit(&mut messages("", 2..=2));
    assert!(error(&history).contains("other messages under the same numbers"));
    assert_eq!(count(&file), 40);
    assert_eq!(&*open_reader(&file, 2), "theirs");
}

fn open_reader(file: &str, seq: i64) -> Arc<str> {
    let db = Connection::open(file).expect("a database");
    db.query_row("SELECT text FROM message WHERE seq = ?1", [seq], |row| row.get(0)).expect("it is there")
}

#[test]
fn old_messages_are_deleted_and_their_numbers_are_not_used_again() {
    let folder = Folder::new("prune");
    let file = folder.path("chat.db");
    let dated = |room: &str, seq, days: u64| {
        let mut message = message(room, seq);
        message.date = now() - days * 86_400_000;
        message
    };
    let mut history = open(&file);
    let mut batch: Vec<StoredMessage> = (1..=1200).map(|seq| dated("", seq, 9)).collect();
    batch.extend((1201..=1203).map(|seq| dated("", seq, 1)));
    batch.extend((1..=5).map(|seq| dated("old", seq, 8)));
    history.commit(&mut batch);
    drop(history);

    let mut settings = Settings::new(&file);
    settings.days = Some(7);
    let mut history = History::open(&settings).expect("a history");
    wait_until(DEADLINE, "the old ones are gone", || count(&file) == 3);
    assert_eq!(history.load_room("", 9).expect("readable").messages.len(), 3);
    let old = history.load_room("old", 9).expect("readable");
    assert_eq!((old.last, old.messages.len()), (5, 0), "its numbers continue");
    drop(history);
    assert_eq!(open(&file).load_room("old", 9).expect("readable").last, 0, "after a restart it is a new room");
}

#[test]
fn oldest_messages_above_the_maximum_are_deleted() {
    let folder = Folder::new("rows");
    let file = folder.path("chat.db");
    let mut settings = Settings::new(&file);
    settings.rows = Some(1000);
    let mut history = History::open(&settings).expect("a history");
    history.commit(&mut messages("quiet", 1..=3));
    for start in 0..30 {
        history.commit(&mut messages("", start * 100 + 1..=start * 100 + 100));
    }
    wait_until(DEADLINE, "no more than 1000", || count(&file) <= 1000);
    assert_eq!(count(&file), 1000);
    let lobby = history.load_room("", 2000).expect("readable");
    assert_eq!(lobby.messages.last(), Some(&message("", 3000)));
    assert_eq!(history.load_room("quiet", 9).expect("readable").last, 3);
}

fn count(file: &str) -> i64 {
    let db = Connection::open(file).expect("a database");
    db.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).expect("it is there")
}

#[test]
fn full_durability_stores_messages() {
    let folder = Folder::new("sync");
    let mut settings = Settings::new(folder.path("chat.db"));
    settings.sync = true;
    let mut history = History::open(&settings).expect("a history");
    history.commit(&mut messages("", 1..=3));
    assert_eq!((history.load_room("", 9).expect("readable").last, history.error()), (3, None));
}

/// With a million messages, a join takes milliseconds longer than with none. Reading them all takes longer than this bound, on any
/// machine.
#[test]
fn a_million_messages_do_not_slow_a_join() {
    let folder = Folder::new("million");
    let (large, empty) = (folder.path("large.db"), folder.path("empty.db"));
    filled(&large, 1);
    sql(
        &large,
        "WITH RECURSIVE n (seq) AS (SELECT 2 UNION ALL SELECT seq + 1 FROM n WHERE seq < 1000000)
         INSERT INTO message SELECT 1, seq, 1700000000000 + seq, 1, 'ann', 'this is message number ' || seq, 'n' || seq
         FROM n",
    );
    let (large, empty) = (join(&large, 1_000_000), join(&empty, 0));
    println!("the first join: {large:?} with a million messages, {empty:?} with none");
    assert!(large < empty + Duration::from_secs(2), "{large:?} with a million messages, {empty:?} with none");
}

/// The time from the handshake to the last old message, for the first client after a start. The best of five starts.
fn join(file: &str, last: u64) -> Duration {
    let visit = || {
        let chinwag = start_binary(&["--history", file]);
        let start = Instant::now();
        let mut client = Client::connect(chinwag.addr(), &["chinwag.v1"]);
        assert_eq!(client.expect("id")["seq"], last);
        for nth in last.saturating_sub(50) + 1..=last {
            assert_eq!(client.expect("message")["seq"], nth);
        }
        start.elapsed()
    };
    (0..5).map(|_| visit()).min().expect("five")
}
