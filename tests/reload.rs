//! SIGHUP reads files again, and never ends the process. Signals work while the server starts.

#![cfg(unix)]

mod support;

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::binary::{address, command};
use support::script::signal;
use support::temp::Folder;
use support::{Client, DEADLINE, start_binary, wait_until};

const OLD: &str = "the-first-token-0123456789";
const NEW: &str = "the-other-token-0123456789";

fn is_accepted(addr: SocketAddr, token: &str) -> bool {
    Client::try_connect(addr, &[], &[("Authorization", &format!("Bearer {token}"))]).is_ok()
}

#[test]
fn hangup_reads_the_token_file_again() {
    let folder = Folder::new("reload");
    let file = folder.path("token");
    fs::write(&file, OLD).expect("written");
    let chinwag = start_binary(&["--token-file", &file, "--limit", "wrong-token-seconds=0"]);
    let mut ann = Client::try_connect(chinwag.addr(), &["json"], &[("Authorization", &format!("Bearer {OLD}"))])
        .expect("the right token");

    fs::write(&file, NEW).expect("written");
    chinwag.signal("HUP");
    chinwag.wait_for_log("SIGHUP: read again: --token-file");
    assert_eq!((is_accepted(chinwag.addr(), OLD), is_accepted(chinwag.addr(), NEW)), (false, true));
    // A connection that is open stays open.
    ann.sign_in("ann");

    // A file that cannot be used changes nothing.
    for content in [Some(""), Some("two words"), None] {
        match content {
            Some(content) => fs::write(&file, content).expect("written"),
            None => fs::remove_file(&file).expect("removed"),
        }
        chinwag.signal("HUP");
        let line = chinwag.wait_for_log("the old access token stays in use");
        assert!(line.contains("ERROR") && line.contains("--token-file"), "{line}");
        assert!(is_accepted(chinwag.addr(), NEW));
    }
}

/// Nothing is said about files that were not given.
#[test]
fn hangup_without_files_changes_nothing() {
    let chinwag = start_binary(&[]);
    let mut ann = Client::connect(chinwag.addr(), &["json"]);
    for _ in 0..3 {
        chinwag.signal("HUP");
    }
    ann.sign_in("ann");
    chinwag.signal("TERM");
    let (_, log) = chinwag.wait_for_exit(DEADLINE);
    assert!(log.iter().all(|line| !line.contains("SIGHUP") && !line.contains("bans")), "{log:?}");
}

/// Each file is used if it can be. Only a SIGHUP without an error says what was read.
#[test]
fn tokens_are_read_one_by_one_and_may_be_swapped() {
    let folder = Folder::new("reload-swap");
    let (access, admin) = (folder.path("access"), folder.path("admin"));
    let write = |token: &str, operators: &str| {
        fs::write(&access, token).and_then(|()| fs::write(&admin, operators)).expect("written");
    };
    write(OLD, NEW);
    let limit = ["--limit", "wrong-token-seconds=0"];
    let chinwag = start_binary(&[&["--token-file", &access, "--admin-token-file", &admin][..], &limit].concat());
    let done = "SIGHUP: read again: --token-file, --admin-token-file";
    let third = "the-third-token-0123456789";
    for (token, operators) in [(NEW, OLD), (OLD, NEW), (NEW, third), (third, OLD)] {
        write(token, operators);
        chinwag.signal("HUP");
        let line = chinwag.wait_for_log("SIGHUP");
        assert!(line.contains(done) && line.contains("INFO"), "{line}");
        let is_accepted = |token| is_accepted(chinwag.addr(), token);
        assert_eq!([OLD, NEW, third].map(is_accepted), [OLD, NEW, third].map(|it| it == token || it == operators));
    }
    // Now the tokens are the third and the old one. A line names each file that cannot be used.
    for (token, operators, part, tokens) in [
        ("", NEW, "the old access token stays in use: --token-file", [third, NEW]),
        ("two words", OLD, "the old access token stays in use: --token-file", [third, OLD]),
        (NEW, "", "the old admin token stays in use: --admin-token-file", [NEW, OLD]),
        (third, third, "the old admin token stays in use: --admin-token-file", [third, OLD]),
    ] {
        write(token, operators);
        chinwag.signal("HUP");
        assert!(chinwag.wait_for_log("ERROR").contains(part), "{part}");
        wait_until(DEADLINE, "the new token", || tokens.into_iter().all(|it| is_accepted(chinwag.addr(), it)));
    }
    chinwag.signal("TERM");
    let (_, log) = chinwag.wait_for_exit(DEADLINE);
    assert!(log.iter().all(|line| !line.contains("SIGHUP")), "{log:?}");
}

