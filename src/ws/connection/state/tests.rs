//! The state of a connection, on a real pair of sockets.

use super::*;
use crate::ws::tcp::tcp;
use std::net::{TcpListener, TcpStream};
use tungstenite::error::CapacityError;

/// A connection, and the other end of its socket.
fn pair() -> (ConnectionState, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let (stream, _) = listener.accept().expect("a connection");
    let stream = BufferedStream::new(tcp(stream).expect("a socket"), None, Vec::new());
    (ConnectionState::new(Role::Server, *stream, &Config::default()), peer)
}

/// A Close frame of a client, masked with zeros.
fn close_frame(code: u16) -> Vec<u8> {
    [&[0x88, 0x82, 0, 0, 0, 0][..], &code.to_be_bytes()].concat()
}

#[test]
fn the_first_close_is_the_reason_even_while_the_reply_waits() {
    let (mut state, _peer) = pair();
    state.stream.received = close_frame(4000).into();
    assert!(matches!(state.read(&Config::default()), ReadResult::Closed(ConnectionEnd::Close)));
    state.close(1001, "going");
    assert!(state.conclude(ConnectionEnd::Close));
    assert_eq!(state.reason.expect("a reason"), DisconnectReason::ClosedByPeer { code: 4000, reason: String::new() });
}

#[test]
fn a_server_that_sent_its_fin_closes_the_socket() {
    for (role, is_closed) in [(Role::Server, true), (Role::Client, false)] {
        let (mut state, _peer) = pair();
        state.role = role;
        assert_eq!(state.phase, Phase::Open);
        assert_eq!(state.conclude(ConnectionEnd::Close), is_closed);
        state.flush();
        assert_eq!(state.phase, Phase::Finished);
    }
}

#[test]
fn messages_after_the_own_close_are_discarded() {
    for message in [b"\x81\x82\0\0\0\0hi", b"\x82\x82\0\0\0\0hi"] {
        for is_closing in [false, true] {
            let (mut state, _peer) = pair();
            if is_closing {
                state.close(1000, "");
            }
            state.stream.received = message.to_vec().into();
            let result = state.read(&Config::default());
            assert_eq!(matches!(result, ReadResult::NeedData), is_closing, "{result:?}");
        }
    }
}

#[test]
fn each_violation_has_its_code() {
    let (utf8, size) = (Error::Utf8(String::new()), CapacityError::MessageTooLong { size: 2, max_size: 1 });
    for (error, expected) in [(utf8, 1007), (Error::Capacity(size), 1009), (Error::AttackAttempt, 1002)] {
        let (mut state, _peer) = pair();
        state.conclude(ConnectionEnd::Violation(error));
        let reason = state.reason.expect("a reason");
        assert!(matches!(reason, DisconnectReason::ProtocolViolation { code, .. } if code == expected), "{reason:?}");
    }
}

#[test]
fn a_failed_socket_buffers_nothing() {
    let (mut state, peer) = pair();
    state.stream.cut();
    drop(peer);
    state.send(b"\x81\x02hi");
    state.send(b"\x81\x02hi");
    assert_eq!((state.flush(), state.is_open(), state.stream.unsent.len()), (true, false, 0));
}

#[test]
fn control_frames_are_limited_to_ten_seconds_worth_at_once() {
    let config = Config { control_frames_per_second: 5, ..Config::default() };
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    for (count, is_open) in [(50, true), (51, false)] {
        let (mut state, _peer) = pair();
        state.stream.received = ping.repeat(count).into();
        state.read(&config);
        assert_eq!(state.is_open(), is_open, "{count}");
    }
}

#[test]
fn messages_and_time_make_up_for_overhead() {
    let config = Config { max_message_size: 1000, ..Config::default() };
    let limit = OVERHEAD_FACTOR * 1000 + OVERHEAD_CONTROL_FRAMES;
    let (last, more) = (b"\x80\x80\0\0\0\0", b"\x8a");
    let mut fragments = b"\x01\x80\0\0\0\0".to_vec();
    fragments.extend(b"\x00\x80\0\0\0\0".repeat(1000));
    for (completes, minutes, is_open) in [(false, 0, false), (true, 0, true), (false, 2, true)] {
        let (mut state, _peer) = pair();
        state.overhead.0 = limit - fragments.len();
        state.receive(&fragments);
        assert!(matches!(state.read(&config), ReadResult::NeedData));
        assert!(state.is_open(), "exactly the limit");
        if completes {
            state.overhead.0 -= last.len();
            state.receive(last);
            assert!(matches!(state.read(&config), ReadResult::Message(_)));
        }
        state.overhead.1 -= minutes * OVERHEAD_PERIOD;
        state.receive(more);
        state.read(&config);
        assert_eq!(state.is_open(), is_open, "{completes}, {minutes}");
    }
}
