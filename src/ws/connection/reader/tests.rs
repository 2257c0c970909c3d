//! Sizes and timeouts of a reader, over real sockets.

use super::{DisconnectReason, MAX_DISCARDED, Reader, RecvFlags};
use crate::ws::{
    config::Config,
    connection::{Connection, ConnectionEnd, PeerInfo, ReadResult, Role, Transport, WriteReactor},
};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

/// "hi", masked with zeros.
const HI: &[u8] = b"\x81\x82\0\0\0\0hi";

/// A reader and the other end of its socket. `input` was read with the handshake.
fn reader(config: Config, input: &[u8]) -> (Reader, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let stream = listener.accept().expect("a connection").0;
    stream.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    let transport = Transport { stream: Arc::new(stream), session: None, input: input.to_vec() };
    let reactor = WriteReactor::start().expect("a thread");
    let (_, reader) =
        Connection::new(PeerInfo { id: 1, ..PeerInfo::default() }, Role::Server, transport, Arc::new(config), reactor);
    (reader, peer)
}

#[test]
fn the_timeout_of_the_handshake_is_replaced() {
    for seconds in [0, 20] {
        let ping_interval = Duration::from_secs(seconds);
        let (mut reader, _peer) = reader(Config { ping_interval, ..Config::default() }, b"");
        reader.apply_timeout();
        let expected = (seconds > 0).then_some(ping_interval);
        assert_eq!(reader.stream.read_timeout().expect("a timeout"), expected);
    }
}

#[test]
fn input_of_the_handshake_is_read_first() {
    let (mut reader, mut peer) = reader(Config::default(), &HI.repeat(3)[..20]);
    peer.write_all(&HI[4..]).expect("the reader has room");
    assert_eq!([(); 3].map(|()| reader.next()), [(); 3].map(|()| Some("hi".into())));
}

#[test]
fn the_read_size_grows_while_it_is_filled_and_shrinks_again() {
    for small in [1024, 4096] {
        let (mut reader, mut peer) = reader(Config { read_buffer_size: small, ..Config::default() }, b"");
        peer.write_all(&HI.repeat(small / HI.len())).expect("the reader has room");
        while reader.read_size == small {
            assert_eq!(reader.next(), Some("hi".into()));
        }
        assert_eq!(reader.read_size, 4 * small);
        while !matches!(reader.read_received(), ReadResult::NeedData) {}
        peer.write_all(HI).expect("the reader has room");
        assert_eq!((reader.next(), reader.read_size), (Some("hi".into()), small));
    }
}

#[test]
fn a_read_without_waiting_tells_whether_there_may_be_more() {
    let (mut reader, mut peer) = reader(Config { ping_interval: Duration::ZERO, ..Config::default() }, b"");
    let mut receive = || {
        let received = reader.receive_available();
        while let ReadResult::Message(_) = reader.read_received() {}
        received.ok()
    };
    assert_eq!(receive(), Some(false), "nothing, and no wait for it");
    // 1600 bytes: the first read takes 1024.
    for (messages, expected) in [(1, vec![false]), (200, vec![true, false])] {
        peer.write_all(&HI.repeat(messages)).expect("the reader has room");
        assert_eq!((0..expected.len()).filter_map(|_| receive()).collect::<Vec<_>>(), expected);
    }
    drop(peer);
    assert_eq!(receive(), None);
}

#[test]
fn a_deferred_end_is_returned_by_the_next_wait() {
    let (mut reader, _peer) = reader(Config::default(), HI);
    reader.defer_end(ConnectionEnd::Socket);
    assert!(matches!(reader.wait(), Err(ConnectionEnd::Socket)));
}

#[test]
fn the_read_size_shrinks_below_an_eighth() {
    for (received, shrinks) in [(512, false), (511, true)] {
        let (mut reader, mut peer) = reader(Config::default(), b"");
        reader.read_size = 4096;
        peer.write_all(&vec![0; received]).expect("the reader has room");
        assert_eq!(reader.receive(RecvFlags::empty()), Ok(received));
        assert_eq!(reader.read_size, if shrinks { 1024 } else { 4096 }, "{received}");
    }
}

#[test]
fn only_a_closing_connection_discards() {
    let (mut reader, mut peer) = reader(Config::default(), b"");
    reader.discarded = 2 * MAX_DISCARDED;
    peer.write_all(HI).expect("the reader has room");
    assert_eq!(reader.next(), Some("hi".into()));
    reader.connection.close(1000, "");
    peer.write_all(HI).expect("the reader has room");
    assert_eq!(reader.receive(RecvFlags::empty()), Ok(0), "too much was discarded");
}

#[test]
fn silent_peer_gets_a_ping_and_then_1013() {
    let moment = Duration::from_millis(10);
    let config = Config { ping_interval: moment, pong_timeout: moment, close_timeout: moment, ..Config::default() };
    let (mut reader, mut peer) = reader(config, b"");
    assert_eq!(reader.next(), None);
    assert_eq!(reader.connection.end(), DisconnectReason::PingTimeout);
    let mut frames = [0; 6];
    peer.read_exact(&mut frames).expect("a Ping and a Close frame");
    assert_eq!((&frames[..3], &frames[4..]), (&[0x89, 0, 0x88][..], &1013_u16.to_be_bytes()[..]));
}

#[test]
fn discarded_bytes_are_limited() {
    for (max_message_size, limit) in [(1, MAX_DISCARDED), (2 * MAX_DISCARDED, 2 * MAX_DISCARDED)] {
        let (mut reader, _peer) = reader(Config { max_message_size, ..Config::default() }, b"");
        assert!(!reader.discards_too_much(limit - 1) && !reader.discards_too_much(1));
        assert!(reader.discards_too_much(1));
    }
}

#[test]
fn an_answer_restores_the_timeout() {
    let (mut reader, mut peer) = reader(Config::default(), b"");
    reader.is_awaiting_pong = true;
    reader.new_timeout = None;
    peer.write_all(HI).expect("the reader has room");
    assert_eq!(reader.next(), Some("hi".into()));
    assert_eq!((reader.is_awaiting_pong, reader.new_timeout), (false, Some(Config::default().ping_interval)));
}
