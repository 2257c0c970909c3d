//! Connections that are busy at the same time are lent to the relay, and nobody notices: order, ends, deadlines and bounds are
//! those of connections that are not.
//!
//! The relay says in the log whom it has, so that each test knows that it tested it. Who is silent for a moment is not lent any
//! more, and a loaded machine makes such moments: what needs somebody who is lent is tried until somebody was.

mod support;

use std::ops::Range;
use std::time::{Duration, Instant};

use chinwag::{Config, DisconnectReason, Event, Message, Server};
use support::DEADLINE;
use support::frames::{CLOSE, PING, RawClient, TEXT, frame, server_frame};
use support::lent::{are_lent, listen, was_given_back};
use support::serving::{Echo, addr, connected};

/// What is said in one go by one client: enough to make it a busy one.
const BURST: u32 = 20;

/// A server whose connections have these numbers, and no other server's of this process.
fn serve(config: Config, first: u64) -> Server {
    listen();
    let builder = Server::builder().config(config).first_id(first).listen("127.0.0.1:0").expect("a free port");
    builder.start().expect("threads and descriptors enough")
}

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

/// Each says something and hears its echo.
#[track_caller]
fn talk(clients: &mut [RawClient], numbers: Range<u32>) {
    clients.iter_mut().for_each(|client| client.send(&texts(numbers.clone())));
    clients.iter_mut().for_each(|client| expect(client, numbers.clone()));
}

/// Talks until all are lent.
#[track_caller]
fn become_busy(clients: &mut [RawClient], ids: Range<u64>) {
    let begin = Instant::now();
    while !are_lent(ids.clone()) {
        talk(clients, 0..BURST);
        assert!(begin.elapsed() < DEADLINE, "{ids:?} are not lent");
    }
}

/// Echoes, and those who talk to it.
fn start(config: Config, ids: Range<u64>) -> (Echo, Vec<RawClient>) {
    let echo = Echo::of(serve(config, ids.start));
    let clients = ids.map(|_| RawClient::open(echo.addr)).collect();
    (echo, clients)
}

#[test]
fn the_busy_are_lent_and_heard_in_order() {
    let (_echo, mut clients) = start(Config::default(), 1000..1008);
    become_busy(&mut clients, 1000..1008);
    for round in 0..200 {
        talk(&mut clients, round..round + 7);
    }
}

#[test]
fn two_are_no_crowd() {
    let (_echo, mut clients) = start(Config::default(), 2000..2002);
    for round in 0..100 {
        talk(&mut clients, round..round + BURST);
    }
    assert!(!are_lent(2000..2001) && !are_lent(2001..2002));
    assert!(!was_given_back(2000, "quiet") && !was_given_back(2001, "quiet"));
}

/// When a crowd has gone, those two who are left have their own threads again, though they talk on.
#[test]
fn two_are_no_crowd_any_more() {
    let (_echo, mut clients) = start(Config::default(), 2500..2504);
    become_busy(&mut clients, 2500..2504);
    clients.truncate(2);
    let begin = Instant::now();
    while are_lent(2500..2501) || are_lent(2501..2502) {
        talk(&mut clients, 0..BURST);
        assert!(begin.elapsed() < DEADLINE, "they are still lent");
    }
    talk(&mut clients, 0..BURST);
}

/// A message of the largest size, in pieces and behind others: the buffer grows at the relay as it does elsewhere.
#[test]
fn large_messages_pass() {
    let (_echo, mut clients) = start(Config::default(), 3000..3004);
    let largest = vec![b'x'; Config::default().max_message_size];
    for _ in 0..20 {
        become_busy(&mut clients, 3000..3004);
        clients[1].send(&[texts(0..3), frame(TEXT, &largest), texts(3..6)].concat());
        talk(&mut clients[2..], 0..BURST);
        expect(&mut clients[1], 0..3);
        assert_eq!(clients[1].expect_frame().payload, largest);
        expect(&mut clients[1], 3..6);
    }
}

/// Has one of a crowd say `last` while it is lent, again and again with others until it was given back for that. `see`
/// looks at what it hears, `ends` at the reason for its end.
fn while_lent(
    first: u64,
    given_back: &str,
    last: &[u8],
    see: impl Fn(RawClient),
    ends: impl Fn(&DisconnectReason) -> bool,
) {
    let begin = Instant::now();
    for first in (first..).step_by(4) {
        assert!(begin.elapsed() < DEADLINE, "nobody was lent when it ended");
        let (echo, mut clients) = start(Config::default(), first..first + 4);
        become_busy(&mut clients, first..first + 4);
        let mut one = clients.remove(0);
        one.send(&[&texts(0..BURST)[..], last].concat());
        see(one);
        talk(&mut clients, 0..BURST);
        support::wait_until(DEADLINE, "its end is noticed", || echo.ended() > 0);
        drop(clients);
        let (id, reason) = echo.stop().swap_remove(0);
        assert!(id == first && ends(&reason), "{id}: {reason}");
        if was_given_back(first, given_back) {
            return;
        }
    }
}

