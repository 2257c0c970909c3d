//! A log that is not read stops nothing: not the chat, not refusals, not SIGTERM. Its lines are dropped and counted.

#![cfg(unix)]

mod support;

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;
use support::binary::{command, start_with_stderr};
use support::script::{lines, signal};
use support::{Client, DEADLINE, http, wait_until};

/// The time to shut down, with that of the last log lines.
const SHUTDOWN: Duration = Duration::from_secs(8);

/// A stream that takes no more bytes, and its other end.
fn full(is_nonblocking: bool) -> (UnixStream, Stdio) {
    let (reader, mut writer) = UnixStream::pair().expect("two sockets");
    writer.set_nonblocking(true).expect("a socket");
    while writer.write(&[b'\n'; 4096]).is_ok() {}
    writer.set_nonblocking(is_nonblocking).expect("a socket");
    (reader, OwnedFd::from(writer).into())
}

#[test]
fn full_stderr_stops_neither_the_chat_nor_refusals_nor_sigterm() {
    for is_nonblocking in [false, true] {
        let (_reader, stderr) = full(is_nonblocking);
        let chinwag = start_with_stderr(command(&["--listen", "127.0.0.1:0", "--limit", "rooms=2", "-vv"]), stderr);
        let mut ann = Client::enter(chinwag.addr(), "/");
        let mut bob = Client::enter(chinwag.addr(), "/");
        ann.sign_in("ann");
        bob.sign_in("bob");
        let inside = Client::enter(chinwag.addr(), "/room/x");
        assert_eq!(Client::enter(chinwag.addr(), "/room/y").wait_for_close().0, 1013);
        drop(inside);
        let foreign = http(chinwag.addr(), "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
        assert!(foreign.status >= 400, "{foreign:?}");
        ann.say_json(&json!({"type": "message", "text": "still here"}));
        assert_eq!(bob.wait_for("message")["text"], "still here");

        chinwag.signal("TERM");
        for client in [&mut ann, &mut bob] {
            assert_eq!(client.wait_for_close().0, 1001);
            client.wait_for_end();
        }
        let (status, _) = chinwag.wait_for_exit(SHUTDOWN);
        assert_eq!(status.code(), Some(0));
    }
}

#[test]
fn full_stdout_does_not_delay_the_server() {
    let addr = TcpListener::bind("127.0.0.43:0").expect("a free port").local_addr().expect("an address");
    let (_reader, stdout) = full(false);
    let mut command = command(&["--listen", &addr.to_string()]);
    let mut child = command.stdout(stdout).stderr(Stdio::null()).spawn().expect("cargo has built the binary");
    wait_until(DEADLINE, "the server listens", || TcpStream::connect(addr).is_ok());
    Client::enter(addr, "/").sign_in("ann");
    signal("TERM", &child.id().to_string());
    wait_until(SHUTDOWN, "the end of the process", || child.try_wait().is_ok_and(|status| status.is_some()));
    assert_eq!(child.wait().expect("it has ended").code(), Some(0));
}

#[test]
fn dropped_lines_are_counted_once_the_log_is_read() {
    let (reader, stderr) = full(false);
    let command = command(&["--listen", "127.0.0.1:0", "-v"]);
    let chinwag = start_with_stderr(command, stderr);
    flood(chinwag.addr());
    let (log, until) = (lines(reader), Instant::now() + DEADLINE);
    let dropped = loop {
        let line = log.recv_timeout(until.saturating_duration_since(Instant::now())).expect("a line with a number");
        if let Some((_, count)) = line.split_once("lines dropped: ") {
            break count.parse::<usize>().expect("a number");
        }
    };
    assert!(dropped > 0);
    // Later lines are written as usual.
    drop(Client::try_connect(chinwag.addr(), &["x-unheard-of"], &[]));
    let until = Instant::now() + DEADLINE;
    let next = || log.recv_timeout(until.saturating_duration_since(Instant::now())).expect("a line with the name");
    while !next().contains("x-unheard-of") {}
}

/// Makes the server log 700 KB: `-v` logs unknown subprotocols.
fn flood(addr: SocketAddr) {
    let unknown = "x".repeat(7000);
    for _ in 0..100 {
        drop(Client::try_connect(addr, &[&unknown], &[]));
    }
}
