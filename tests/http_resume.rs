//! A reader of a stream that is killed and returns, while scripts post and the server is killed.
#![cfg(feature = "history")]

mod support;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use support::binary::{Chinwag, start_binary};
use support::stream::{Stream, try_post};
use support::temp::{Folder, SmallDisk};

const POSTERS: usize = 8;

/// How often the reader is killed. Each fourth time the server is killed instead.
const KILLS: usize = 20;

/// Messages between two kills.
const MESSAGES: usize = 60;

/// A loaded machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn killed_reader_misses_nothing_and_receives_nothing_twice() {
    let folder = Folder::new("http-resume");
    let file = folder.path("chat.db");
    let mut server = serve(&file);
    let (addr, stop) = (Arc::new(Mutex::new(server.addr())), Arc::new(AtomicBool::new(false)));
    let posters: Vec<_> = (0..POSTERS)
        .map(|poster| {
            let (addr, stop) = (addr.clone(), stop.clone());
            thread::spawn(move || post_until(poster, &addr, &stop))
        })
        .collect();

    let mut received: Vec<String> = Vec::new();
    for nth in 0..KILLS {
        let end = received.len() + MESSAGES;
        read(server.addr(), &mut received, |count| count >= end);
        if nth % 4 == 3 {
            server.signal("KILL");
            server.wait_for_exit(support::DEADLINE);
            server = serve(&file);
            *addr.lock().expect("no panic") = server.addr();
        }
    }
    stop.store(true, SeqCst);
    let sent: Vec<usize> = posters.into_iter().map(|poster| poster.join().expect("no panic")).collect();
    let total = sent.iter().sum();
    read(server.addr(), &mut received, |count| count >= total);

    assert_eq!(received.len(), total);
    for (poster, count) in sent.iter().enumerate() {
        let own: Vec<&str> = received.iter().filter_map(|text| text.strip_prefix(&format!("{poster} "))).collect();
        let expected: Vec<String> = (0..*count).map(|nth| nth.to_string()).collect();
        assert_eq!(own, expected, "each message of {poster} once, in order");
    }
    println!("{total} messages, the reader was killed {KILLS} times");
}

/// 201 promises that the message is in the file.
#[test]
fn message_that_cannot_be_stored_is_answered_with_202() {
    let Some(disk) = SmallDisk::mount("http-full") else { return support::skip("only root may mount a small disk") };
    let server = serve(&disk.path("chat.db"));
    let post = |nth: usize| {
        let object = format!(r#"{{"text":"{}","nonce":"{nth}"}}"#, "x".repeat(4000));
        try_post(server.addr(), "/room/x", &["Content-Type: application/json"], &object)
    };
    assert_eq!(post(0).expect("a response"), 201);
    disk.fill();
    // The write-ahead log has space for some of them.
    let first = (1..1000).find(|nth| post(*nth).expect("a response") == 202).expect("the disk is full");
    disk.make_room();
    server.wait_for_log("nothing was lost");
    assert_eq!(post(first).expect("a response"), 201, "it is stored now");
}

fn serve(file: &str) -> Chinwag {
    start_binary(&["--no-limits", "--history", file])
}

/// Reads from after the last message, until enough were received or the stream ends.
fn read(addr: SocketAddr, received: &mut Vec<String>, is_enough: impl Fn(usize) -> bool) {
    let last = format!("Last-Event-ID: {}", received.len());
    let mut stream = Stream::open(addr, "/room/x", &["Accept: text/event-stream", &last]);
    stream.socket().set_read_timeout(Some(PATIENCE)).expect("a deadline");
    while !is_enough(received.len()) {
        let event = stream.event();
        match event.name.as_str() {
            "id" => assert_eq!(event.id, Some(received.len() as u64)),
            "message" => {
                assert_eq!(event.id, Some(received.len() as u64 + 1), "no gap, and nothing twice");
                received.push(event.data["text"].as_str().expect("a text").to_owned());
            }
            name => panic!("{name}: {}", event.data),
        }
    }
}

/// Posts one message after the other, each until it is accepted. Returns their number.
fn post_until(poster: usize, addr: &Mutex<SocketAddr>, stop: &AtomicBool) -> usize {
    let mut nth = 0;
    while !stop.load(SeqCst) {
        let object = format!(r#"{{"text":"{poster} {nth}","nonce":"{poster}-{nth}"}}"#);
        let until = std::time::Instant::now() + PATIENCE;
        // While the server is down, connections are refused.
        loop {
            let addr = *addr.lock().expect("no panic");
            match try_post(addr, "/room/x?name=poster", &["Content-Type: application/json"], &object) {
                Ok(201) => break,
                Ok(status) => panic!("answered {status}"),
                Err(error) => assert!(std::time::Instant::now() < until, "{error}"),
            }
            thread::yield_now();
        }
        nth += 1;
    }
    nth
}
