//! The client with other servers: Python `websockets` and Node's `ws`, in `tests/peers`.

mod support;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use chinwag::client::{Error, ReadyState, WebSocket};
use chinwag::{Config, DisconnectReason, Message};
use support::events::{close, expect_open, failure, message, text};
use support::script::node_modules;
use support::{python, skip};

#[test]
fn python_websockets() {
    let Some(python) = python(&["websockets.sync.server"]) else {
        return skip("no Python with websockets; name one with CHINWAG_PYTHON");
    };
    check_all(Peer::start(Command::new(python).arg("-B"), "server.py"), "Python");
}

#[test]
fn node_ws() {
    let Some(modules) = node_modules() else { return skip("no Node with npm") };
    check_all(Peer::start(Command::new("node").env("NODE_PATH", modules), "server.js"), "Node");
}

/// The process of a server. It is killed when this is dropped.
struct Peer {
    process: Child,
    port: u16,
}

impl Peer {
    fn start(command: &mut Command, script: &str) -> Peer {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(script);
        let mut process = command.arg(script).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        Peer { process, port: line.trim().parse().expect("a port") }
    }

    fn connect(&self, path: &str) -> WebSocket {
        let url = format!("ws://127.0.0.1:{}{path}", self.port);
        WebSocket::connect(&url, &["a", "b"]).expect("a URL")
    }

    fn open(&self, path: &str) -> WebSocket {
        let socket = self.connect(path);
        expect_open(&socket);
        socket
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn check_all(peer: Peer, name: &str) {
    #[cfg(feature = "deflate")]
    compresses(&peer);
    echoes(&peer);
    fragments(&peer);
    closes(&peer, name);
    refusals(&peer);
    vanishes(peer);
}

fn echoes(peer: &Peer) {
    let socket = peer.open("/");
    assert_eq!(socket.protocol(), Some("b"));
    for sent in ["".into(), "grüße \u{1f600}".into(), "x".repeat(125), "x".repeat(126), "x".repeat(70_000)] {
        assert!(socket.send(sent.as_str()));
        assert_eq!(text(&socket), sent);
    }
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
    assert!(socket.send(bytes.clone()));
    assert_eq!(message(&socket), Message::from(bytes));
    for number in 0..1000 {
        assert!(socket.send(number.to_string()));
    }
    for number in 0..1000 {
        assert_eq!(text(&socket), number.to_string());
    }
}

/// With and without the server's context takeover.
#[cfg(feature = "deflate")]
fn compresses(peer: &Peer) {
    for bits in [None, Some(10), Some(15)] {
        let mut deflate = chinwag::Deflate::default();
        deflate.context_bits = bits;
        let url = format!("ws://127.0.0.1:{}/", peer.port);
        let builder = WebSocket::builder(&url).protocols(["b"]).deflate(deflate);
        let socket = builder.connect().expect("a URL");
        expect_open(&socket);
        let extensions = socket.extensions();
        assert!(extensions.starts_with("permessage-deflate"), "{extensions}");
        assert_eq!(extensions.contains("server_no_context_takeover"), bits.is_none(), "{extensions}");
        for size in [0, 0, 1, 1000, 0, 1000, 5000, 100_000, 1000] {
            let sent: String = "grüße 0123456789 ".chars().cycle().take(size).collect();
            assert!(socket.send(sent.as_str()));
            assert_eq!(text(&socket), sent, "{bits:?}, {size} characters");
        }
    }
}

fn fragments(peer: &Peer) {
    let socket = peer.open("/fragments");
    assert_eq!(text(&socket), "one, two, grüße");
    assert_eq!(message(&socket), Message::from(vec![0, 1, 2]));
    let socket = peer.open("/ping");
    assert_eq!(text(&socket), "a Pong arrived");
    let socket = peer.open("/big");
    assert_eq!(text(&socket).len(), 5_000_000);
    let url = format!("ws://127.0.0.1:{}/big", peer.port);
    let socket =
        WebSocket::builder(&url).config(Config::client().max_message_size(1_000_000)).connect().expect("a URL");
    expect_open(&socket);
    assert!(matches!(failure(&socket), Error::Ended(DisconnectReason::ProtocolViolation { code: 1009, .. })));
}

fn closes(peer: &Peer, name: &str) {
    let socket = peer.open("/close");
    assert_eq!(close(&socket), (4001, format!("from {name}: grüße"), true));
    let socket = peer.open("/remember");
    socket.close(3456, "enough: grüße").expect("a code that may be sent");
    assert!(close(&socket).2);
    let received = || match failure(&peer.connect("/last")) {
        Error::Refused { status: 404, body, .. } => body.trim() == "3456 enough: grüße",
        other => panic!("{other:?}"),
    };
    support::wait_until(support::DEADLINE, "the server reports code and reason", received);
}

fn refusals(peer: &Peer) {
    match failure(&peer.connect("/forbidden")) {
        Error::Refused { status: 403, body, .. } => assert_eq!(body, "not allowed\n"),
        other => panic!("{other:?}"),
    }
}

/// The server is killed, so there is no Close frame.
fn vanishes(peer: Peer) {
    let idle = peer.open("/");
    let socket = peer.open("/kill");
    for socket in [socket, idle] {
        assert!(matches!(failure(&socket), Error::Ended(DisconnectReason::ConnectionLost)));
        assert_eq!(socket.ready_state(), ReadyState::Closed);
    }
    // The system closes the sockets of a killed process one after the other. The listener is not always the first.
    let refused = || matches!(failure(&peer.connect("/")), Error::Connect(_));
    support::wait_until(support::DEADLINE, "nothing listens any more", refused);
}
