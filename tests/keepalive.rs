//! A silent peer gets a Ping, and is dropped without a reply. The reader's own timeouts do this, without another thread.

mod support;

use std::io::Read;
use std::time::{Duration, Instant};

use chinwag::{Config, DisconnectReason};
use support::Client;
use support::frames::{PING, PONG, RawClient, TEXT, frame};
use support::serving::{addr, connected, disconnected, serve};

const SILENCE: Duration = Duration::from_millis(100);
const ANSWER: Duration = Duration::from_millis(200);

fn config() -> Config {
    let mut config = Config::default();
    (config.ping_interval, config.pong_timeout) = (SILENCE, ANSWER);
    config
}

/// A half-open connection looks like this from here: the peer vanished, and no FIN or reset ever says so.
#[test]
fn peer_without_pong_is_dropped_with_1013() {
    let server = serve(config());
    let begin = Instant::now();
    let mut client = RawClient::open(addr(&server));
    connected(&server);
    assert_eq!(client.expect_frame().opcode, PING);
    assert_eq!(client.expect_close_and_fin(), 1013);
    let took = begin.elapsed();
    assert!(took >= SILENCE + ANSWER && took < Duration::from_secs(4), "{took:?}");
    drop(client);
    assert_eq!(disconnected(&server).1, DisconnectReason::PingTimeout);
}

/// Even if it never sends a FIN of its own: the close handshake has its deadline, too.
#[test]
fn silent_peer_is_dropped_even_without_a_reply() {
    let mut config = config();
    config.close_timeout = Duration::from_millis(300);
    let server = serve(config);
    let _client = RawClient::open(addr(&server));
    connected(&server);
    let begin = Instant::now();
    assert_eq!(disconnected(&server).1, DisconnectReason::PingTimeout);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}

/// Any byte is a sign of life, not only the Pong.
#[test]
fn any_bytes_count_as_a_reply_to_a_ping() {
    let server = serve(config());
    let mut client = RawClient::open(addr(&server));
    connected(&server);
    for answer in [frame(PONG, b""), frame(TEXT, b"busy"), frame(PING, b"x"), frame(PONG, b"unasked")] {
        while client.expect_frame().opcode != PING {}
        client.send(&answer);
    }
    while client.expect_frame().opcode != PING {}
}

/// The Ping waits behind megabytes. As long as a client takes them, it has not failed to answer.
#[test]
fn slow_reader_has_time_to_answer() {
    let mut config = config();
    (config.pong_timeout, config.close_timeout) = (5 * ANSWER, ANSWER);
    config.max_send_buffer = 256 * 1024 * 1024;
    let server = serve(config);
    let client = RawClient::open(addr(&server));
    let peer = connected(&server);
    assert!(peer.send(vec![0; 128 * 1024 * 1024]));
    let begin = Instant::now();
    let mut buffer = vec![0; 1024 * 1024];
    // Several times as long as a silent client has.
    while begin.elapsed() < 15 * ANSWER {
        client.socket().read_exact(&mut buffer).expect("more");
        std::thread::sleep(ANSWER / 8);
    }
    assert!(peer.send("still there"));
    // It takes nothing more.
    assert_eq!(disconnected(&server), (peer, DisconnectReason::PingTimeout));
}

/// A proper client is never lost, however long it says nothing.
#[test]
fn client_that_only_listens_stays_connected() {
    let server = serve(config());
    let mut client = Client::connect(addr(&server), &[]);
    let peer = connected(&server);
    let mut pings = 0;
    while pings < 5 {
        pings += u32::from(client.try_next().expect("a Ping").is_ping());
    }
    assert!(peer.send("still there"));
    assert_eq!(client.next_text(), "still there");
}

#[test]
fn zero_turns_pings_off() {
    let mut config = config();
    config.ping_interval = Duration::ZERO;
    let server = serve(config);
    let client = RawClient::open(addr(&server));
    let peer = connected(&server);
    client.socket().set_read_timeout(Some(2 * (SILENCE + ANSWER))).expect("not zero");
    let nothing = client.socket().peek(&mut [0]).expect_err("no Ping, no Close");
    assert!(matches!(nothing.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut), "{nothing}");
    assert!(peer.send("there"));
}
