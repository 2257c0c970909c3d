//! `chinwag::duplex` splits tungstenite's sockets into a writer and a reader.

mod support;

use std::net::{TcpListener, TcpStream};

use chinwag::duplex::{Duplex, Reader, Role, Writer, tungstenite};
use chinwag::{Config, DisconnectReason, Message};
use support::fake::Fake;
use support::frames::{RawClient, TEXT, frame, server_frame};
use support::serving::{Echo, addr, connected, serve};

/// The halves of a server after tungstenite's handshake, and a client.
fn served() -> (Writer, Reader, RawClient) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let client = std::thread::spawn(move || RawClient::open(addr));
    let (stream, _) = listener.accept().expect("a client");
    let (writer, reader) = Duplex::server(tungstenite::accept(stream).expect("a handshake")).split().expect("halves");
    (writer, reader, client.join().expect("a client"))
}

/// The client side after tungstenite's handshake.
fn client(url: &str) -> Duplex {
    let addr = url.trim_start_matches("ws://").trim_end_matches('/');
    let stream = TcpStream::connect(addr).expect("a server");
    let (socket, _) = tungstenite::client(url, stream).expect("a handshake");
    Duplex::client(socket)
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
    let (writer, mut reader) = client(&format!("ws://{}/", echo.addr)).split().expect("halves");
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

/// tungstenite has already read what a server sends together with its response.
#[test]
fn messages_that_tungstenite_has_read_are_delivered() {
    let fake = Fake::open(server_frame(TEXT, b"welcome").repeat(3), |mut stream| {
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let (_writer, mut reader) = client(&fake.url()).split().expect("halves");
    assert!((0..3).all(|_| reader.next() == Some("welcome".into())));
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
    assert_eq!(support::serving::disconnected(&server), (peer, DisconnectReason::ConnectionLost));
    assert!(!writer.send("nobody reads"));
}
