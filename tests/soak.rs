//! Permanent clients chat while others connect, misbehave and leave at random, for minutes. The permanent ones miss no
//! message, and the server frees its resources.
//!
//! Ten minutes:  cargo test --test soak -- --ignored --nocapture   (CHINWAG_SOAK_SECONDS: another duration)

mod support;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::binary::Chinwag;
use support::frames::{CLOSE, PING, RawClient, TEXT, frame, handshake, header};
use support::process::{Usage, usage};
use support::{Client, DEADLINE, start_binary, wait_until};

const PERMANENT: usize = 10;
const VISITORS: usize = 4;

/// Memory that an allocator may keep, however long the test runs.
const SLACK_KIB: u64 = 8 * 1024;

#[test]
fn soak_for_five_seconds() {
    soak(Duration::from_secs(5));
}

#[test]
#[ignore = "takes ten minutes"]
fn soak_for_ten_minutes() {
    let seconds = std::env::var("CHINWAG_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    soak(Duration::from_secs(seconds));
}

fn soak(time: Duration) {
    let chinwag = start_binary(&["-q"]);
    let addr = chinwag.addr();
    let before = idle_usage_after_first_use(&chinwag);
    let shared = Arc::new(Shared::default());
    let mut permanent: Vec<PermanentClient> = (0..PERMANENT).map(|number| PermanentClient::new(addr, number)).collect();
    let visitors: Vec<JoinHandle<()>> = (0..VISITORS).map(|seed| visit(addr, seed as u64 + 1, &shared)).collect();

    let begin = Instant::now();
    let mut rounds = 0;
    while begin.elapsed() < time {
        round(&mut permanent, rounds);
        rounds += 1;
        thread::park_timeout(Duration::from_millis(15));
    }
    shared.over.store(true, Ordering::Relaxed);
    visitors.into_iter().for_each(|visitor| visitor.join().expect("a visitor ends as expected"));
    round(&mut permanent, rounds);

    let busiest = usage(chinwag.pid());
    let delivered = shared.delivered.lock().expect("no visitor panicked").clone();
    let lost: usize = permanent.iter().map(|client| delivered.difference(&client.visits).count()).sum();
    let received: usize = permanent.iter().map(|client| client.received).sum();
    permanent.iter_mut().for_each(|client| assert_eq!(client.socket.close(1000).0, 1000));
    drop(permanent);
    let after = idle_usage(&chinwag, before);
    println!(
        "soak of {:.0} s: {} visits, {} messages of permanent clients and {} of visitors sent, {received} received, lost {lost}; \
         before {before:?}; with permanent clients {busiest:?}; after {after:?}",
        begin.elapsed().as_secs_f64(),
        shared.visits.load(Ordering::Relaxed),
        rounds + 1,
        delivered.len(),
    );
    assert_eq!(lost, 0);
    assert!(delivered.len() > time.as_secs() as usize, "too few messages");
    assert!(after.rss_kib < before.rss_kib + SLACK_KIB, "memory: {before:?} became {after:?}");
}

/// The resources of the idle server after each part has been used once.
fn idle_usage_after_first_use(chinwag: &Chinwag) -> Usage {
    let empty = usage(chinwag.pid());
    drop((0..PERMANENT + VISITORS).map(|number| PermanentClient::new(chinwag.addr(), number)).collect::<Vec<_>>());
    idle_usage(chinwag, empty)
}

fn idle_usage(chinwag: &Chinwag, before: Usage) -> Usage {
    // At the start there may be one more: the thread that prints the address.
    wait_until(4 * DEADLINE, "no more threads and descriptors than before", || {
        let now = usage(chinwag.pid());
        now.threads <= before.threads && now.descriptors <= before.descriptors
    });
    usage(chinwag.pid())
}

/// A client that must receive everything.
struct PermanentClient {
    socket: Client,
    visits: HashSet<u64>,
    received: usize,
}

impl PermanentClient {
    fn new(addr: SocketAddr, number: usize) -> PermanentClient {
        let mut client = Client::connect(addr, &["chinwag.v1"]);
        client.sign_in(&format!("permanent {number}"));
        PermanentClient { socket: client, visits: HashSet::new(), received: 0 }
    }

    /// Reads up to `last`, and remembers the messages of visitors.
    fn read_to(&mut self, last: &str) {
        loop {
            let object: Value = self.socket.wait_for("message");
            self.received += 1;
            let text = object["text"].as_str().expect("a text");
            if text == last {
                return;
            }
            let number = text.strip_prefix("visit ").expect("a visitor's message");
            assert!(self.visits.insert(number.parse().expect("a number")), "received twice: {text}");
        }
    }
}

/// One client sends a message, and all receive it.
fn round(permanent: &mut [PermanentClient], number: usize) {
    let text = format!("round {number}");
    permanent[number % PERMANENT].socket.say_json(&json!({"type": "message", "text": text}));
    permanent.iter_mut().for_each(|client| client.read_to(&text));
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    visits: AtomicU64,
    next: AtomicU64,
    /// Messages of visitors that were delivered to their senders, so all clients must have them.
    delivered: Mutex<HashSet<u64>>,
}

/// A thread that connects and leaves again and again.
fn visit(addr: SocketAddr, seed: u64, shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut slow = Vec::new();
        while !shared.over.load(Ordering::Relaxed) {
            match dice.roll(14) {
                0..=3 => chat(addr, &shared, dice.roll(8), dice.roll(2) == 0),
                4 => slow.push(open(addr, &frame(TEXT, br#"{"type":"username","name":"slow"}"#))),
                other => misbehave(addr, other),
            }
            if slow.len() > 3 {
                slow.clear();
            }
            shared.visits.fetch_add(1, Ordering::Relaxed);
            thread::park_timeout(Duration::from_millis(20 + dice.roll(60)));
        }
    })
}

/// Sends a few messages, receives them, and leaves with or without a Close frame.
fn chat(addr: SocketAddr, shared: &Shared, messages: u64, clean: bool) {
    let mut client = Client::connect(addr, &["chinwag.v1"]);
    client.sign_in("visitor");
    for _ in 0..messages {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("visit {number}");
        client.say_json(&json!({"type": "message", "text": text}));
        client.wait_until(&text, |object| object["text"] == text.as_str());
        shared.delivered.lock().expect("no visitor panicked").insert(number);
    }
    if clean {
        client.close(1000);
    }
}

fn open(addr: SocketAddr, bytes: &[u8]) -> RawClient {
    let mut client = RawClient::connect(addr);
    client.send(&[&handshake(addr, "")[..], bytes].concat());
    client
}

/// Each case must end as expected, or the visitor's thread panics.
fn misbehave(addr: SocketAddr, how: u64) {
    let sent = |bytes: &[u8]| {
        let mut client = open(addr, b"");
        assert!(client.read_head().starts_with("HTTP/1.1 101"));
        let _ = client.try_send(bytes);
        client
    };
    match how {
        5 => drop(RawClient::connect(addr)),
        6 => drop(open(addr, &header(TEXT, 1000))),
        7 => assert_eq!(sent(&[frame(TEXT, b"\xff"), vec![b'x'; 100_000]].concat()).expect_close_and_fin(), 1007),
        8 => assert_eq!(sent(b"\x83\x80\0\0\0\0").expect_close_and_fin(), 1002),
        9 => assert_eq!(sent(&header(TEXT, 1_000_000)).expect_close_and_fin(), 1009),
        10 => {
            // The server closes, and ends the connection at the client's Close frame.
            let mut client = sent(&frame(TEXT, b"no JSON").repeat(400));
            while client.expect_frame().opcode != CLOSE {}
            client.send(&frame(CLOSE, &1008_u16.to_be_bytes()));
            client.read_to_fin();
        }
        11 => assert_eq!(sent(&frame(PING, b"?").repeat(1000)).expect_close_and_fin(), 1008),
        12 => assert_eq!(sent(&frame(CLOSE, &4000_u16.to_be_bytes())).expect_close_and_fin(), 4000),
        _ => {
            assert_eq!(support::raw::get(addr, "/").status, 200);
            assert!(support::raw(addr, b"\x16\x03\x01\x00\xa5\x01").starts_with(b"HTTP/1.1 400"));
            let mut half = RawClient::connect(addr);
            half.send(b"GET / HT");
        }
    }
}

/// A repeatable random generator (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}
