//! Sizes and timeouts of a reader, over real sockets.

use super::*;
use crate::ws::{
    config::Config,
    connection::{BufferedStream, PeerInfo, Role, WriteReactor},
};
use std::{
    io::{Read, Write},
    net::TcpListener,
    time::Duration,
};

/// "hi", masked with zeros.
const HI: &[u8] = b"\x81\x82\0\0\0\0hi";

/// A reader and the other end of its socket. `input` was read with the handshake.
fn reader(config: Config, input: &[u8]) -> (Reader, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let stream = listener.accept().expect("a connection").0;
    let stream = BufferedStream::new(Arc::new(stream), None, input.to_vec());
    let reactor = WriteReactor::start().expect("a thread");
    let (_, reader) =
        Connection::new(PeerInfo { id: 1, ..PeerInfo::default() }, Role::Server, stream, Arc::new(config), reactor);
    (reader, peer)
}

/// The next message. At the end, the connection can be ended.
fn next(reader: &mut Reader) -> Option<Message> {
    match reader.next_until(Instant::now() + Duration::from_secs(60)) {
        ReadResult::Message(message) => Some(message),
        _ => None,
    }
}

#[test]
fn input_of_the_handshake_is_read_first() {
    let (mut reader, mut peer) = reader(Config::default(), &HI.repeat(3)[..20]);
    peer.write_all(&HI[4..]).expect("the reader has room");
    assert_eq!([(); 3].map(|()| next(&mut reader)), [(); 3].map(|()| Some("hi".into())));
}

#[test]
fn a_read_without_waiting_takes_what_has_arrived() {
    let (mut reader, mut peer) = reader(Config { ping_interval: Duration::ZERO, ..Config::default() }, b"");
    let mut count = || {
        let mut count = 0;
        loop {
            match reader.wait(Some(Instant::now())) {
                ReadResult::Message(_) => count += 1,
                ReadResult::NeedData => return Some(count),
                ReadResult::Closed(_) => return None,
            }
        }
    };
    assert_eq!(count(), Some(0));
    for messages in [1, 200] {
        peer.write_all(&HI.repeat(messages)).expect("the reader has room");
        assert_eq!(count(), Some(messages));
    }
    drop(peer);
    assert_eq!(count(), None);
}

#[test]
fn a_deferred_end_is_returned_by_the_next_wait() {
    let (mut reader, _peer) = reader(Config::default(), HI);
    reader.end = Some(ConnectionEnd::Close);
    assert!(matches!(reader.wait(None), ReadResult::Closed(ConnectionEnd::Close)));
}

#[test]
fn only_a_closing_connection_discards() {
    let (mut reader, mut peer) = reader(Config::default(), b"");
    reader.discarded = 2 * MAX_DISCARDED;
    peer.write_all(HI).expect("the reader has room");
    assert_eq!(next(&mut reader), Some("hi".into()));
    reader.connection.close(1000, "");
    peer.write_all(HI).expect("the reader has room");
    assert_eq!(reader.receive(RecvFlags::empty()), Ok(0), "too much was discarded");
}

#[test]
fn silent_peer_gets_a_ping_and_then_1013() {
    let moment = Duration::from_millis(10);
    let config = Config { ping_interval: moment, pong_timeout: moment, close_timeout: moment, ..Config::default() };
    let (mut reader, mut peer) = reader(config, b"");
    assert_eq!(next(&mut reader), None);
    assert_eq!(reader.connection.end(), DisconnectReason::PingTimeout);
    let mut frames = [0; 6];
    peer.read_exact(&mut frames).expect("a Ping and a Close frame");
    assert_eq!((&frames[..3], &frames[4..]), (&[0x89, 0, 0x88][..], &1013_u16.to_be_bytes()[..]));
}

#[test]
fn discarded_bytes_are_limited() {
    for (max_message_size, limit) in [(1, MAX_DISCARDED), (2 * MAX_DISCARDED, 2 * MAX_DISCARDED)] {
        let (mut reader, mut peer) = reader(Config { max_message_size, ..Config::default() }, b"");
        reader.connection.close(1000, "");
        reader.discarded = limit - 1;
        for expected in [1, 0] {
            peer.write_all(b"x").expect("the reader has room");
            assert_eq!(reader.receive(RecvFlags::empty()), Ok(expected));
        }
    }
}

#[test]
fn bytes_end_the_silence() {
    let (mut reader, mut peer) = reader(Config::default(), b"");
    (reader.is_awaiting_pong, reader.silence_ends) = (true, Some(Instant::now()));
    peer.write_all(HI).expect("the reader has room");
    assert_eq!(reader.receive(RecvFlags::empty()), Ok(HI.len()));
    assert_eq!((reader.is_awaiting_pong, reader.silence_ends), (false, None));
}
