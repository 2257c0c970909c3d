//! How connections end: a Close frame arrives, then a clean FIN, never a reset. Every wait has a deadline.

mod support;

use std::time::{Duration, Instant};

use chinwag::{CloseGuard, Config, DisconnectReason, Event, Peer, Server};
use support::frames::{CLOSE, RawClient, TEXT, frame, header};
use support::serving::{Echo, addr, closing, connected, disconnected, serve, text};
use support::{Client, DEADLINE};

/// More than all the buffers between the two ends: part of it is under way when the Close frame comes.
const MORE: usize = 3_000_000;

/// A reset would destroy the Close frame before the client reads it.
#[test]
fn close_1007_arrives_despite_3_mb_of_unread_bytes() {
    fails_cleanly(1007, &frame(TEXT, b"\xff"));
}

#[test]
fn close_1002_arrives_despite_3_mb_of_unread_bytes() {
    fails_cleanly(1002, b"\x83\x00");
}

#[test]
fn close_1009_arrives_despite_3_mb_of_unread_bytes() {
    fails_cleanly(1009, &header(TEXT, MORE));
}

#[track_caller]
fn fails_cleanly(code: u16, offence: &[u8]) {
    let echo = Echo::start(Config::default());
    let bytes = [offence, &vec![b'x'; MORE]].concat();
    for _ in 0..30 {
        let mut client = RawClient::open(echo.addr);
        client.send(&bytes);
        assert_eq!(client.expect_close_and_fin(), code);
    }
    let ends = echo.stop();
    assert_eq!(ends.len(), 30);
    assert!(
        ends.iter()
            .all(|(_, reason)| matches!(reason, DisconnectReason::ProtocolViolation { code: c, .. } if *c == code)),
        "{ends:?}"
    );
}

/// Both Close frames exchanged: it is the server that ends TCP first (RFC 6455 7.1.1).
#[test]
fn server_closes_tcp_after_both_close_frames() {
    let echo = Echo::start(Config::default());
    let mut client = RawClient::open(echo.addr);
    let begin = Instant::now();
    client.send(&frame(CLOSE, &1000_u16.to_be_bytes()));
    assert_eq!(client.expect_close_and_fin(), 1000);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}

/// A peer that ignores the Close frame and one that keeps sending are both cut at the deadline.
#[test]
fn unanswered_close_ends_at_its_deadline() {
    let server = serve(short_close());
    for goes_on in [false, true] {
        let mut client = RawClient::open(addr(&server));
        let peer = connected(&server);
        let begin = Instant::now();
        peer.close(1000, "").expect("a code that may be sent");
        let message = frame(TEXT, b"x");
        while goes_on && client.try_send(&message).is_ok() {
            assert!(begin.elapsed() < DEADLINE, "still connected after its deadline");
        }
        assert_eq!(disconnected(&server), (peer, DisconnectReason::ClosedLocally { code: 1000 }));
        let took = begin.elapsed();
        assert!(took >= Duration::from_millis(250), "{goes_on}: {took:?}");
    }
}

/// After a violation, the rest is read and discarded, up to the deadline.
#[test]
fn violator_that_keeps_sending_is_cut_at_the_deadline() {
    let server = serve(short_close());
    let mut client = RawClient::open(addr(&server));
    connected(&server);
    let begin = Instant::now();
    client.send(&frame(TEXT, b"\xff"));
    while client.try_send(&[b'x'; 1000]).is_ok() {
        assert!(begin.elapsed() < DEADLINE, "still connected after its deadline");
    }
    assert!(matches!(disconnected(&server).1, DisconnectReason::ProtocolViolation { code: 1007, .. }));
}

fn short_close() -> Config {
    let mut config = Config::default();
    config.close_timeout = Duration::from_millis(300);
    config
}

/// A Close frame that must not be sent is an error, and the connection stays open.
#[test]
fn invalid_close_is_an_error_and_changes_nothing() {
    let server = serve(Config::default());
    let mut client = Client::connect(addr(&server), &[]);
    let peer = connected(&server);
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, u16::MAX] {
        let error = peer.close(code, "").expect_err("a code that must not be sent").to_string();
        assert!(error.starts_with(&format!("the close code {code} is not allowed")), "{error}");
    }
    assert!(peer.send("still open"));
    assert_eq!(client.next_text(), "still open");
    // A reason may contain what the client sent. It is shortened: an error could end a program that uses `?`.
    peer.close(1012, &"€".repeat(99)).expect("a reason of any length");
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1010, 1011, 1013, 1014, 3000, 3999, 4000, 4999] {
        peer.close(code, "").expect("a code that may be sent; a second close has no effect");
    }
    assert_eq!(client.wait_for_close(), (1012, "€".repeat(41)));
    client.wait_for_end();
    assert_eq!(disconnected(&server), (peer, DisconnectReason::ClosedLocally { code: 1012 }));
}

