//! Connections that are busy at the same time are served by the poller. Order, ends, deadlines and limits stay the same.
//!
//! The poller's log tells which connections it serves, so that each test knows that it tested the poller. A connection that is
//! silent for a moment is handed back, and a loaded machine makes such moments, so tests are repeated until they met the poller.

// Under Wine, connections are seldom fast enough to be busy at the same time.
#![cfg(unix)]

mod support;

use std::ops::Range;
use std::time::{Duration, Instant};

use chinwag::{Config, DisconnectReason, Event, Message, Server};
use support::DEADLINE;
use support::frames::{CLOSE, PING, RawClient, TEXT, frame, server_frame};
use support::poller_log::{are_polled, panic_for, record, was_handed_back};

use support::serving::{Echo, addr, connected};

/// Messages that a client sends at once: enough to make it busy.
const BURST: u32 = 20;

fn texts(numbers: Range<u32>) -> Vec<u8> {
    numbers.flat_map(|number| frame(TEXT, number.to_string().as_bytes())).collect()
}

#[track_caller]
fn expect(client: &mut RawClient, numbers: Range<u32>) {
    for number in numbers {
        let frame = client.expect_frame();
        assert_eq!((frame.opcode, String::from_utf8_lossy(&frame.payload).as_ref()), (TEXT, &*number.to_string()));
    }
}

/// Each client sends messages and receives their echoes.
#[track_caller]
fn talk(clients: &mut [RawClient], numbers: Range<u32>) {
    clients.iter_mut().for_each(|client| client.send(&texts(numbers.clone())));
    clients.iter_mut().for_each(|client| expect(client, numbers.clone()));
}

/// Sends until the poller serves all of them.
#[track_caller]
fn become_busy(clients: &mut [RawClient], ids: &[u64]) {
    let begin = Instant::now();
    while !are_polled(ids) {
        talk(clients, 0..BURST);
        assert!(begin.elapsed() < DEADLINE, "the poller does not serve {ids:?}");
    }
}

/// An echo server and its clients, and their ids.
fn start(config: Config, count: usize) -> (Echo, Vec<RawClient>, Vec<u64>) {
    record();
    let echo = Echo::start(config);
    let clients = (0..count).map(|_| RawClient::open(echo.addr)).collect();
    let ids = echo.ids(count);
    (echo, clients, ids)
}

#[test]
fn busy_connections_are_polled_in_order() {
    let (_echo, mut clients, ids) = start(Config::default(), 8);
    become_busy(&mut clients, &ids);
    for round in 0..200 {
        talk(&mut clients, round..round + 7);
    }
}

#[test]
fn two_busy_connections_are_not_polled() {
    let (_echo, mut clients, ids) = start(Config::default(), 2);
    for round in 0..100 {
        talk(&mut clients, round..round + BURST);
    }
    assert!(ids.iter().all(|id| !are_polled(&[*id]) && !was_handed_back(*id, "idle")));
}

/// The two that are left of a crowd get their own threads back, even though they stay busy.
#[test]
fn the_last_two_of_a_crowd_are_handed_back() {
    let (_echo, mut clients, ids) = start(Config::default(), 4);
    become_busy(&mut clients, &ids);
    clients.truncate(2);
    let begin = Instant::now();
    while are_polled(&ids[..1]) || are_polled(&ids[1..2]) {
        talk(&mut clients, 0..BURST);
        assert!(begin.elapsed() < DEADLINE, "the poller still serves them");
    }
    talk(&mut clients, 0..BURST);
}

/// Messages of the largest size, between small ones.
#[test]
fn large_messages_pass_the_poller() {
    let (_echo, mut clients, ids) = start(Config::default(), 4);
    let largest = vec![b'x'; Config::default().max_message_size];
    for _ in 0..20 {
        become_busy(&mut clients, &ids);
        clients[1].send(&[texts(0..3), frame(TEXT, &largest), texts(3..6)].concat());
        talk(&mut clients[2..], 0..BURST);
        expect(&mut clients[1], 0..3);
        assert_eq!(clients[1].expect_frame().payload, largest);
        expect(&mut clients[1], 3..6);
    }
}

/// One of a crowd sends `last` while the poller serves it, again with other clients until it was handed back for
/// `why`. After a panic it is not handed back: then `why` is empty. `check_client` checks what it receives, `check_reason` the reason of its end.
fn while_polled(
    why: &str,
    last: &[u8],
    check_client: impl Fn(RawClient),
    check_reason: impl Fn(&DisconnectReason) -> bool,
) {
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < DEADLINE, "no connection was polled at its end");
        let (echo, mut clients, ids) = start(Config::default(), 4);
        become_busy(&mut clients, &ids);
        let mut one = clients.remove(0);
        one.send(&[&texts(0..BURST)[..], last].concat());
        check_client(one);
        talk(&mut clients, 0..BURST);
        support::wait_until(DEADLINE, "its end is reported", || echo.ended() > 0);
        drop(clients);
        let (id, reason) = echo.stop().swap_remove(0);
        assert!(id == ids[0] && check_reason(&reason), "{id}: {reason}");
        let was_polled = if why.is_empty() { are_polled(&ids[..1]) } else { was_handed_back(id, why) };
        if was_polled {
            return;
        }
    }
}

#[test]
fn a_close_is_answered_after_earlier_messages() {
    let check = |mut one: RawClient| {
        expect(&mut one, 0..BURST);
        assert_eq!(one.expect_close_and_fin(), 1000);
    };
    let reason = |reason: &DisconnectReason| matches!(reason, DisconnectReason::ClosedByPeer { code: 1000, .. });
    while_polled("ended", &frame(CLOSE, &1000_u16.to_be_bytes()), check, reason);
}

