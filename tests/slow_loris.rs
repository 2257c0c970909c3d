//! Clients that never finish their request get 408 at the deadline, and the chat goes on.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use support::{Client, DEADLINE, start_binary};

const SLOW_CLIENTS: usize = 200;
const USERS: usize = 50;

/// Five times as fast as with the default deadline, to save time.
#[test]
fn slow_requests_get_408_at_the_deadline_while_others_chat() {
    run(Duration::from_secs(2), Duration::from_millis(400), &["--limit", "handshake-seconds=2"]);
}

/// The same with the default deadline: `cargo test --release --test slow_loris -- --ignored --nocapture`.
#[test]
#[ignore = "takes 12 s"]
fn slow_requests_get_408_at_the_default_deadline() {
    run(Duration::from_secs(10), Duration::from_secs(2), &[]);
}

/// Silent clients take all places for handshakes. A new client gets in after a second, not only at the deadline of five
/// minutes.
#[test]
fn silent_clients_do_not_block_new_ones() {
    let chinwag = start_binary(&["--limit", "handshakes=8", "--limit", "handshake-seconds=300"]);
    let silent: Vec<_> = (0..8).map(|_| TcpStream::connect(chinwag.addr()).expect("a connection")).collect();
    let begin = Instant::now();
    while !opens(chinwag.addr()) {
        assert!(begin.elapsed() < DEADLINE, "no client gets in");
        thread::park_timeout(Duration::from_millis(50));
    }
    drop(silent);
}

/// Silent clients take all places, and renew each of them before it is a second old.
#[test]
fn renewed_silent_clients_do_not_block_new_ones() {
    let chinwag = start_binary(&["--limit", "handshakes=8"]);
    let (addr, renewal) = (chinwag.addr(), Duration::from_millis(800));
    let connect = || TcpStream::connect(addr).expect("a connection");
    let mut silent: Vec<_> = (0..8).map(|_| (connect(), Instant::now())).collect();
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < DEADLINE, "no client gets in");
        for (stream, since) in silent.iter_mut().filter(|(_, since)| since.elapsed() > renewal) {
            (*stream, *since) = (connect(), Instant::now());
        }
        // Not at once, when the places may not be taken yet.
        if begin.elapsed() > 2 * renewal && opens(addr) {
            break;
        }
        thread::park_timeout(Duration::from_millis(10));
    }
}

/// Whether a handshake succeeds.
fn opens(addr: SocketAddr) -> bool {
    status(addr, "").as_deref() == Some("101")
}

/// The status of a handshake with these fields.
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
    let slow = thread::spawn(move || drip(addr, deadline, pause));
    let mut took = chat_until(&mut users, || slow.is_finished());
    let refused = slow.join().expect("each one gets 408");
    took.sort();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100];
    println!(
        "{SLOW_CLIENTS} slow requests, refused after {:.1} to {:.1} s; {USERS} users meanwhile: {} messages delivered, \
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

/// The users send in turns, and all receive. Returns how long each delivery took.
fn chat_until(users: &mut [Client], is_over: impl Fn() -> bool) -> Vec<Duration> {
    let mut took = Vec::new();
    let begin = Instant::now();
    for round in 0.. {
        if is_over() {
            break;
        }
        assert!(begin.elapsed() < 4 * DEADLINE, "the slow clients are still connected");
        let sent = Instant::now();
        let text = format!("round {round}");
        users[round % USERS].say_json(&json!({"type": "message", "text": text}));
        for user in users.iter_mut() {
            user.wait_until(&text, |object| object["type"] == "message" && object["text"] == text.as_str());
            took.push(sent.elapsed());
        }
        // Each user stays below the limit of messages a second.
        thread::park_timeout(Duration::from_millis(10));
    }
    took
}

/// The clients send a byte after each pause. Returns how long each connection lasted.
fn drip(addr: SocketAddr, deadline: Duration, pause: Duration) -> Vec<Duration> {
    let begin = Instant::now();
    let connect = |_| {
        // Earlier than the server's own start of the deadline.
        let since = Instant::now();
        let stream = TcpStream::connect(addr).expect("the server accepts connections");
        stream.set_nonblocking(true).expect("a fresh socket");
        (stream, since, Vec::new())
    };
    let mut left: Vec<_> = (0..SLOW_CLIENTS).map(connect).collect();
    let mut refused = Vec::new();
    let mut request = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ".iter().chain(std::iter::repeat(&b'x'));
    while !left.is_empty() {
        assert!(begin.elapsed() < deadline + DEADLINE, "{} are still connected", left.len());
        let byte = [*request.next().expect("endless")];
        left.iter_mut().for_each(|(stream, ..)| drop(stream.write(&byte)));
        let next = Instant::now() + pause;
        while Instant::now() < next && !left.is_empty() {
            left.retain_mut(|(stream, since, received)| match read(stream, received) {
                true => true,
                false => {
                    assert!(received.starts_with(b"HTTP/1.1 408 "), "{:?}", String::from_utf8_lossy(received));
                    refused.push(since.elapsed());
                    false
                }
            });
            thread::park_timeout(Duration::from_millis(10));
        }
    }
    refused
}

/// False if the server has closed the connection.
fn read(stream: &mut TcpStream, received: &mut Vec<u8>) -> bool {
    match stream.read_to_end(received) {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::WouldBlock => true,
        Err(error) => panic!("no FIN: {error}, after {:?}", String::from_utf8_lossy(received)),
    }
}
