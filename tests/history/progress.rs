//! Long work with a history, seen on a terminal: how far it is, and that it can be stopped.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use super::support::binary::command;
use super::support::script::{lines, run, signal};
use super::support::temp::Folder;
use super::support::{DEADLINE, skip, wait_until};
use super::{filled, open};
use chinwag::chat::server::Archive;

/// Starts `chinwag` with a terminal as stderr, and pipes as stdin and stdout. Its stderr is in the pipe of stderr.
fn on_a_terminal(folder: &Folder, args: &[&str]) -> Child {
    let server = command(args);
    let inner = format!("echo $$ >{}; exec \"$PROGRAM\" {} <&3 >&4", folder.path("pid"), args.join(" "));
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 3<&0 4>&1 </dev/null >&2; exec script -qefc \"$0\" /dev/null", &inner]);
    for (name, _) in server.get_envs() {
        shell.env_remove(name);
    }
    shell.env("PROGRAM", server.get_program()).env("SHELL", "/bin/sh");
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell")
}

/// Does a piece of the work again and again, until the terminal shows how much of it is done.
#[track_caller]
fn work_until_shown(terminal: &Receiver<String>, unit: &str, mut piece: impl FnMut()) {
    loop {
        piece();
        // So the work takes longer than what is shown at once.
        if let Ok(line) = terminal.recv_timeout(Duration::from_millis(10)) {
            let (number, rest) = line.trim().split_once(' ').expect("a number and its unit");
            assert!(number.parse::<u64>().is_ok_and(|number| number > 0) && rest == unit, "{line}");
            return;
        }
    }
}

#[test]
fn export_and_import_show_how_far_they_are_and_can_be_stopped() {
    if Command::new("script").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skip("the program script is not installed");
    }
    let folder = Folder::new("progress");
    let (one, other) = (folder.path("one.db"), folder.path("other.db"));
    filled(&one, 3000);
    let exported = String::from_utf8(run(command(&["history", &one, "--export"]), DEADLINE).stdout).expect("UTF-8");

    let mut export = on_a_terminal(&folder, &["history", &one, "--export"]);
    let terminal = lines(export.stderr.take().expect("a pipe"));
    let output = BufReader::new(export.stdout.take().expect("a pipe"));
    let (sender, slow_reader) = sync_channel(0);
    thread::spawn(move || output.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
    work_until_shown(&terminal, "records", || {
        slow_reader.recv_timeout(DEADLINE).expect("more records");
    });
    drop(slow_reader);
    export.wait().expect("it ends when nobody reads");

    let mut import = on_a_terminal(&folder, &["history", &other, "--import"]);
    let terminal = lines(import.stderr.take().expect("a pipe"));
    let mut input = import.stdin.take().expect("a pipe");
    let mut records = exported.lines();
    work_until_shown(&terminal, "lines read", || {
        writeln!(input, "{}", records.next().expect("more records than this machine reads in two seconds"))
            .expect("it reads");
    });
    // Not INT, which a process ignores if a shell has started the tests in the background.
    signal("TERM", fs::read_to_string(folder.path("pid")).expect("a process id").trim());
    wait_until(DEADLINE, "the end of the import", || import.try_wait().expect("a child").is_some());
    assert_eq!(open(&other).load_room("", 9).expect("readable").last, 0, "nothing of it is in the file");
}
