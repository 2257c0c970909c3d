//! Out of descriptors or threads: open connections keep chatting, new ones get 503, and a freed place is usable at once.
//! The process neither ends nor spins.

#![cfg(unix)]

mod support;

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use support::binary::{Chinwag, command, start};
use support::process::usage;
use support::{Client, DEADLINE, skip, wait_until};
use tungstenite::Error;

/// Enough for the server and 20 to 50 clients.
const LIMIT: &str = "64";

/// A user without other processes, so that only this server's threads count.
const UNUSED_USER: &str = "54321";

#[test]
fn server_out_of_descriptors_refuses_with_503_and_recovers() {
    let server = command(&["--listen", "127.0.0.1:0"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -n {LIMIT}; exec \"$0\" \"$@\"")]);
    limited.arg(server.get_program()).args(server.get_args());
    exhaust(&start(limited), "descriptors (ulimit -n 64)");
}

/// `ulimit -u` does not limit root, so the server runs as another user.
#[test]
fn server_out_of_threads_refuses_with_503_and_recovers() {
    let probe = Command::new("setpriv").args(["--reuid", UNUSED_USER, "--clear-groups", "true"]).status();
    if !probe.is_ok_and(|status| status.success()) {
        return skip("no setpriv, or not root");
    }
    let server = command(&["--listen", "127.0.0.1:0"]);
    // A copy that this user can read.
    let copy = std::env::temp_dir().join(format!("chinwag-{}", std::process::id()));
    std::fs::copy(server.get_program(), &copy).expect("a writable folder");
    let mut limited = Command::new("prlimit");
    limited.args([&format!("--nproc={LIMIT}"), "setpriv", "--reuid", UNUSED_USER, "--clear-groups"]);
    limited.arg(&copy).args(server.get_args()).current_dir("/");
    let chinwag = start(limited);
    std::fs::remove_file(copy).expect("it is there");
    exhaust(&chinwag, "threads (ulimit -u 64)");
}

fn exhaust(chinwag: &Chinwag, what: &str) {
    let addr = chinwag.addr();
    let (mut ann, mut bob) = (user(addr, "ann"), user(addr, "bob"));
    let mut others = fill(addr);
    assert!((20..64).contains(&others.len()), "{} clients connected", others.len());
    let (before, begin) = (usage(chinwag.pid()), Instant::now());
    let mut refused = 0;
    for attempt in 0..200 {
        refused += u32::from(status(addr).is_none_or(|status| status == 503));
        if attempt % 10 == 0 {
            talk(&mut ann, &mut bob, attempt);
        }
    }
    // Half a second in which a full server should use no CPU.
    let quiet = TcpStream::connect(addr).expect("the backlog has room");
    quiet.set_read_timeout(Some(Duration::from_millis(500))).expect("not zero");
    drop((&quiet).read(&mut [0; 512]));
    let (after, took) = (usage(chinwag.pid()), begin.elapsed());
    let busy = (after.cpu - before.cpu).as_secs_f64() / took.as_secs_f64() * 100.0;
    println!(
        "out of {what}: {} clients connected; of 200 attempts {refused} refused; CPU {busy:.1} % over {took:.1?}",
        others.len() + 2
    );
    assert_eq!(refused, 200);
    assert!(busy < 5.0, "CPU {busy:.1} %");
    chinwag.wait_for_log("with 503");

    for number in 0..5 {
        others.pop().expect("many clients").close(1000);
        others.push(connect_in_freed_place(addr, number));
        talk(&mut ann, &mut bob, number);
    }
}

/// Connects clients until one is refused.
fn fill(addr: SocketAddr) -> Vec<Client> {
    let mut clients = Vec::new();
    while let Ok(client) = Client::try_connect(addr, &["chinwag.v1"], &[]) {
        clients.push(client);
        assert!(clients.len() < 100, "there is no limit");
    }
    clients
}

fn user(addr: SocketAddr, name: &str) -> Client {
    let mut client = Client::connect(addr, &["chinwag.v1"]);
    client.sign_in(name);
    client
}

fn talk(ann: &mut Client, bob: &mut Client, number: usize) {
    let text = format!("number {number}");
    ann.say_json(&json!({"type": "message", "text": text}));
    bob.wait_until(&text, |object| object["text"] == text.as_str());
}

/// The status of a handshake. `None` if the connection was cut.
fn status(addr: SocketAddr) -> Option<u16> {
    match Client::try_connect(addr, &["chinwag.v1"], &[]) {
        Ok(_) => Some(101),
        Err(Error::Http(response)) => Some(response.status().as_u16()),
        Err(_) => None,
    }
}

/// Retries, because the thread of the closed connection may still be ending.
fn connect_in_freed_place(addr: SocketAddr, number: usize) -> Client {
    let mut client = None;
    let begin = Instant::now();
    wait_until(DEADLINE, "a new client gets the freed place", || {
        client = Client::try_connect(addr, &["chinwag.v1"], &[]).ok();
        client.is_some()
    });
    assert!(begin.elapsed() < DEADLINE, "client {number} waited {:?}", begin.elapsed());
    client.expect("set by the wait")
}