/// Junk after the Close frame, or after an HTTP response, is read only up to a limit: no flood keeps a thread busy until the
/// deadline.
#[test]
fn discarded_bytes_are_limited() {
    let server = serve(Config::default());
    let open = || RawClient::open(addr(&server));
    flood("junk after a violation", open(), &[b"\xff\xff", &[b'x'; 65_536][..]].concat());
    connected(&server);
    disconnected(&server);
    let client = open();
    connected(&server).close(1000, "").expect("a code that may be sent");
    flood("frames after a Close", client, &frame(TEXT, &[b'x'; 60_000]));
    disconnected(&server);
    let mut client = RawClient::connect(addr(&server));
    client.send(b"GET / HTTP/1.1\r\n\r\n");
    assert!(client.read_head().starts_with("HTTP/1.1 400 "));
    flood("a body after a 400", client, &[b'x'; 65_536]);
}

/// Sends these bytes again and again until the server has had enough.
#[track_caller]
fn flood(what: &str, mut client: RawClient, bytes: &[u8]) {
    let (mut taken, begin) = (0, Instant::now());
    // Wine takes its time to read.
    let limit = Duration::from_secs(if cfg!(windows) { 30 } else { 4 });
    while client.try_send(bytes).is_ok() {
        taken += bytes.len();
        assert!(taken < 16 << 20 && begin.elapsed() < limit, "{what}: {taken} bytes were taken");
    }
}

/// However much was sent before the Close frame, it arrives first.
#[test]
fn messages_sent_before_the_close_arrive_before_it() {
    let mut config = Config::default();
    config.max_send_buffer = 64 * 1024 * 1024;
    let server = serve(config);
    let mut client = RawClient::open(addr(&server));
    let peer = connected(&server);
    for _ in 0..200 {
        peer.send("x".repeat(60_000));
    }
    peer.close(1000, "").expect("a code that may be sent");
    let frames: Vec<_> = (0..201).map(|_| client.expect_frame()).collect();
    assert!(frames[..200].iter().all(|frame| frame.payload.len() == 60_000));
    assert_eq!(frames[200].code(), 1000);
}

/// A client that sent a message and then a Close frame, its peer, and the guard of its Close frame.
fn close_after_message(server: &Server) -> (RawClient, Peer, CloseGuard) {
    let mut client = RawClient::open(addr(server));
    connected(server);
    client.send(&[frame(TEXT, b"last"), frame(CLOSE, &1000_u16.to_be_bytes())].concat());
    let (peer, _) = text(server);
    let guard = closing(server, &peer);
    (client, peer, guard)
}

#[test]
fn reply_to_a_close_waits_for_its_guard() {
    let server = serve(Config::default());
    let (mut client, peer, guard) = close_after_message(&server);
    assert!(peer.send("a reply"), "the connection is open as long as the guard exists");
    assert_eq!(client.expect_frame().payload, b"a reply");
    assert!(peer.send("another"));
    drop(guard);
    assert_eq!(client.expect_frame().payload, b"another");
    assert_eq!(client.expect_close_and_fin(), 1000);
}

#[test]
fn kept_guard_delays_the_reply_until_close_timeout() {
    let server = serve(short_close());
    let begin = Instant::now();
    let (mut client, _peer, guard) = close_after_message(&server);
    assert_eq!(client.expect_close_and_fin(), 1000);
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
    drop(guard);
}

#[test]
fn kept_handle_does_not_delay_the_reply() {
    let server = serve(Config::default());
    let begin = Instant::now();
    let (mut client, _kept, guard) = close_after_message(&server);
    drop(guard);
    assert_eq!(client.expect_close_and_fin(), 1000);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}

/// Without a message there is nothing to reply to.
#[test]
fn close_without_messages_is_answered_at_once() {
    let server = serve(Config::default());
    let mut client = RawClient::open(addr(&server));
    connected(&server);
    client.send(&frame(CLOSE, &1000_u16.to_be_bytes()));
    assert_eq!(client.expect_close_and_fin(), 1000);
    assert!(matches!(server.events().recv_timeout(DEADLINE), Ok(Event::Disconnected(..))));
}
