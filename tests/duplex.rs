//! Reading and writing at the same time: neither waits for the other.

mod support;

use std::sync::Barrier;

use chinwag::{Config, Peer};
use support::Client;
use support::frames::{CLOSE, PING, PONG, RawClient, TEXT, frame};
use support::serving::{Echo, addr, closing, connected, serve, text};

/// The reader thread blocks in `recv` all the time. Other threads still send at once.
#[test]
fn eight_threads_send_while_the_reader_blocks() {
    let server = serve(Config::default());
    let mut client = Client::connect(addr(&server), &[]);
    let peer = connected(&server);
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (peer, start) = (&peer, &start);
            scope.spawn(move || send_hundred(thread, peer, start));
        }
        let mut next = [0; 8];
        for _ in 0..800 {
            let (thread, number) = parse(&client.next_text());
            assert_eq!(number, next[thread], "in order for each thread");
            next[thread] += 1;
        }
    });
}

fn send_hundred(thread: usize, peer: &Peer, start: &Barrier) {
    start.wait();
    for number in 0..100 {
        assert!(peer.send(format!("{thread} {number}")));
    }
}

fn parse(text: &str) -> (usize, usize) {
    let (thread, number) = text.split_once(' ').expect("two numbers");
    (thread.parse().expect("a number"), number.parse().expect("a number"))
}

/// Both directions are full. A client that sends first and reads later receives every echo.
#[test]
fn client_that_sends_before_it_reads_gets_every_echo() {
    let mut config = Config::default();
    config.max_send_buffer = 64 * 1024 * 1024;
    let echo = Echo::start(config);
    let mut client = RawClient::open(echo.addr);
    let message = frame(TEXT, &[b'x'; 60_000]);
    for _ in 0..300 {
        client.send(&message);
    }
    for number in 0..300 {
        assert_eq!(client.expect_frame().payload.len(), 60_000, "echo {number}");
    }
}

/// A client may send frames before it has the 101. They are read with the head, and delivered in order.
#[test]
fn frames_in_the_segment_of_the_request_are_delivered() {
    let echo = Echo::start(Config::default());
    let mut behind = Vec::new();
    for number in 0..100 {
        behind.extend(frame(TEXT, format!("early {number}").as_bytes()));
    }
    let mut client = RawClient::open_with(echo.addr, &behind);
    for number in 0..100 {
        assert_eq!(client.expect_frame().payload, format!("early {number}").into_bytes());
    }
    client.send(&frame(TEXT, b"and later"));
    assert_eq!(client.expect_frame().payload, b"and later");
}

/// Half of a frame arrives with the request, the rest byte by byte.
#[test]
fn frame_may_begin_in_the_segment_of_the_request() {
    let echo = Echo::start(Config::default());
    let whole = frame(TEXT, "grüße".as_bytes());
    let (early, late) = whole.split_at(3);
    let mut client = RawClient::open_with(echo.addr, early);
    for byte in late {
        client.send(&[*byte]);
    }
    assert_eq!(client.expect_frame().payload, "grüße".as_bytes());
}

/// A message before a Close frame can be answered before the Close is, even by a slow program.
#[test]
fn message_before_a_close_is_answered_before_it() {
    let server = serve(Config::default());
    for _ in 0..50 {
        let mut bytes = frame(TEXT, b"question");
        bytes.extend(frame(CLOSE, &1000_u16.to_be_bytes()));
        let mut client = RawClient::open_with(addr(&server), &bytes);
        connected(&server);
        let (peer, question) = text(&server);
        assert!(peer.send(format!("answer to the {question}")), "it is open until Closing is received");
        drop(closing(&server, &peer));
        let frames = client.read_to_fin();
        assert_eq!(frames[0].payload, b"answer to the question");
        assert_eq!(frames[1].code(), 1000);
        support::serving::disconnected(&server);
    }
}

/// The same before a protocol error.
#[test]
fn message_before_a_protocol_error_is_answered_before_the_close() {
    let server = serve(Config::default());
    let bytes = [frame(TEXT, b"question"), frame(TEXT, b"\xff")].concat();
    let mut client = RawClient::open_with(addr(&server), &bytes);
    connected(&server);
    let (peer, _) = text(&server);
    peer.send("answer");
    drop(closing(&server, &peer));
    let frames = client.read_to_fin();
    assert_eq!((frames[0].payload.as_slice(), frames[1].code()), (&b"answer"[..], 1007));
}

/// Pongs are in order with the messages, and carry the Ping's payload (RFC 6455 5.5.3).
#[test]
fn pings_between_fragments_are_answered() {
    let echo = Echo::start(Config::default());
    let mut client = RawClient::open(echo.addr);
    client.send(&[&[TEXT, 0x82, 0, 0, 0, 0][..], b"Hi", &frame(PING, b"there?"), &frame(0, b"!")].concat());
    let (pong, whole) = (client.expect_frame(), client.expect_frame());
    assert_eq!((pong.opcode, pong.payload.as_slice()), (PONG, &b"there?"[..]));
    assert_eq!((whole.opcode, whole.payload.as_slice()), (TEXT, &b"Hi!"[..]));
}
