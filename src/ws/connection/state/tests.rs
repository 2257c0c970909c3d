//! The state of a connection, on a real pair of sockets.

use super::*;
use crate::ws::connection::Transport;
use std::{
    net::{TcpListener, TcpStream},
    sync::Arc,
};

/// A connection, and the other end of its socket.
fn pair() -> (ConnectionState, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let (stream, _) = listener.accept().expect("a connection");
    let transport = Transport { stream: Arc::new(stream), session: None, input: Vec::new() };
    (ConnectionState::new(Role::Server, BufferedStream::new(transport), &Config::default()), peer)
}

/// A Close frame of a client, masked with zeros.
fn close_frame(code: u16) -> Vec<u8> {
    [&[0x88, 0x82, 0, 0, 0, 0][..], &code.to_be_bytes()].concat()
}

#[test]
fn the_first_close_is_the_reason_even_while_the_reply_waits() {
    let (mut state, _peer) = pair();
    state.stream.receive(close_frame(4000));
    assert!(matches!(state.read(&Config::default()), ReadResult::Closed(ConnectionEnd::Close)));
    state.close(1001, "going");
    assert!(state.conclude(ConnectionEnd::Close));
    assert_eq!(state.into_reason(), DisconnectReason::ClosedByPeer { code: 4000, reason: String::new() });
}

#[test]
fn a_failed_socket_buffers_nothing() {
    let (mut state, peer) = pair();
    state.stream.cut();
    drop(peer);
    state.send(b"\x81\x02hi", 0);
    state.send(b"\x81\x02hi", 0);
    assert_eq!((state.flush(), state.is_open(), state.stream.buffered_amount()), (Flushed::Everything, false, 0));
}

#[test]
fn control_frames_are_limited_to_ten_seconds_worth_at_once() {
    let config = Config { control_frames_per_second: 5, ..Config::default() };
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    for (count, is_open) in [(50, true), (51, false)] {
        let (mut state, _peer) = pair();
        state.stream.receive(ping.repeat(count));
        state.read(&config);
        assert_eq!(state.is_open(), is_open, "{count}");
    }
}
