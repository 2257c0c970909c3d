//! A connection in the role of a client: its frames are masked, and it does not close the TCP connection first.

use super::{BufferedStream, Connection, DisconnectReason, Message, PeerInfo, ReadResult, Reader, Role, WriteReactor};
use crate::ws::config::Config;
use crate::ws::tcp::tcp;
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// A client's connection and its reader, and the server's end of the socket.
fn pair(close_timeout: Duration) -> (Arc<Connection>, Reader, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let (server, _) = listener.accept().expect("a connection");
    server.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    let config = Arc::new(Config { close_timeout, ..Config::default() });
    let reactor = WriteReactor::start().expect("a thread");
    let stream = BufferedStream::new(tcp(stream).expect("a socket"), None, Vec::new());
    let (connection, reader) =
        Connection::new(PeerInfo { id: 1, ..PeerInfo::default() }, Role::Client, stream, config, reactor);
    (connection, reader, server)
}

fn send(connection: &Arc<Connection>) -> bool {
    connection.if_open(|state| state.write("hello".into()))
}

/// The next message. At the end, the connection can be ended.
fn next(reader: &mut Reader) -> Option<Message> {
    match reader.next_until(Instant::now() + Duration::from_secs(60)) {
        ReadResult::Message(message) => Some(message),
        _ => None,
    }
}

/// Opcode and payload of the next short frame, which must be masked, and the mask.
fn frame(server: &mut TcpStream) -> (u8, Vec<u8>, [u8; 4]) {
    let mut head = [0; 6];
    server.read_exact(&mut head).expect("a frame");
    let [first, length, mask @ ..] = head;
    assert!(length & 0x80 != 0, "masked (RFC 6455 5.1)");
    let mut payload = vec![0; usize::from(length & 0x7f)];
    server.read_exact(&mut payload).expect("a payload");
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    (first, payload, mask)
}

/// Thirty-two equal bits of random by chance: once in 500 million runs of this test, three times in a row never.
#[test]
fn every_frame_has_its_own_mask() {
    let (connection, _reader, mut server) = pair(Duration::ZERO);
    let mut masks = Vec::new();
    for _ in 0..4 {
        assert!(send(&connection));
        let (first, payload, mask) = frame(&mut server);
        assert_eq!((first, payload.as_slice()), (0x81, &b"hello"[..]));
        masks.push(mask);
    }
    masks.dedup();
    assert!(masks.len() > 1, "{masks:?}");
}

/// The client replies to Ping and Close with masked frames, and leaves the FIN to the server (RFC 6455 7.1.1).
#[test]
fn the_server_closes_the_tcp_connection() {
    let (connection, mut reader, mut server) = pair(Duration::from_secs(60));
    server.write_all(b"\x89\x02hi\x81\x02yo\x88\x02\x0f\xa0").expect("room");
    let client = std::thread::spawn(move || {
        assert_eq!(next(&mut reader), Some(Message::from("yo")));
        let next = next(&mut reader);
        (next, connection.end())
    });
    let (pong, close) = (frame(&mut server), frame(&mut server));
    assert_eq!((pong.0, pong.1.as_slice()), (0x8a, &b"hi"[..]));
    assert_eq!((close.0, close.1), (0x88, 4000_u16.to_be_bytes().to_vec()));
    server.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    assert!(server.read(&mut [0]).is_err(), "no FIN before ours");
    drop(server);
    let (next, reason) = client.join().expect("no panic");
    assert_eq!((next, reason), (None, DisconnectReason::ClosedByPeer { code: 4000, reason: String::new() }));
}

#[test]
fn a_client_that_closes_reports_the_reply_of_the_server() {
    let (connection, mut reader, mut server) = pair(Duration::from_secs(60));
    connection.close(3000, "enough");
    assert_eq!(frame(&mut server).1, b"\x0b\xb8enough");
    server.write_all(b"\x88\x05\x0b\xb9bye").expect("room");
    drop(server);
    assert_eq!(next(&mut reader), None);
    assert_eq!(connection.end(), DisconnectReason::ClosedByPeer { code: 3001, reason: "bye".into() });
}

#[test]
fn an_ended_connection_is_cut_while_its_reader_exists() {
    let (connection, _reader, mut server) = pair(Duration::from_secs(60));
    assert!(connection.is_open());
    assert_eq!(connection.end(), DisconnectReason::ConnectionLost);
    assert_eq!(server.read(&mut [0]).ok(), Some(0));
    assert!(!connection.is_open() && !send(&connection));
}

#[test]
fn a_client_waits_for_the_fin_no_longer_than_close_timeout() {
    let (connection, mut reader, mut server) = pair(Duration::from_millis(20));
    let start = Instant::now();
    server.write_all(b"\x88\x00").expect("room");
    assert_eq!(next(&mut reader), None);
    assert!(start.elapsed() >= Duration::from_millis(20));
    assert_eq!(connection.end(), DisconnectReason::ClosedByPeer { code: 1005, reason: String::new() });
}
