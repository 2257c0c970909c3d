//! Many clients that never finish their request: each is gone at the deadline, with 408, and the chat goes on.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use chinwag::{Access, Config, Server};
use serde_json::json;
use support::{Client, DEADLINE, start_binary};

const LORISES: usize = 200;
const USERS: usize = 50;

/// The default deadline is 10 s and a byte comes every 2 s in issue 3; here all of it is five times as fast.
#[test]
fn slow_handshakes_are_cut_at_the_deadline_while_others_chat() {
    run(Duration::from_secs(2), Duration::from_millis(400), &["--limit", "handshake-seconds=2"]);
}

/// The same with the default deadline: `cargo test --release --test slow_loris -- --ignored --nocapture`.
#[test]
#[ignore = "takes 12 s"]
fn the_same_at_the_default_deadline() {
    run(Duration::from_secs(10), Duration::from_secs(2), &[]);
}

/// Silent sockets take every place for a handshake. A new client is served as soon as the slowest one has had a second, and not
/// only at the deadline, which is five minutes here.
#[test]
fn silent_sockets_keep_no_client_out() {
    let chinwag = start_binary(&["--limit", "handshakes=8", "--limit", "handshake-seconds=300"]);
    let silent: Vec<_> = (0..8).map(|_| TcpStream::connect(chinwag.addr()).expect("a connection")).collect();
    let begin = Instant::now();
    while !opens(chinwag.addr()) {
        assert!(begin.elapsed() < DEADLINE, "nobody gets in");
        thread::park_timeout(Duration::from_millis(50));
    }
    drop(silent);
}

/// A connection whose response is delayed does not count as a handshake: the silent ones are cut.
#[test]
fn silent_sockets_keep_no_client_out_while_responses_are_delayed() {
    let mut config = Config::default();
    (config.max_handshakes, config.wrong_token_delay) = (4, DEADLINE * 2);
    let builder = Server::builder().config(config).access(Access::default().token("s3cret").expect("a token"));
    let server = builder.listen("127.0.0.1:0").expect("a free port").start().expect("threads enough");
    let addr = server.local_addrs()[0];
    let guess = || {
        let mut stream = TcpStream::connect(addr).expect("a connection");
        stream.write_all(&request("Authorization: Bearer wrong\r\n")).expect("sent");
        stream
    };
    let waiting: Vec<_> = (0..4).map(|_| guess()).collect();
    thread::sleep(Duration::from_millis(500));
    let silent: Vec<_> = (0..4).map(|_| TcpStream::connect(addr).expect("a connection")).collect();
    let begin = Instant::now();
    while status(addr, "Authorization: Bearer s3cret\r\n").as_deref() != Some("101") {
        assert!(begin.elapsed() < DEADLINE, "nobody gets in");
        thread::sleep(Duration::from_millis(50));
    }
    drop((waiting, silent));
}

/// Does a handshake succeed?
fn opens(addr: SocketAddr) -> bool {
    status(addr, "").as_deref() == Some("101")
}

/// What a handshake with these fields is answered.
fn status(addr: SocketAddr, fields: &str) -> Option<String> {
    let mut stream = TcpStream::connect(addr).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    let mut line = [0; 12];
    stream.write_all(&request(fields)).and_then(|()| stream.read_exact(&mut line)).ok()?;
    Some(String::from_utf8_lossy(&line[9..]).into_owned())
}

fn request(fields: &str) -> Vec<u8> {
    let start = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    format!("{start}{fields}\r\n").into_bytes()
}

fn run(deadline: Duration, pause: Duration, flags: &[&str]) {
    let chinwag = start_binary(flags);
    let mut users = users(chinwag.addr());
    let addr = chinwag.addr();
    let lorises = thread::spawn(move || drip(addr, deadline, pause));
    let mut took = chat_until(&mut users, || lorises.is_finished());
    let refused = lorises.join().expect("every one of them gets its 408");
    took.sort();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    println!(
        "{LORISES} slow requests, refused after {:.1} to {:.1} s; {USERS} users meanwhile: {} messages delivered, \
         p50 {:.2?}, p99 {:.2?}, worst {:.2?}",
        refused.iter().min().expect("200").as_secs_f64(),
        refused.iter().max().expect("200").as_secs_f64(),
        took.len(),
        at(50),
        at(99),
        at(100)
    );
    assert!(refused.iter().all(|time| *time >= deadline && *time < deadline + DEADLINE), "{refused:?}");
}

fn users(addr: SocketAddr) -> Vec<Client> {
    let sign_in = |number| {
        let mut client = Client::connect(addr, &["chinwag.v1"]);
        client.sign_in(&format!("user{number}"));
        client
    };
    (0..USERS).map(sign_in).collect()
}

/// Each in turn says something that all must hear: how long each delivery took.
fn chat_until(users: &mut [Client], over: impl Fn() -> bool) -> Vec<Duration> {
    let mut took = Vec::new();
    let begin = Instant::now();
    for round in 0.. {
        if over() {
            break;
        }
        assert!(begin.elapsed() < 4 * DEADLINE, "the slow ones are still there");
        let said = Instant::now();
        let text = format!("round {round}");
        users[round % USERS].say_json(&json!({"type": "message", "text": text}));
        for user in users.iter_mut() {
            user.wait_until(&text, |object| object["type"] == "message" && object["text"] == text.as_str());
            took.push(said.elapsed());
        }
        // Its pace: every user stays below the bound on messages a second.
        thread::park_timeout(Duration::from_millis(10));
    }
    took
}

/// All of them send a byte every now and then; how long each one lived.
fn drip(addr: SocketAddr, deadline: Duration, pause: Duration) -> Vec<Duration> {
    let begin = Instant::now();
    let connect = |_| {
        // Before the server can have begun to count.
        let since = Instant::now();
        let stream = TcpStream::connect(addr).expect("the server accepts connections");
        stream.set_nonblocking(true).expect("a fresh socket");
        (stream, since, Vec::new())
    };
    let mut left: Vec<_> = (0..LORISES).map(connect).collect();
    let mut refused = Vec::new();
    let mut request = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ".iter().chain(std::iter::repeat(&b'x'));
    while !left.is_empty() {
        assert!(begin.elapsed() < deadline + DEADLINE, "{} are still there", left.len());
        let byte = [*request.next().expect("endless")];
        left.iter_mut().for_each(|(stream, ..)| drop(stream.write(&byte)));
        let next = Instant::now() + pause;
        while Instant::now() < next && !left.is_empty() {
            left.retain_mut(|(stream, since, heard)| match read(stream, heard) {
                true => true,
                false => {
                    assert!(heard.starts_with(b"HTTP/1.1 408 "), "{:?}", String::from_utf8_lossy(heard));
                    refused.push(since.elapsed());
                    false
                }
            });
            thread::park_timeout(Duration::from_millis(10));
        }
    }
    refused
}

/// False: the server has ended the connection.
fn read(stream: &mut TcpStream, heard: &mut Vec<u8>) -> bool {
    match stream.read_to_end(heard) {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::WouldBlock => true,
        Err(error) => panic!("no clean end: {error}, after {:?}", String::from_utf8_lossy(heard)),
    }
}
