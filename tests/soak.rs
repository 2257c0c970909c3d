//! Some stay and chat, others come, misbehave and leave at random, for minutes. Nobody who stayed misses a message, and
//! what the server used, it gives back.
//!
//! Ten minutes:  cargo test --test soak -- --ignored --nocapture   (CHINWAG_SOAK_SECONDS: another time)

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

const STAYERS: usize = 10;
const VISITORS: usize = 4;

/// More of the machine's memory than before, for what an allocator keeps: this, however long it runs.
const SLACK_KIB: u64 = 8 * 1024;

#[test]
fn a_few_seconds() {
    soak(Duration::from_secs(5));
}

#[test]
#[ignore = "takes ten minutes"]
fn ten_minutes() {
    let seconds = std::env::var("CHINWAG_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(600);
    soak(Duration::from_secs(seconds));
}

fn soak(time: Duration) {
    let chinwag = start_binary(&["-q"]);
    let addr = chinwag.addr();
    let before = at_rest_after_a_first_wave(&chinwag);
    let shared = Arc::new(Shared::default());
    let mut stayers: Vec<Stayer> = (0..STAYERS).map(|number| Stayer::new(addr, number)).collect();
    let visitors: Vec<JoinHandle<()>> = (0..VISITORS).map(|seed| visit(addr, seed as u64 + 1, &shared)).collect();

    let begin = Instant::now();
    let mut rounds = 0;
    while begin.elapsed() < time {
        round(&mut stayers, rounds);
        rounds += 1;
        thread::park_timeout(Duration::from_millis(15));
    }
    shared.over.store(true, Ordering::Relaxed);
    visitors.into_iter().for_each(|visitor| visitor.join().expect("a visitor's visits end as they should"));
    round(&mut stayers, rounds);

    let busiest = usage(chinwag.pid());
    let said = shared.said.lock().expect("no visitor panicked").clone();
    let lost: usize = stayers.iter().map(|stayer| said.difference(&stayer.heard).count()).sum();
    let received: usize = stayers.iter().map(|stayer| stayer.received).sum();
    stayers.iter_mut().for_each(|stayer| assert_eq!(stayer.client.close(1000).0, 1000));
    drop(stayers);
    let after = at_rest(&chinwag, before);
    println!(
        "soak of {:.0} s: {} visits, {} messages of stayers and {} of visitors sent, {received} received, lost {lost}; \
         before {before:?}; with the stayers {busiest:?}; after {after:?}",
        begin.elapsed().as_secs_f64(),
        shared.visits.load(Ordering::Relaxed),
        rounds + 1,
        said.len(),
    );
    assert_eq!(lost, 0);
    assert!(said.len() > time.as_secs() as usize, "hardly anybody said anything");
    assert!(after.rss_kib < before.rss_kib + SLACK_KIB, "memory: {before:?} became {after:?}");
}

/// What the server uses without clients, after everything was used once.
fn at_rest_after_a_first_wave(chinwag: &Chinwag) -> Usage {
    let empty = usage(chinwag.pid());
    drop((0..STAYERS + VISITORS).map(|number| Stayer::new(chinwag.addr(), number)).collect::<Vec<_>>());
    at_rest(chinwag, empty)
}

fn at_rest(chinwag: &Chinwag, before: Usage) -> Usage {
    wait_until(4 * DEADLINE, "threads and descriptors are back where they began", || {
        let now = usage(chinwag.pid());
        (now.threads, now.descriptors) == (before.threads, before.descriptors)
    });
    usage(chinwag.pid())
}

/// A client that stays and must receive everything.
struct Stayer {
    client: Client,
    heard: HashSet<u64>,
    received: usize,
}

impl Stayer {
    fn new(addr: SocketAddr, number: usize) -> Stayer {
        let mut client = Client::connect(addr, &["chinwag.v1"]);
        client.sign_in(&format!("stayer {number}"));
        Stayer { client, heard: HashSet::new(), received: 0 }
    }

    /// Reads up to that text, and remembers what visitors said.
    fn read_to(&mut self, text: &str) {
        loop {
            let object: Value = self.client.wait_for("message");
            self.received += 1;
            let said = object["text"].as_str().expect("a text");
            if said == text {
                return;
            }
            let number = said.strip_prefix("visit ").expect("a visitor's, as no stayer's is missed or heard twice");
            assert!(self.heard.insert(number.parse().expect("a number")), "heard twice: {said}");
        }
    }
}

/// One says something that all hear, in the same order as everything else.
fn round(stayers: &mut [Stayer], number: usize) {
    let text = format!("round {number}");
    stayers[number % STAYERS].client.say_json(&json!({"type": "message", "text": text}));
    stayers.iter_mut().for_each(|stayer| stayer.read_to(&text));
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    visits: AtomicU64,
    next: AtomicU64,
    /// Messages that their senders received themselves: so all clients must have received them.
    said: Mutex<HashSet<u64>>,
}

/// A thread that comes and goes.
fn visit(addr: SocketAddr, seed: u64, shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut deaf = Vec::new();
        while !shared.over.load(Ordering::Relaxed) {
            match dice.roll(14) {
                0..=3 => chat(addr, &shared, dice.roll(8), dice.roll(2) == 0),
                4 => deaf.push(open(addr, &frame(TEXT, br#"{"type":"username","name":"deaf"}"#))),
                other => misbehave(addr, other),
            }
            if deaf.len() > 3 {
                deaf.clear();
            }
            shared.visits.fetch_add(1, Ordering::Relaxed);
            thread::park_timeout(Duration::from_millis(20 + dice.roll(60)));
        }
    })
}

/// Says a few things, hears them, and leaves, with or without a word.
fn chat(addr: SocketAddr, shared: &Shared, messages: u64, politely: bool) {
    let mut client = Client::connect(addr, &["chinwag.v1"]);
    client.sign_in("visitor");
    for _ in 0..messages {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let text = format!("visit {number}");
        client.say_json(&json!({"type": "message", "text": text}));
        client.wait_until(&text, |object| object["text"] == text.as_str());
        shared.said.lock().expect("no visitor panicked").insert(number);
    }
    if politely {
        client.close(1000);
    }
}

fn open(addr: SocketAddr, bytes: &[u8]) -> RawClient {
    let mut client = RawClient::connect(addr);
    client.send(&[&handshake(addr, "")[..], bytes].concat());
    client
}

/// Each of these ends as it should, or the visitor's thread panics.
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
            // The server closes, and a client that replies is released at once.
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

/// Random enough, and the same each time (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}
