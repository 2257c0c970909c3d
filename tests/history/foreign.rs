//! Files that are not ours, not readable, or in use: they are refused, and left as they are.

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

/// Each of these is a mistake: one line says so, and all is left exactly as it is.
#[test]
fn a_file_that_is_not_ours_is_not_touched_and_a_line_says_what_to_do() {
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
    assert!(said.contains(&file) && said.contains("may not read it"), "{said}");
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