#[test]
fn a_violation_is_reported_after_earlier_messages() {
    let check = |mut one: RawClient| {
        expect(&mut one, 0..BURST);
        assert_eq!(one.expect_close_and_fin(), 1002);
    };
    let reason = |reason: &DisconnectReason| matches!(reason, DisconnectReason::ProtocolViolation { code: 1002, .. });
    while_polled("ended", &server_frame(TEXT, b"no mask"), check, reason);
}

#[test]
fn a_lost_client_is_reported_after_earlier_messages() {
    let check = |mut one: RawClient| expect(&mut one, 0..BURST);
    while_polled("ended", b"", check, |reason| *reason == DisconnectReason::ConnectionLost);
}

#[test]
fn a_panic_while_reading_ends_that_connection_only() {
    let check = |mut one: RawClient| {
        while one.read_frame().is_ok_and(|frame| frame.is_some()) {}
    };
    while_polled("", &frame(TEXT, b"thirteen long"), check, |reason| *reason == DisconnectReason::Panicked);
}

/// After a panic of the poller itself, the connections that it serves continue, and so does the poller.
#[test]
fn a_panic_of_the_poller_ends_no_connection() {
    let (echo, mut clients, ids) = start(Config::default(), 4);
    panic_for(&ids);
    let begin = Instant::now();
    // A connection that never pauses is not handed back.
    while !ids.iter().all(|id| was_handed_back(*id, "idle")) {
        talk(&mut clients, 0..BURST);
        let none = || ids.iter().all(|id| !are_polled(&[*id]));
        support::wait_until(DEADLINE, "the polled connections are handed back", none);
        assert!(begin.elapsed() < DEADLINE, "not all were polled and handed back");
    }
    talk(&mut clients, 0..BURST);
    drop(clients);
    let ends = echo.stop();
    assert!(
        ends.iter().all(|(_, reason)| matches!(
            reason,
            DisconnectReason::ConnectionLost | DisconnectReason::ClosedLocally { .. }
        )),
        "{ends:?}"
    );
    assert_eq!(ends.len(), 4);
}

#[test]
fn a_shutdown_ends_polled_connections() {
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < DEADLINE, "no connection was polled at the shutdown");
        let (echo, mut clients, ids) = start(Config::default(), 4);
        become_busy(&mut clients, &ids);
        clients.iter_mut().for_each(|client| client.send(&texts(0..BURST)));
        let ends = std::thread::scope(|scope| {
            let stopping = scope.spawn(|| echo.stop());
            for client in &mut clients {
                while client.expect_frame().opcode != CLOSE {}
                client.send(&frame(CLOSE, &1001_u16.to_be_bytes()));
                assert!(matches!(client.read_frame(), Ok(None)), "a clean end");
            }
            stopping.join().expect("the echo ends")
        });
        assert!(ends.iter().all(|(_, reason)| *reason == DisconnectReason::ClosedLocally { code: 1001 }), "{ends:?}");
        assert_eq!(ends.len(), 4);
        if ids.iter().any(|id| was_handed_back(*id, "ended")) {
            return;
        }
    }
}

/// A silent connection gets its own thread back, which sends Pings.
#[test]
fn a_silent_connection_is_pinged_and_dropped() {
    let mut config = Config::default();
    (config.ping_interval, config.pong_timeout) = (Duration::from_millis(300), Duration::from_millis(300));
    let (echo, mut clients, ids) = start(config, 4);
    become_busy(&mut clients, &ids);
    for client in &mut clients {
        assert_eq!(client.expect_frame().opcode, PING);
        assert_eq!(client.expect_close_and_fin(), 1013);
    }
    drop(clients);
    assert!(echo.stop().iter().all(|(_, reason)| *reason == DisconnectReason::PingTimeout));
    assert!(ids.iter().all(|id| was_handed_back(*id, "idle")));
}

/// More messages than the channel holds, while the program does not receive: the poller waits and loses nothing.
#[test]
fn a_full_channel_makes_the_poller_wait() {
    const MANY: u32 = 3000;
    let mut config = Config::default();
    config.event_capacity = 4;
    record();
    let server = support::serving::serve(config);
    let mut clients: Vec<RawClient> = (0..4).map(|_| RawClient::open(addr(&server))).collect();
    let ids: Vec<u64> = (0..4).map(|_| connected(&server).id()).collect();
    let begin = Instant::now();
    while !are_polled(&ids) {
        assert!(begin.elapsed() < DEADLINE, "the poller does not serve them");
        clients.iter_mut().for_each(|client| client.send(&texts(0..BURST)));
        for _ in 0..4 * BURST {
            received(&server);
        }
    }
    std::thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| client.send(&texts(0..MANY)));
        }
        support::wait_until(DEADLINE, "the channel is full", || server.events().is_full());
        let mut next = [0; 4];
        for _ in 0..4 * MANY {
            let (id, text) = received(&server);
            let next = &mut next[ids.iter().position(|one| *one == id).expect("one of the four")];
            assert_eq!(text, next.to_string(), "of {id}");
            *next += 1;
        }
    });
}

#[track_caller]
fn received(server: &Server) -> (u64, String) {
    match support::serving::next(server) {
        Event::Message(peer, Message::Text(text)) => (peer.id(), text.as_str().to_owned()),
        other => panic!("expected a text, got {other:?}"),
    }
}
