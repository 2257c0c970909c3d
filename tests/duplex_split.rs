//! `chinwag::duplex` splits tungstenite's sockets into a writer and a reader.

mod support;

use std::net::{TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use chinwag::duplex::{Duplex, Reader, Role};
use chinwag::{Config, DisconnectReason, Frames, Message, Peer, client, tungstenite};
use support::frames::{RawClient, TEXT, frame, server_frame};
use support::serving::{Echo, addr, connected, serve};

/// The halves of a server after tungstenite's handshake, and a client.
fn served() -> (Peer, Reader, RawClient) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let client = std::thread::spawn(move || RawClient::open(addr));
    let (stream, _) = listener.accept().expect("a client");
    let (writer, reader) = Duplex::server(tungstenite::accept(stream).expect("a handshake")).split().expect("halves");
    (writer, reader, client.join().expect("a client"))
}

/// A client, and what it sends with.
fn client(url: &str) -> (Peer, Reader) {
    let reader = client::WebSocket::builder(url).open().expect("a server");
    (reader.writer(), reader)
}

#[test]
fn server_side_reads_and_writes_at_the_same_time() {
    let (writer, mut reader, mut client) = served();
    let reading = std::thread::spawn(move || (reader.next(), reader.next(), reader.reason().cloned()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let writer = writer.clone();
            scope.spawn(move || assert!((0..250).all(|number| writer.send(number.to_string()))));
        }
        for _ in 0..1000 {
            assert_eq!(client.expect_frame().opcode, TEXT);
        }
    });
    client.send(&frame(TEXT, b"heard"));
    client.send(&frame(support::frames::CLOSE, &3000_u16.to_be_bytes()));
    assert_eq!(client.expect_close_and_fin(), 3000);
    let (message, none, reason) = reading.join().expect("no panic");
    assert_eq!((message, none), (Some(Message::from("heard")), None));
    assert_eq!(reason, Some(DisconnectReason::ClosedByPeer { code: 3000, reason: String::new() }));
    assert!(!writer.send("late"));
}

#[test]
fn client_side_reads_and_writes_at_the_same_time() {
    let echo = Echo::start(Config::default());
    let (writer, mut reader) = client(&format!("ws://{}/", echo.addr));
    let writing = writer.clone();
    let writing = std::thread::spawn(move || (0..1000).all(|number| writing.send(number.to_string())));
    for number in 0..1000 {
        assert_eq!(reader.next(), Some(Message::from(number.to_string())));
    }
    assert!(writing.join().expect("no panic"));
    writer.close(1000, "done").expect("a code that may be sent");
    assert_eq!((reader.next(), reader.next()), (None, None));
    assert_eq!(reader.reason(), Some(&DisconnectReason::ClosedByPeer { code: 1000, reason: "done".into() }));
}

#[test]
fn socket_after_any_handshake_is_accepted() {
    let server = serve(Config::default());
    let mut stream = TcpStream::connect(addr(&server)).expect("a server");
    let request = support::frames::handshake(addr(&server), "");
    std::io::Write::write_all(&mut stream, &request).expect("room for a request");
    support::frames::read_head(&mut stream);
    let (writer, mut reader) =
        Duplex::after_handshake(Role::Client, stream, server_frame(TEXT, b"read before")).split().expect("halves");
    assert_eq!(reader.next(), Some("read before".into()));
    writer.send("hi");
    let peer = connected(&server);
    assert_eq!(support::serving::text(&server).1, "hi");
    drop(reader);
    let closed = DisconnectReason::ClosedByPeer { code: 1000, reason: String::new() };
    assert_eq!(support::serving::disconnected(&server), (peer, closed));
    assert!(!writer.send("nobody reads"));
}

#[test]
fn reader_tells_nothing_yet_from_the_end() {
    let (peer, reader, mut client) = served();
    assert_eq!(reader.try_recv(), Ok(None));
    assert_eq!(reader.recv_timeout(Duration::from_millis(10)), Ok(None));
    client.send(&[frame(TEXT, b"1"), frame(TEXT, b"2"), frame(TEXT, b"3")].concat());
    assert_eq!(reader.recv_timeout(Duration::MAX), Ok(Some("1".into())));
    assert_eq!(reader.try_recv(), Ok(Some("2".into())), "it was received together with the first");
    assert_eq!(reader.recv(), Ok("3".into()));
    assert_eq!(reader.try_recv(), Ok(None));
    client.send(&[frame(TEXT, b"4"), frame(support::frames::CLOSE, &3000_u16.to_be_bytes())].concat());
    assert_eq!(reader.iter().collect::<Vec<_>>(), ["4".into()]);
    let end = DisconnectReason::ClosedByPeer { code: 3000, reason: String::new() };
    assert_eq!(reader.try_recv(), Err(end.clone()));
    assert_eq!(reader.recv_timeout(Duration::MAX), Err(end.clone()));
    assert_eq!((reader.recv(), reader.iter().next(), reader.reason()), (Err(end.clone()), None, Some(&end)));
    assert!(!peer.send("late"));
}

