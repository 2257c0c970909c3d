//! Files of other programs, unreadable files and files in use are refused and not changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use chinwag::chat::history::{History, Settings};
use rusqlite::Connection;

use super::support::binary::{command, start_binary};
use super::support::script::{printed, run_to_end};
use super::support::temp::Folder;
use super::support::{DEADLINE, skip};
use super::{filled, refused, sql};

/// One line reports each of these mistakes, and the folder stays exactly as it was.
#[test]
fn foreign_and_damaged_files_are_refused_and_not_changed() {
    let folder = Folder::new("foreign");
    let file = folder.path("chat.db");
    let rows: &[(&dyn Fn(), &str)] = &[
        (&|| fs::write(&file, "my diary\n").expect("written"), "not a SQLite database"),
        (&|| fs::write(&file, vec![b'x'; 70_000]).expect("written"), "not a SQLite database"),
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
            let line = refused(args, "");
            let is_all = [&file, *part, advice].iter().all(|part| line.contains(part));
            assert!(is_all && line.lines().count() == 1 && !line.contains("restart"), "{args:?}: {line}");
        }
        let line = format!("{:?}", History::open(&Settings::new(&file)).expect_err("a foreign file"));
        assert!(line.starts_with(&file) && line.contains(part) && line.contains("choose another"), "{line}");
        let after = content(&folder);
        assert!(after == before, "{part}: {:?} were {:?}", after.keys(), before.keys());
        before.keys().for_each(|name| fs::remove_file(folder.path(name)).expect("it is there"));
    }
}

/// All files of a folder, without SQLite's shared memory.
fn content(folder: &Folder) -> BTreeMap<String, Vec<u8>> {
    let names = fs::read_dir(folder.path("")).expect("a folder");
    let names = names.map(|entry| entry.expect("readable").file_name().into_string().expect("a plain name"));
    let names = names.filter(|name| !name.ends_with("-shm"));
    names.map(|name| (name.clone(), fs::read(folder.path(&name)).expect("it is there"))).collect()
}

/// The file of another program that was killed: its last write is only in the write-ahead log.
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

/// A file without any rights. Root may read it nevertheless, so that the program runs without that capability.
#[test]
fn unreadable_file_is_refused() {
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
    let line = printed(&output);
    assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{line}");
    assert!(line.contains(&file) && line.contains("may not read it"), "{line}");
}

#[test]
fn second_server_on_the_same_file_is_refused() {
    let folder = Folder::new("second");
    let file = folder.path("chat.db");
    let first = start_binary(&["--history", &file]);
    let output = run_to_end(command(&["--listen", "127.0.0.1:0", "--history", &file]), DEADLINE);
    assert_eq!(output.status.code(), Some(2));
    assert!(printed(&output).contains("another chinwag uses it"), "{}", printed(&output));
    drop(first);
    start_binary(&["--history", &file]);
}
