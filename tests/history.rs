//! The history in a file: what it keeps, what it refuses, what it survives; and `chinwag history`.
#![cfg(feature = "history")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chinwag::history::{Durability, History, Problem, Settings};
use chinwag::protocol::Entry;
use rusqlite::Connection;
use support::binary::{command, start_binary};
use support::script::{printed, run_to_end};
use support::temp::{Folder, SmallDisk};
use support::{Client, DEADLINE, run, skip, wait_until};

fn entry(room: &str, seq: u64) -> Entry {
    let mut entry = Entry::new(room, seq, "ann", format!("message {seq}"));
    (entry.date, entry.id) = (1_700_000_000_000 + seq, seq % 7 + 1);
    entry.nonce = (seq % 2 == 0).then(|| format!("n{seq}").into());
    entry
}

fn entries(room: &str, numbers: std::ops::RangeInclusive<u64>) -> Vec<Entry> {
    numbers.map(|seq| entry(room, seq)).collect()
}

fn open(file: &str) -> History {
    History::open(&Settings::new(file)).expect("a history")
}

/// A file with these numbers in the lobby.
fn filled(file: &str, last: u64) {
    open(file).commit(&mut entries("", 1..=last));
}

#[test]
fn what_was_committed_is_there_again_in_order_and_the_numbering_has_its_old_name() {
    let folder = Folder::new("again");
    let file = folder.path("chat.db");
    let mut history = open(&file);
    let fresh = history.past("", 50).expect("readable");
    assert_eq!((fresh.last, fresh.entries.len(), history.first_id()), (0, 0, 1));
    let mut batch = entries("", 1..=70);
    batch.extend(entries("kitchen", 1..=3));
    history.commit(&mut batch);
    assert!(batch.is_empty());
    assert_eq!(history.past("", 50).expect("readable").entries, entries("", 21..=70));
    drop(history);

    let mut history = open(&file);
    let lobby = history.past("", 50).expect("readable");
    assert_eq!((&lobby.log, lobby.last), (&fresh.log, 70));
    assert_eq!(lobby.entries, entries("", 21..=70));
    assert_eq!(history.past("kitchen", 50).expect("readable").entries, entries("kitchen", 1..=3));
    assert_eq!(history.recall("", 10, 20, usize::MAX).expect("readable"), entries("", 11..=20));
    let two = entry("", 19).wire_size() + entry("", 20).wire_size();
    assert_eq!(history.recall("", 10, 20, two).expect("readable"), entries("", 11..=12));
    assert_eq!(history.recall("", 10, 20, two - 1).expect("readable"), entries("", 11..=11));
    assert_eq!(history.recall("", 10, 20, 0).expect("readable"), entries("", 11..=11));
    assert_eq!(history.recall("nowhere", 0, 9, usize::MAX).expect("readable"), []);
    assert_eq!(history.first_id(), 8, "above every id in it");
}

/// Each of these is a mistake: one line says so, and all is left exactly as it is.
#[test]
fn a_file_that_is_not_ours_is_not_touched_and_a_line_says_what_to_do() {
    let folder = Folder::new("foreign");
    let file = folder.path("chat.db");
    let rows: &[(&dyn Fn(), &str)] = &[
        (&|| fs::write(&file, "my diary\n").expect("written"), "no SQLite database"),
        (&|| fs::write(&file, vec![b'x'; 70_000]).expect("written"), "no SQLite database"),
        (&|| sql(&file, "CREATE TABLE mine (x); INSERT INTO mine VALUES (1)"), "another program"),
        (&|| sql(&file, "PRAGMA journal_mode = wal; CREATE TABLE mine (x)"), "another program"),
        (&|| left_behind(&file), "another program"),
        (&|| newer(&file), "newer chinwag"),
        (&|| damaged(&file), "damaged"),
        (&|| cut_short(&file), "damaged"),
    ];
    for (make, part) in rows {
        make();
        let before = content(&folder);
        let server = ["--listen", "127.0.0.1:0", "--history", &file];
        for (args, advice) in [
            (&server[..], "choose another file"),
            (&["history", &file, "--import"], "choose another file"),
            (&["history", &file], ""),
        ] {
            let said = refused(args, "");
            let is_all = [&file, *part, advice].iter().all(|part| said.contains(part));
            assert!(is_all && said.lines().count() == 1 && !said.contains("restart"), "{args:?}: {said}");
        }
        let said = format!("{:?}", History::open(&Settings::new(&file)).expect_err("it is not ours"));
        assert!(said.starts_with(&file) && said.contains(part) && said.contains("choose another"), "{said}");
        let after = content(&folder);
        assert!(after == before, "{part}: {:?} were {:?}", after.keys(), before.keys());
        before.keys().for_each(|name| fs::remove_file(folder.path(name)).expect("it is there"));
    }
}

