//! Clients that do not read: their send buffers are limited, they are dropped with 1013, and no other client is affected.

mod support;

use std::time::{Duration, Instant};

use chinwag::{Config, DisconnectReason, Peer};
use serde_json::json;
use support::frames::{RawClient, TEXT, frame};
use support::process::{thread_names, usage};
use support::serving::{addr, connected, disconnected, serve};
use support::{Client, DEADLINE, start_binary, wait_until};

/// Sends until the server takes no more for this peer.
#[track_caller]
fn fill(peer: &Peer) {
    let begin = Instant::now();
    while peer.send("x".repeat(10_000)) {
        assert!(begin.elapsed() < DEADLINE, "its outbox has no bound");
    }
}

#[test]
fn slow_reader_is_dropped_with_1013_and_others_lose_nothing() {
    let server = serve(config());
    let mut deaf = RawClient::open(addr(&server));
    let deaf_peer = connected(&server);
    let mut client = Client::connect(addr(&server), &[]);
    let peer = connected(&server);
    fill(&deaf_peer);
    for number in 0..100 {
        assert!(peer.send(number.to_string()));
        assert_eq!(client.next_text(), number.to_string());
    }
    assert_eq!(disconnected(&server), (deaf_peer, DisconnectReason::SlowReader));
    // What the operating system had taken already is still there to read.
    assert_eq!(deaf.expect_frame().payload.len(), 10_000);
}

/// The Close frame stands behind what waits: a client that wakes up in time reads it all, and why.
#[test]
fn late_reader_receives_close_1013() {
    let mut config = Config::default();
    // It does not end its side: its time must be up well before ours is.
    config.close_timeout = Duration::from_secs(2);
    let server = serve(config);
    let mut late = RawClient::open(addr(&server));
    let peer = connected(&server);
    fill(&peer);
    assert_eq!(late.expect_close_and_fin(), 1013);
    assert_eq!(disconnected(&server), (peer, DisconnectReason::SlowReader));
}

/// Only what waits from earlier messages is bounded, so that the size of one does not depend on the system's buffers.
#[test]
fn one_message_may_be_larger_than_the_send_buffer() {
    let server = serve(Config::default());
    let mut client = Client::connect(addr(&server), &[]);
    let peer = connected(&server);
    for _ in 0..3 {
        assert!(peer.send("x".repeat(12_000_000)) && peer.buffered_amount() > 0);
        assert_eq!(client.next_text().len(), 12_000_000);
        assert!(peer.wait_for_room(0, DEADLINE));
    }
}

/// A program that waits before each part must not wait for a client that it is closing.
#[test]
fn wait_for_room_ends_when_the_connection_is_closing() {
    let server = serve(Config::default().close_timeout(Duration::MAX).max_send_buffer(64 * 1024 * 1024));
    let _slow_client = RawClient::open(addr(&server));
    let peer = connected(&server);
    while peer.buffered_amount() < 1_000_000 {
        assert!(peer.send(vec![0; 100_000]));
    }
    let waiting = peer.clone();
    let waiter = std::thread::spawn(move || waiting.wait_for_room(0, Duration::MAX));
    peer.close(4000, "enough").expect("a code that may be sent");
    assert!(!peer.wait_for_room(0, Duration::MAX));
    peer.cut();
    wait_until(DEADLINE, "the other wait has ended", || waiter.is_finished());
    assert!(!waiter.join().expect("no panic"));
}

/// A large message is not cut into pieces by a full socket: it waits, and goes out whole.
#[test]
fn burst_within_the_limit_arrives_when_it_is_read() {
    let mut config = Config::default();
    config.max_send_buffer = 32 * 1024 * 1024;
    let server = serve(config);
    let mut client = RawClient::open(addr(&server));
    let peer = connected(&server);
    for number in 0..2000_u32 {
        assert!(peer.send(vec![number as u8; 10_000]));
    }
    for number in 0..2000_u32 {
        assert_eq!(client.expect_frame().payload, vec![number as u8; 10_000], "message {number}");
    }
}