/// The peer does not end its side. A reader that polls does not wait for it.
#[test]
fn polling_reader_does_not_wait_for_the_end_of_the_peer() {
    let (peer, reader, client) = served();
    peer.close(1000, "done").expect("a code that may be sent");
    assert_eq!(reader.try_recv(), Ok(None), "the reply has not come");
    client.socket().shutdown(std::net::Shutdown::Write).expect("an open socket");
    assert_eq!(reader.recv(), Err(DisconnectReason::ClosedLocally { code: 1000 }));
    let (_peer, reader, mut client) = served();
    client.send(&frame(3, b"no such opcode"));
    let closing = std::thread::spawn(move || (client.expect_close_and_fin(), client));
    while !closing.is_finished() {
        assert_eq!(reader.try_recv(), Ok(None));
        std::thread::yield_now();
    }
    let (code, client) = closing.join().expect("no panic");
    assert_eq!(code, 1002);
    assert_eq!(reader.try_recv(), Ok(None), "the client has not ended its side");
    drop(client);
    assert!(matches!(reader.recv(), Err(DisconnectReason::ProtocolViolation { code: 1002, .. })));
}

/// What tungstenite has buffered would be lost.
#[test]
fn a_socket_with_buffered_frames_is_refused() {
    let message = frame(TEXT, b"second");
    let fragment = [&[1], &frame(TEXT, b"part")[1..]].concat();
    for buffered in [&[][..], &message, &message[..1], &message[..5], &message[..8], &fragment, &frame(9, b"")] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let client = std::thread::spawn(move || RawClient::open(addr));
        let (stream, _) = listener.accept().expect("a client");
        let mut socket = tungstenite::accept(stream).expect("a handshake");
        let mut client = client.join().expect("a client");
        client.send(&[&frame(TEXT, b"first"), buffered].concat());
        assert_eq!(socket.read().expect("a message"), tungstenite::Message::from("first"));
        let split = Duplex::server(socket).split();
        assert_eq!(split.is_ok(), buffered.is_empty(), "{buffered:?}");
    }
}

#[cfg(unix)]
#[test]
fn unix_sockets_are_duplex_too() {
    let (one, two) = UnixStream::pair().expect("two sockets");
    let serving = std::thread::spawn(move || {
        let (peer, reader) = Duplex::server(tungstenite::accept(one).expect("a handshake")).split().expect("halves");
        for message in reader {
            peer.send(message);
        }
    });
    let reader = client::WebSocket::builder("ws://localhost/").open_over(two).expect("a handshake");
    let (peer, writer) = (reader.writer(), reader.writer());
    let writing = std::thread::spawn(move || (0..1000).all(|number| writer.send(number.to_string())));
    for number in 0..1000 {
        assert_eq!(reader.recv(), Ok(Message::from(number.to_string())));
    }
    assert!(writing.join().expect("no panic"));
    peer.close(1000, "").expect("a code that may be sent");
    assert!(matches!(reader.recv(), Err(DisconnectReason::ClosedByPeer { code: 1000, .. })));
    serving.join().expect("no panic");
}

/// A client masks each frame, also those that were encoded for many peers.
#[test]
fn frames_are_masked_by_a_client() {
    let echo = Echo::start(Config::default());
    let (peer, reader) = client(&format!("ws://{}/", echo.addr));
    let mut frames = Frames::new();
    let long = "x".repeat(70_000);
    frames.text("grüße");
    frames.binary(&[0, 255]);
    frames.binary(&[7; 300]);
    frames.text(&long[..60_000]);
    assert!(peer.send_frames(&frames));
    assert_eq!(reader.recv(), Ok("grüße".into()));
    assert_eq!(reader.recv(), Ok(vec![0, 255].into()));
    assert_eq!(reader.recv(), Ok(vec![7; 300].into()));
    assert_eq!(reader.recv(), Ok(long[..60_000].into()));
}
