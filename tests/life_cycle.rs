//! Of each connection `Connected` comes first and `Disconnected` last, both once, with the right reason.

mod support;

use std::io::Read;
use std::net::Shutdown;
use std::sync::mpsc::channel;
use std::time::Duration;

use chinwag::{Config, DisconnectReason, Event, Message, Server};
use support::frames::{CLOSE, PING, RawClient, TEXT, frame, header};
use support::serving::{addr, connected, disconnected, next, serve, text};
use support::{Client, DEADLINE, wait_until};

/// How a connection ends, and the reason that is reported.
type Row = (&'static str, fn(&mut RawClient), DisconnectReason);

fn failed(code: u16) -> DisconnectReason {
    DisconnectReason::ProtocolViolation { code, detail: String::new() }
}

/// A Close frame of the peer's.
fn close(code: u16, why: &str) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes()[..], why.as_bytes()].concat())
}

fn by_peer(code: u16, why: &str) -> DisconnectReason {
    DisconnectReason::ClosedByPeer { code, reason: why.to_owned() }
}

#[test]
fn each_end_reports_its_reason() {
    let rows: [Row; 13] = [
        ("a Close with a reason", |c| c.send(&close(1000, "bye")), by_peer(1000, "bye")),
        ("a Close without a code", |c| c.send(&frame(CLOSE, b"")), by_peer(1005, "")),
        ("a Close of an application", |c| c.send(&close(4321, "")), by_peer(4321, "")),
        // tungstenite replaces the code.
        ("a Close with a code that may not be sent", |c| c.send(&close(1006, "")), by_peer(1002, "Protocol violation")),
        ("a Close of one byte", |c| c.send(&frame(CLOSE, b"x")), failed(1002)),
        ("a frame without a mask", |c| c.send(b"\x81\x01x"), failed(1002)),
        ("a reserved opcode", |c| c.send(&frame(3, b"")), failed(1002)),
        ("a reserved bit", |c| c.send(&[0xc1, 0x80, 0, 0, 0, 0]), failed(1002)),
        ("a fragmented Ping", |c| c.send(&[PING, 0x80, 0, 0, 0, 0]), failed(1002)),
        ("a continuation of nothing", |c| c.send(&frame(0, b"x")), failed(1002)),
        ("bad UTF-8", |c| c.send(&frame(TEXT, b"\xff")), failed(1007)),
        ("a message too big", |c| c.send(&header(TEXT, 65_537)), failed(1009)),
        (
            "a FIN without a Close",
            |c| c.socket().shutdown(Shutdown::Both).expect("open"),
            DisconnectReason::ConnectionLost,
        ),
    ];
    let server = serve(Config::default());
    for (what, end, expected) in rows {
        let mut client = RawClient::open(addr(&server));
        let peer = connected(&server);
        end(&mut client);
        if expected != DisconnectReason::ConnectionLost {
            let code = client.read_to_fin().last().filter(|frame| !frame.payload.is_empty()).map(|frame| frame.code());
            assert_eq!(code, code_of(&expected), "{what}");
        }
        drop(client);
        let (gone, reason) = disconnected(&server);
        assert_eq!(gone, peer, "{what}");
        assert!(same(&reason, &expected), "{what}: {reason:?}");
        assert!(!peer.send("too late"), "{what}");
    }
    assert!(server.events().is_empty(), "nothing comes after Disconnected");
}

/// The words about a failure are tungstenite's.
fn same(one: &DisconnectReason, other: &DisconnectReason) -> bool {
    match (one, other) {
        (
            DisconnectReason::ProtocolViolation { code: one, .. },
            DisconnectReason::ProtocolViolation { code: other, .. },
        ) => one == other,
        _ => one == other,
    }
}

/// The code that the server's Close frame must have.
fn code_of(reason: &DisconnectReason) -> Option<u16> {
    match reason {
        DisconnectReason::ClosedByPeer { code: 1005, .. } => None,
        DisconnectReason::ClosedByPeer { code, .. } | DisconnectReason::ProtocolViolation { code, .. } => Some(*code),
        _ => None,
    }
}

#[test]
fn local_close_is_reported_as_closed_locally() {
    let server = serve(Config::default());
    let mut client = Client::connect(addr(&server), &[]);
    let peer = connected(&server);
    peer.close(4000, "enough").expect("a code that may be sent");
    peer.close(4001, "the first cause counts").expect("a code that may be sent");
    assert_eq!(client.wait_for_close(), (4000, "enough".to_owned()));
    client.wait_for_end();
    assert_eq!(disconnected(&server), (peer, DisconnectReason::ClosedLocally { code: 4000 }));
}

#[test]
fn connection_lost_within_a_message_is_reported() {
    let server = serve(Config::default());
    let mut client = RawClient::open(addr(&server));
    connected(&server);
    client.send(&header(TEXT, 1000));
    client.send(b"only the beginning");
    drop(client);
    assert_eq!(disconnected(&server).1, DisconnectReason::ConnectionLost);
}

/// So a client that connects because it saw another one come online is queued later.
#[test]
fn connected_is_queued_before_the_101() {
    let server = serve(Config::default());
    // On Windows, a connection that is cut ends within a second.
    for number in 1..=if cfg!(windows) { 5 } else { 200 } {
        let _client = Client::connect(addr(&server), &[]);
        match server.events().try_recv() {
            Ok(Event::Connected(peer, _)) => peer.cut(),
            other => panic!("client {number} is open, and what is known of it is {other:?}"),
        }
        disconnected(&server);
    }
}