/// All files of a folder, but for what SQLite shares among those who read a file.
fn content(folder: &Folder) -> BTreeMap<String, Vec<u8>> {
    let names = fs::read_dir(folder.path("")).expect("a folder");
    let names = names.map(|entry| entry.expect("readable").file_name().into_string().expect("a plain name"));
    let names = names.filter(|name| !name.ends_with("-shm"));
    names.map(|name| (name.clone(), fs::read(folder.path(&name)).expect("it is there"))).collect()
}

/// Another program's, which was killed: the last that it did is in its log only.
fn left_behind(file: &str) {
    let other = format!("{file}-other");
    let db = Connection::open(&other).expect("a database");
    db.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE mine (x); INSERT INTO mine VALUES (1)").expect("SQL");
    for end in ["", "-wal"] {
        fs::copy(format!("{other}{end}"), format!("{file}{end}")).expect("copied");
    }
    drop(db);
    fs::remove_file(other).expect("it is there");
}

fn newer(file: &str) {
    filled(file, 3);
    sql(file, "PRAGMA user_version = 99");
}

fn damaged(file: &str) {
    filled(file, 2000);
    let mut bytes = fs::read(file).expect("it is there");
    bytes[100..8100].fill(0x5a);
    fs::write(file, bytes).expect("written");
}

fn cut_short(file: &str) {
    filled(file, 2000);
    let bytes = fs::read(file).expect("it is there");
    fs::write(file, &bytes[..bytes.len() / 2]).expect("written");
}

/// Neither to be read nor written: somebody else's. (For root everything is allowed.)
#[test]
fn a_file_that_may_not_be_read_is_a_mistake_too() {
    let folder = Folder::new("right");
    let file = folder.path("chat.db");
    filled(&file, 1);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("it is ours");
    let program = command(&["--listen", "127.0.0.1:0", "--history", &file]);
    let mut limited = Command::new("setpriv");
    limited.args(["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search", "--"]);
    limited.arg(program.get_program()).args(program.get_args());
    if Command::new("setpriv").arg("--version").output().is_err() {
        return skip("no setpriv");
    }
    let output = run_to_end(if fs::read(&file).is_ok() { limited } else { program }, DEADLINE);
    let said = printed(&output);
    assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
    assert!(said.contains(&file) && said.contains("right to read and write"), "{said}");
}

fn sql(path: &str, sql: &str) {
    let db = Connection::open(path).expect("a database");
    db.execute_batch(sql).expect("SQL");
}

#[test]
fn a_read_only_file_is_read_and_the_numbering_is_another_one() {
    let Some(disk) = SmallDisk::mount("read-only") else { return skip("only root may mount a small disk") };
    let file = disk.path("chat.db");
    filled(&file, 60);
    let log = open(&file).past("", 1).expect("readable").log;
    disk.remount("ro");
    let mut history = open(&file);
    assert_eq!(history.problem(), Some(Problem::ReadOnly));
    let past = history.past("", 50).expect("readable");
    assert_eq!((past.last, past.entries.len()), (60, 50));
    assert_ne!(past.log, log, "what is said now may get lost");
    assert_eq!(history.first_id(), 8);
    history.commit(&mut entries("", 61..=62));
    let past = history.past("", 1).expect("readable");
    assert_eq!((past.last, past.entries), (62, entries("", 62..=62)), "what waits is known");

    disk.remount("rw");
    wait_until(Duration::from_secs(10), "it is written again", || history.problem().is_none());
    drop(history);
    let again = open(&file).past("", 3).expect("readable");
    assert_eq!((again.log, again.entries), (past.log, entries("", 60..=62)));
}

#[test]
fn while_another_program_locks_it_messages_wait_and_nobody_for_long() {
    let folder = Folder::new("locked");
    let file = folder.path("chat.db");
    filled(&file, 1);
    let mut history = open(&file);
    let other = Connection::open(&file).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    let start = Instant::now();
    history.commit(&mut entries("", 2..=2));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(history.problem(), Some(Problem::Locked));
    let start = Instant::now();
    history.commit(&mut entries("", 3..=3));
    assert!(start.elapsed() < Duration::from_millis(100), "known to be locked: {:?}", start.elapsed());
    assert_eq!(history.past("", 9).expect("a reader needs no lock").entries, entries("", 1..=3));
    assert_eq!(history.recall("", 0, 3, usize::MAX).expect("readable"), entries("", 1..=3));
    other.execute_batch("ROLLBACK").expect("unlocked");
    wait_until(Duration::from_secs(10), "it is written again", || history.problem().is_none());
    drop(history);
    assert_eq!(open(&file).past("", 9).expect("readable").entries, entries("", 1..=3));
}