#[test]
fn a_close_is_answered_after_what_came_before() {
    let see = |mut one: RawClient| {
        expect(&mut one, 0..BURST);
        assert_eq!(one.expect_close_and_fin(), 1000);
    };
    let ends = |reason: &DisconnectReason| matches!(reason, DisconnectReason::ByPeer { code: 1000, .. });
    while_lent(10_000, "over", &frame(CLOSE, &1000_u16.to_be_bytes()), see, ends);
}

#[test]
fn a_failure_is_said_after_what_came_before() {
    let see = |mut one: RawClient| {
        expect(&mut one, 0..BURST);
        assert_eq!(one.expect_close_and_fin(), 1002);
    };
    let ends = |reason: &DisconnectReason| matches!(reason, DisconnectReason::Failed { code: 1002, .. });
    while_lent(20_000, "over", &server_frame(TEXT, b"no mask"), see, ends);
}

/// Without a word: what was said before is heard all the same, and the end is an end.
#[test]
fn who_vanishes_is_gone() {
    let see = |mut one: RawClient| expect(&mut one, 0..BURST);
    while_lent(30_000, "gone", b"", see, |reason| *reason == DisconnectReason::Lost);
}

#[test]
fn a_panic_ends_that_connection_only() {
    let see = |mut one: RawClient| {
        while one.read_frame().is_ok_and(|frame| frame.is_some()) {}
    };
    while_lent(40_000, "panicked", &frame(TEXT, b"thirteen long"), see, |reason| *reason == DisconnectReason::Panicked);
}

/// Whatever goes wrong in the relay itself, those who were lent go on, and it does.
#[test]
fn a_panic_of_the_relay_costs_nobody_its_connection() {
    let (echo, mut clients) = start(Config::default(), 90_000..90_004);
    let (ids, begin) = (90_000..90_004, Instant::now());
    // Who talks without a pause is never given back.
    while !ids.clone().all(|id| was_given_back(id, "quiet")) {
        talk(&mut clients, 0..BURST);
        let none = || ids.clone().all(|id| !are_lent(id..id + 1));
        support::wait_until(DEADLINE, "those who were lent are given back", none);
        assert!(begin.elapsed() < DEADLINE, "not all were lent and given back");
    }
    talk(&mut clients, 0..BURST);
    drop(clients);
    let ends = echo.stop();
    assert!(
        ends.iter().all(|(_, reason)| matches!(reason, DisconnectReason::Lost | DisconnectReason::ByUs { .. })),
        "{ends:?}"
    );
    assert_eq!(ends.len(), 4);
}

#[test]
fn a_shutdown_ends_them_in_time() {
    let begin = Instant::now();
    for first in (50_000..).step_by(4) {
        assert!(begin.elapsed() < DEADLINE, "nobody was lent at the shutdown");
        let (echo, mut clients) = start(Config::default(), first..first + 4);
        become_busy(&mut clients, first..first + 4);
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
        assert!(ends.iter().all(|(_, reason)| *reason == DisconnectReason::ByUs { code: 1001 }), "{ends:?}");
        assert_eq!(ends.len(), 4);
        if (first..first + 4).any(|id| was_given_back(id, "over")) {
            return;
        }
    }
}

/// Who falls silent gets its own thread back, and that one's sense of time.
#[test]
fn who_falls_silent_is_asked_and_given_up() {
    let mut config = Config::default();
    (config.ping_interval, config.pong_timeout) = (Duration::from_millis(300), Duration::from_millis(300));
    let (echo, mut clients) = start(config, 60_000..60_004);
    become_busy(&mut clients, 60_000..60_004);
    for client in &mut clients {
        assert_eq!(client.expect_frame().opcode, PING);
        assert_eq!(client.expect_close_and_fin(), 1013);
    }
    drop(clients);
    assert!(echo.stop().iter().all(|(_, reason)| *reason == DisconnectReason::Silent));
    assert!((60_000..60_004).all(|id| was_given_back(id, "quiet")));
}

/// Far more than the channel has room for, while nobody receives: the relay waits as a reader would, and loses nothing.
#[test]
fn a_flood_beyond_the_bound_waits() {
    const MANY: u32 = 3000;
    let mut config = Config::default();
    config.event_capacity = 4;
    let server = serve(config, 70_000);
    let mut clients: Vec<RawClient> = (0..4).map(|_| RawClient::open(addr(&server))).collect();
    (0..4).for_each(|_| drop(connected(&server)));
    let begin = Instant::now();
    while !are_lent(70_000..70_004) {
        assert!(begin.elapsed() < DEADLINE, "they are not lent");
        clients.iter_mut().for_each(|client| client.send(&texts(0..BURST)));
        for _ in 0..4 * BURST {
            said(&server);
        }
    }
    std::thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| client.send(&texts(0..MANY)));
        }
        support::wait_until(DEADLINE, "the channel is full", || server.events().is_full());
        let mut next = [0; 4];
        for _ in 0..4 * MANY {
            let (id, text) = said(&server);
            let next = &mut next[(id - 70_000) as usize];
            assert_eq!(text, next.to_string(), "of {id}");
            *next += 1;
        }
    });
}

#[track_caller]
fn said(server: &Server) -> (u64, String) {
    match support::serving::next(server) {
        Event::Message(peer, Message::Text(text)) => (peer.id(), text.as_str().to_owned()),
        other => panic!("expected a text, got {other:?}"),
    }
}