/// One thread flushes all stalled sockets.
#[cfg(unix)]
#[test]
fn stalled_clients_share_one_thread() {
    let mut config = config();
    config.close_timeout = DEADLINE;
    let server = serve(config);
    let clients: Vec<RawClient> = (0..50).map(|_| RawClient::open(addr(&server))).collect();
    let peers: Vec<Peer> = (0..50).map(|_| connected(&server)).collect();
    peers.iter().for_each(fill);
    let names = thread_names(std::process::id());
    // It is the thread of the process, also for the servers of the other tests.
    assert_eq!(names.iter().filter(|name| *name == "write-reactor").count(), 1, "{names:?}");
    drop(clients);
    let ends: Vec<DisconnectReason> = (0..50).map(|_| disconnected(&server).1).collect();
    assert!(ends.iter().all(|end| *end == DisconnectReason::SlowReader), "{ends:?}");
}

fn config() -> Config {
    let mut config = Config::default();
    config.close_timeout = Duration::from_millis(300);
    config
}

/// The whole chat: 20 clients never read, and one chats. The slow readers use their send buffers, and the log counts them.
#[test]
fn chat_drops_and_counts_slow_readers_in_bounded_memory() {
    let chinwag = start_binary(&["--limit", "rate=0", "--limit", "stall-seconds=1"]);
    let mut ann = Client::connect(chinwag.addr(), &["chinwag.v1"]);
    ann.sign_in("ann");
    let deaf: Vec<RawClient> = (0..20).map(|_| RawClient::open(chinwag.addr())).collect();
    let before = usage(chinwag.pid());
    let mut most = before;
    for number in 0..1500 {
        ann.say_json(&json!({"type": "message", "text": format!("{number} {}", "x".repeat(7000))}));
        let heard = ann.wait_for("message");
        let text = heard["text"].as_str().expect("a text");
        assert!(text.starts_with(&format!("{number} ")), "{text:.20}");
        if number % 100 == 0 {
            most.rss_kib = most.rss_kib.max(usage(chinwag.pid()).rss_kib);
        }
    }
    let line = chinwag.wait_for_log("too slow, 1013");
    assert!(line.contains("dropped connection"), "{line}");
    // 20 outboxes of 256 KiB, doubled as vectors grow; the rest is the allocator's.
    let grown = most.rss_kib.saturating_sub(before.rss_kib);
    assert!(grown < 20 * 2 * 256 + 4096, "{grown} KiB more, from {before:?}");
    drop(deaf);
}

/// One client sends as much as the chat allows at once, in texts that grow most when they are encoded.
#[test]
fn burst_of_large_messages_drops_no_reader() {
    let chinwag = start_binary(&["--limit", "outbox=100000"]);
    let mut ann = Client::connect(chinwag.addr(), &["json"]);
    ann.sign_in("ann");
    let reader = std::thread::spawn(move || {
        ann.wait_until("the last message", |object| object["text"] == "last");
    });
    let mut eve = Client::connect(chinwag.addr(), &["chinwag.v1"]);
    eve.sign_in("eve");
    for text in [json!("\u{1}".repeat(8000)), json!("&".repeat(8000))] {
        let object = json!({"type": "message", "text": text}).to_string();
        (0..50).for_each(|_| eve.say(&object));
    }
    let mut bob = Client::connect(chinwag.addr(), &["chinwag.v1"]);
    bob.sign_in("bob");
    bob.say_json(&json!({"type": "message", "text": "last"}));
    reader.join().expect("ann was still there");
}

/// A client that reads slowly loses nothing, although its socket is full now and then.
#[test]
fn slow_reader_within_the_limit_loses_nothing() {
    let echo = support::serving::Echo::start(Config::default());
    let mut client = RawClient::open(echo.addr);
    // Less than the outbox: in a lockstep of 16 the other end is full for moments only.
    for round in 0..50 {
        for _ in 0..16 {
            client.send(&frame(TEXT, &[b'a' + round % 26; 15_000]));
        }
        for _ in 0..16 {
            assert_eq!(client.expect_frame().payload, vec![b'a' + round % 26; 15_000]);
        }
    }
}

#[test]
fn peer_may_be_used_from_any_thread_after_its_end() {
    let server = serve(config());
    let client = RawClient::open(addr(&server));
    let peer = connected(&server);
    drop(client);
    disconnected(&server);
    std::thread::spawn(move || assert!(!peer.send("nobody"))).join().expect("no panic");
}