/// Numbers that are lost are remembered, to be noted; of too many rooms they cannot be, and are not given again either.
#[test]
fn lost_messages_of_too_many_rooms_begin_new_numberings() {
    let folder = Folder::new("many-lost");
    let file = folder.path("chat.db");
    let mut history = open(&file);
    history.commit(&mut entries("den", 1..=3));
    let log = history.past("den", 9).expect("readable").log;
    let other = Connection::open(&file).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    history.commit(&mut entries("den", 4..=5));
    let text: Arc<str> = "x".repeat(8000).into();
    for room in 0..9000 {
        history.commit(&mut vec![Entry::new(format!("room-{room}"), 1, "ann", text.clone())]);
    }
    let meanwhile = history.past("den", 9).expect("a reader needs no lock");
    assert_ne!(meanwhile.log, log, "4 and 5 are lost, and nobody knows that they were given");
    other.execute_batch("ROLLBACK").expect("unlocked");
    wait_until(Duration::from_secs(10), "it is written again", || history.problem().is_none());
    for room in ["den", "room-1", "room-8999"] {
        assert_eq!(history.past(room, 9).expect("readable").log, meanwhile.log, "{room}");
    }
    drop(history);
    assert_eq!(open(&file).past("den", 9).expect("readable").log, meanwhile.log);
}

#[test]
fn somebody_elses_messages_are_not_overwritten() {
    let folder = Folder::new("taken");
    let file = folder.path("chat.db");
    filled(&file, 1);
    let mut history = open(&file);
    sql(&file, "INSERT INTO message SELECT room, 2, date, id, name, 'theirs', NULL FROM message WHERE seq = 1");
    history.commit(&mut entries("", 3..=40));
    history.commit(&mut entries("", 3..=40));
    assert_eq!((history.problem(), count(&file)), (None, 40), "the same ones again are no others");
    history.commit(&mut entries("", 2..=2));
    assert_eq!(history.problem(), Some(Problem::Taken));
    assert_eq!(count(&file), 40);
    assert_eq!(&*open_reader(&file, 2), "theirs");
}

fn open_reader(file: &str, seq: i64) -> Arc<str> {
    let db = Connection::open(file).expect("a database");
    db.query_row("SELECT text FROM message WHERE seq = ?1", [seq], |row| row.get(0)).expect("it is there")
}

#[test]
fn old_messages_are_deleted_and_their_numbers_are_not_given_again() {
    let folder = Folder::new("prune");
    let file = folder.path("chat.db");
    let now =
        u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis()).expect("fits");
    let dated = |room: &str, seq, days: u64| {
        let mut entry = entry(room, seq);
        entry.date = now - days * 86_400_000;
        entry
    };
    let mut history = open(&file);
    let mut batch: Vec<Entry> = (1..=1200).map(|seq| dated("", seq, 9)).collect();
    batch.extend((1201..=1203).map(|seq| dated("", seq, 1)));
    batch.extend((1..=5).map(|seq| dated("old", seq, 8)));
    history.commit(&mut batch);
    drop(history);

    let mut settings = Settings::new(&file);
    settings.days = Some(7);
    let mut history = History::open(&settings).expect("a history");
    wait_until(DEADLINE, "the old ones are gone", || count(&file) == 3);
    assert_eq!(history.past("", 9).expect("readable").entries.len(), 3);
    let old = history.past("old", 9).expect("readable");
    assert_eq!((old.last, old.entries.len()), (5, 0), "its numbers go on");
    drop(history);
    assert_eq!(open(&file).past("old", 9).expect("readable").last, 0, "after a restart it is a new room");
}

#[test]
fn no_more_rows_are_kept_than_wanted() {
    let folder = Folder::new("rows");
    let file = folder.path("chat.db");
    let mut settings = Settings::new(&file);
    settings.rows = Some(1000);
    let mut history = History::open(&settings).expect("a history");
    history.commit(&mut entries("quiet", 1..=3));
    for start in 0..30 {
        history.commit(&mut entries("", start * 100 + 1..=start * 100 + 100));
    }
    wait_until(DEADLINE, "no more than 1000", || count(&file) <= 1000);
    assert_eq!(count(&file), 1000);
    let lobby = history.past("", 2000).expect("readable");
    assert_eq!(lobby.entries.last(), Some(&entry("", 3000)));
    assert_eq!(history.past("quiet", 9).expect("readable").last, 3);
}