#[test]
fn admin_token_that_cannot_be_used_is_named() {
    let folder = Folder::new("reload-admin");
    let (access, admin) = (folder.path("access"), folder.path("admin"));
    fs::write(&access, OLD).and_then(|()| fs::write(&admin, NEW)).expect("written");
    let limit = ["--limit", "wrong-token-seconds=0"];
    let chinwag = start_binary(&[&["--token-file", &access, "--admin-token-file", &admin][..], &limit].concat());
    for (content, part) in [("", "write the server's admin token"), ("two words", "without spaces"), (OLD, "the same")]
    {
        fs::write(&admin, content).expect("written");
        chinwag.signal("HUP");
        let line = chinwag.wait_for_log("the old admin token stays in use");
        assert!(line.contains(&format!("--admin-token-file {admin}")) && line.contains(part), "{line}");
        assert!(is_accepted(chinwag.addr(), OLD) && is_accepted(chinwag.addr(), NEW));
    }
}

/// The server waits for a token from a named pipe without a writer.
#[test]
fn signals_work_while_the_server_starts() {
    let folder = Folder::new("signals-at-start");
    let pipe = folder.path("token");
    assert!(Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
    let mut command = command(&["--listen", "127.0.0.1:0", "--token-file", &pipe]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("cargo has built the binary");
    let pid = child.id().to_string();
    wait_until(DEADLINE, "the server catches signals", || catches_hangup_and_term(&pid));
    signal("HUP", &pid);
    signal("TERM", &pid);
    let mut status = None;
    wait_until(Duration::from_secs(5), "the end of the process", || {
        status = child.try_wait().expect("a child that was not waited for");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(0));
}

/// While it starts, the server waits for the second token from a named pipe. The first one was read before. Both are read before
/// one is replaced.
#[test]
fn hangup_during_the_start_is_not_lost_and_a_slow_file_does_not_delay_the_end() {
    let folder = Folder::new("hangup-at-start");
    let (file, pipe) = (folder.path("token"), folder.path("pipe"));
    fs::write(&file, OLD).expect("written");
    assert!(Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
    let limit = ["--limit", "wrong-token-seconds=0"];
    let mut command = command(&["--listen", "127.0.0.1:0", "--token-file", &file, "--admin-token-file", &pipe]);
    let command = command.args(limit).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("cargo has built the binary");
    // This waits for the server to open it.
    let open = || OpenOptions::new().write(true).open(&pipe).expect("a pipe");
    let mut writer = open();
    fs::write(&file, NEW).expect("written");
    signal("HUP", &child.id().to_string());
    writer.write_all(b"an-operators-token-0123456789").expect("read");
    drop(writer);
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
    let addr = address(&line).expect("an address");
    open().write_all(b"an-operators-token-0123456789").expect("read again");
    wait_until(DEADLINE, "the new token", || is_accepted(addr, NEW));
    assert!(!is_accepted(addr, OLD));

    // The pipe is being read again, and nothing is written.
    signal("HUP", &child.id().to_string());
    let _writer = open();
    signal("TERM", &child.id().to_string());
    let mut status = None;
    wait_until(DEADLINE, "the end of the process", || {
        status = child.try_wait().expect("a child that was not waited for");
        status.is_some()
    });
    assert_eq!(status.and_then(|status| status.code()), Some(0));
}

fn catches_hangup_and_term(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap_or_default();
    let bits = u64::from_str_radix(caught.trim(), 16).unwrap_or_default();
    [1, 15].iter().all(|signal| bits & 1 << (signal - 1) != 0)
}