#[test]
fn messages_come_between_connected_and_disconnected_in_their_order() {
    let server = serve(Config::default());
    let mut client = Client::connect(addr(&server), &[]);
    for number in 0..500 {
        client.say(&number.to_string());
    }
    let peer = connected(&server);
    for number in 0..500 {
        assert_eq!(text(&server), (peer.clone(), number.to_string()));
    }
    // It waits for the reply, which waits until the messages are received.
    let closing = std::thread::spawn(move || client.close(1000));
    assert_eq!(disconnected(&server), (peer, by_peer(1000, "")));
    closing.join().expect("no panic");
}

#[test]
fn connected_brings_the_request_without_its_secrets() {
    let server = serve(Config::default());
    let headers = [("Authorization", "Bearer s3cret"), ("X-Mine", "kept")];
    let _client = Client::try_connect(addr(&server), &[], &headers).expect("no token is asked for");
    let Event::Connected(_, request) = next(&server) else { panic!("Connected comes first") };
    assert_eq!(request.headers()["x-mine"], "kept");
    assert!(!format!("{request:?}").contains("s3cret"), "{request:?}");
}

/// A panic in the user's HTTP handler ends one connection, with a response.
#[test]
fn panic_in_the_http_handler_affects_one_request() {
    let builder = Server::builder().listen("127.0.0.1:0").expect("a free port");
    let server = builder.site(|_| panic!("a bug of the user's")).start().expect("threads enough");
    let mut client = Client::connect(addr(&server), &[]);
    let peer = connected(&server);
    for _ in 0..3 {
        let answer = support::raw::get(addr(&server), "/");
        assert_eq!(answer.status, 500, "{answer:?}");
    }
    client.say("still here");
    assert_eq!(text(&server), (peer, "still here".to_owned()));
}

/// A handshake that fails is not reported as a connection.
#[test]
fn failed_handshake_causes_no_events() {
    let server = serve(Config::default());
    assert_eq!(support::raw::get(addr(&server), "/").status, 426);
    assert_eq!(support::raw::raw_then_fin(addr(&server), b""), b"");
    let mut client = Client::connect(addr(&server), &[]);
    client.say("first");
    let peer = connected(&server);
    assert_eq!(text(&server), (peer, "first".to_owned()));
}

/// While the program does not receive, the channel is full and a client's bytes stay in its socket. Later all of them arrive.
#[test]
fn full_channel_slows_clients_and_loses_nothing() {
    let config = config(|config| config.event_capacity = 4);
    let server = serve(config);
    let mut client = RawClient::open(addr(&server));
    client.socket().set_write_timeout(Some(DEADLINE)).expect("not zero");
    let (sent, count) = channel();
    let sender = std::thread::spawn(move || {
        let message = frame(TEXT, &[b'x'; 50_000]);
        for number in 0..400 {
            if client.try_send(&message).is_err() {
                break;
            }
            sent.send(number).expect("the test listens");
        }
        client
    });
    wait_until(DEADLINE, "the channel is full", || server.events().len() == 4);
    // 20 MB do not fit into the sockets' buffers: the sender must stop.
    while count.recv_timeout(Duration::from_millis(300)).is_ok() {}
    assert!(!sender.is_finished(), "20 MB were taken although nobody received them");
    let peer = connected(&server);
    for _ in 0..400 {
        let (from, text) = text(&server);
        assert_eq!((from, text.len()), (peer.clone(), 50_000));
    }
    drop(sender.join().expect("the sender does not panic"));
    assert_eq!(disconnected(&server).1, DisconnectReason::ConnectionLost);
}

fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    change(&mut config);
    config
}

/// Dropping the server ends all connections.
#[test]
fn dropped_server_closes_with_1001() {
    let server = serve(Config::default());
    let mut client = Client::connect(addr(&server), &[]);
    connected(&server);
    drop(server);
    assert_eq!(client.wait_for_close().0, 1001);
    client.wait_for_end();
    let mut rest = Vec::new();
    assert!(matches!(client.stream().read_to_end(&mut rest), Ok(0)), "{rest:?}");
}

/// `Event` is what a user matches on; binary messages come as such.
#[test]
fn binary_messages_are_delivered_as_binary() {
    let server = serve(Config::default());
    let mut client = Client::connect(addr(&server), &[]);
    let peer = connected(&server);
    client.send(tungstenite::Message::binary(vec![0, 255]));
    let Event::Message(from, Message::Binary(bytes)) = next(&server) else { panic!("a binary message") };
    assert_eq!((from, &bytes[..]), (peer, &[0, 255][..]));
}

/// A program may keep the connections of two servers in one table.
#[test]
fn ids_differ_between_two_servers_of_a_process() {
    let listen = |first| Server::builder().first_id(first).listen("127.0.0.1:0").and_then(chinwag::Builder::start);
    let servers = [serve(Config::default()), listen(5000).expect("a free port"), serve(Config::default())];
    let (mut clients, mut ids) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        for server in &servers {
            clients.push(Client::connect(addr(server), &[]));
            ids.push(connected(server).id());
        }
    }
    assert!(ids[1] >= 5000, "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9, "{ids:?}");
}