fn count(file: &str) -> i64 {
    let db = Connection::open(file).expect("a database");
    db.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).expect("it is there")
}

#[test]
fn full_asks_the_disk_for_each_batch() {
    let folder = Folder::new("sync");
    let mut settings = Settings::new(folder.path("chat.db"));
    settings.durability = Durability::Full;
    let mut history = History::open(&settings).expect("a history");
    history.commit(&mut entries("", 1..=3));
    assert_eq!((history.past("", 9).expect("readable").last, history.problem()), (3, None));
}

/// With a million messages, whoever joins waits no 10 ms longer than with none.
#[test]
fn a_million_messages_make_joining_no_slower() {
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
    println!("the first one to join: {large:?} with a million messages, {empty:?} with none");
    assert!(large < empty + Duration::from_millis(10), "{large:?} with a million messages, {empty:?} with none");
}

/// From the handshake to the last message of the past; of the first one to come after a start, the best of five starts.
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

#[test]
fn a_second_server_on_the_same_file_is_refused() {
    let folder = Folder::new("second");
    let file = folder.path("chat.db");
    let first = start_binary(&["--history", &file]);
    let output = run_to_end(command(&["--listen", "127.0.0.1:0", "--history", &file]), DEADLINE);
    assert_eq!(output.status.code(), Some(2));
    assert!(printed(&output).contains("another chinwag uses it"), "{}", printed(&output));
    drop(first);
    start_binary(&["--history", &file]);
}

#[test]
fn a_history_is_exported_and_imported_and_printed() {
    let folder = Folder::new("export");
    let (one, other) = (folder.path("one.db"), folder.path("other.db"));
    let mut history = open(&one);
    history.commit(&mut entries("", 1..=3));
    let mut odd = entry("kitchen", 1);
    odd.text = "\u{1b}[2J\nboo".into();
    history.commit(&mut vec![odd]);
    let lines = ran(&["history", &one, "--export"]);
    assert_eq!(lines.lines().count(), 2 + 4, "while it is open: {lines}");
    drop(history);

    assert_eq!(pipe(&["history", &other, "--import"], &lines), "messages read: 4, of them new: 4\n");
    assert_eq!(pipe(&["history", &other, "--import"], &lines), "messages read: 4, of them new: 0\n");
    assert_eq!(ran(&["history", &other, "--export"]), lines);
    let (mut first, mut second) = (open(&one), open(&other));
    assert_eq!((first.past("", 9), first.first_id()), (second.past("", 9), second.first_id()));
    drop((first, second));
    let kitchen = ran(&["history", &other, "--room", "KITCHEN"]);
    assert_eq!(kitchen, "2023-11-14 22:13:20 [kitchen] #1 ann: \\u{1b}[2J\\nboo\n");
    assert_eq!(ran(&["history", &other, "--room", ""]).lines().count(), 3);
    assert_eq!(ran(&["history", &other, "--json"]).lines().count(), 4);

    let changed = lines.replace("message 2", "message two");
    assert!(refused(&["history", &other, "--import"], &changed).contains("import into a new file"));
    assert!(refused(&["history", &other, "--import"], "nonsense").contains("line 1 "));
    assert_eq!(ran(&["history", &other, "--export"]), lines, "all, or nothing");
}

#[test]
fn what_is_wrong_is_one_line_and_status_2() {
    let folder = Folder::new("wrong");
    let (none, text) = (folder.path("none"), folder.path("text"));
    fs::write(&text, "my diary").expect("written");
    let here = folder.path("");
    let lost = folder.path("no/such/chat.db");
    let rows: &[(&[&str], &str)] = &[
        (&["history", &none], "no such file"),
        (&["history", &text], "no SQLite database"),
        (&["history"], "FILE"),
        (&["--history", &lost], "no folder"),
        (&["--history", &here], "folder"),
        (&["--history-days", "3"], "--history FILE"),
        (&["--history", &none, "--history-days", "0"], "--history-days 0"),
        (&["--history", &none, "--history-rows", "many"], "--history-rows many"),
        (&["--history", &none, "--history-sync", "maybe"], "normal or full"),
    ];
    for (args, part) in rows {
        let said = refused(args, "");
        assert!(said.contains(part), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
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

fn refused(args: &[&str], input: &str) -> String {
    let output = piped(args, input);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {}", printed(&output));
    printed(&output)
}

fn piped(args: &[&str], input: &str) -> Output {
    let mut command: Command = command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("cargo has built the binary");
    // A program that has refused does not read it.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}
