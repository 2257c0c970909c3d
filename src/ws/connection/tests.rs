//! A connection in the role of a client: its frames are masked, and it does not close the TCP connection first.

use super::{Connection, DisconnectReason, Message, PeerInfo, Reader, Role, Transport, WriteReactor};
use crate::ws::config::Config;
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
    let transport = Transport { stream: Arc::new(stream), session: None, input: Vec::new() };
    let (connection, reader) = Connection::new(PeerInfo::only_id(1), Role::Client, transport, config, reactor);
    (connection, reader, server)
}

/// Bytes of which a socket takes only a part.
const MANY: usize = 16 * 1024 * 1024;

/// A server's connection whose send buffer may have that many bytes, and the client's end of the socket.
fn server(max_send_buffer: usize) -> (Arc<Connection>, Reader, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    client.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    let (stream, _) = listener.accept().expect("a connection");
    let transport = Transport { stream: Arc::new(stream), session: None, input: Vec::new() };
    let (config, reactor) = (Config { max_send_buffer, ..Config::default() }, WriteReactor::start().expect("a thread"));
    let (connection, reader) =
        Connection::new(PeerInfo::only_id(1), Role::Server, transport, Arc::new(config), reactor);
    (connection, reader, client)
}

#[test]
fn bytes_that_are_not_counted_may_exceed_the_send_buffer() {
    let (connection, _reader, _client) = server(1000);
    assert!(!connection.send_lenient(b"short", 5), "the socket takes this");
    for _ in 0..2 {
        assert!(connection.send_lenient(&vec![0; MANY], 0), "more waits than the limit");
    }
    for _ in 0..10 {
        assert!(connection.send_lenient(&[0; 500], 100));
    }
    assert!(connection.is_open() && connection.buffered_amount() > MANY);
    connection.send_lenient(&[0], 1);
    assert!(!connection.is_open() && !connection.send(b"more"));
    assert_eq!(connection.end(), DisconnectReason::SlowReader);
}

/// What is sent in other ways counts always, such as the replies to Pings.
#[test]
fn other_bytes_count_beside_those_that_do_not() {
    let (connection, _reader, _client) = server(1000);
    connection.send_lenient(&vec![0; MANY], 0);
    assert!(connection.send(&[0; 1000]) && connection.is_open());
    connection.send(&[0]);
    assert_eq!((connection.is_open(), connection.end()), (false, DisconnectReason::SlowReader));
}

/// Bytes that were not counted are forgotten when the socket has taken them.
#[test]
fn stalled_connection_knows_since_when() {
    let (connection, _reader, mut client) = server(MANY);
    connection.send_lenient(b"short", 0);
    assert_eq!((connection.stalled_for(), connection.has_progressed_within(Duration::MAX)), (None, false));
    let begin = Instant::now();
    connection.send_lenient(&vec![0; MANY], 0);
    std::thread::sleep(Duration::from_millis(20));
    let stalled = connection.stalled_for().expect("bytes wait");
    assert!(stalled >= Duration::from_millis(20) && stalled <= begin.elapsed(), "{stalled:?}");
    let mut buffer = vec![0; MANY];
    client.read_exact(&mut buffer[..MANY / 2]).expect("the first half");
    connection.flush_pending();
    assert!(connection.stalled_for().is_some_and(|now| now < stalled), "the socket took some");
    client.read_exact(&mut buffer[..MANY / 2 + 5]).expect("the rest");
    connection.flush_pending();
    assert_eq!((connection.stalled_for(), connection.has_progressed_within(begin.elapsed())), (None, true));
    assert!(!connection.has_progressed_within(Duration::ZERO));
    assert!(connection.send(&vec![0; MANY]) && connection.is_open());
    connection.send(&vec![0; MANY]);
    assert_eq!(connection.end(), DisconnectReason::SlowReader);
}

#[test]
fn slow_peer_is_dropped_with_1013() {
    let (connection, _reader, mut client) = server(1000);
    connection.drop_slow();
    let mut frame = [0; 4];
    client.read_exact(&mut frame).expect("a Close frame");
    assert_eq!((frame[0], &frame[2..]), (0x88, &1013_u16.to_be_bytes()[..]));
    assert_eq!(connection.end(), DisconnectReason::SlowReader);
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
        assert!(connection.send_message("hello".into()));
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
        assert_eq!(reader.next(), Some(Message::from("yo")));
        let next = reader.next();
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
    assert_eq!(reader.next(), None);
    assert_eq!(connection.end(), DisconnectReason::ClosedByPeer { code: 3001, reason: "bye".into() });
}

#[test]
fn a_client_waits_for_the_fin_no_longer_than_close_timeout() {
    let (connection, mut reader, mut server) = pair(Duration::from_millis(20));
    let start = Instant::now();
    server.write_all(b"\x88\x00").expect("room");
    assert_eq!(reader.next(), None);
    assert!(start.elapsed() >= Duration::from_millis(20));
    assert_eq!(connection.end(), DisconnectReason::ClosedByPeer { code: 1005, reason: String::new() });
}
