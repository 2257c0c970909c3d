//! The client with servers that refuse it, respond with garbage, or do not respond.

mod support;

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use chinwag::client::{Error, WebSocket};
use chinwag::{Access, Config, DisconnectReason, Server};
use support::events::{close, expect_open, failure, text};
use support::fake::{Fake, switching};
use support::frames::{CLOSE, PING, TEXT, server_frame};
use support::serving::addr;

fn refused(url: &str) -> Error {
    failure(&WebSocket::connect(url, &["chat"]).expect("a URL"))
}

#[test]
fn refusal_of_this_server_has_a_reason() {
    let access = Access::default().token("correct-horse-battery-staple").expect("a token");
    let builder = Server::builder().access(access).endpoint(|path| path == "/").protocols(["chat"]);
    let server = builder.listen("127.0.0.1:0").expect("a free port").start().expect("a server");
    let base = format!("ws://{}", addr(&server));
    for (url, expected) in
        [(format!("{base}/"), 401), (format!("{base}/?token=x"), 401), (format!("{base}/nowhere"), 404)]
    {
        match refused(&url) {
            Error::Refused { status, body } => {
                assert!(status == expected && !body.is_empty(), "{body}")
            }
            other => panic!("{other:?}"),
        }
    }
    let token = ("Authorization", "Bearer correct-horse-battery-staple");
    let connect = WebSocket::builder(&format!("{base}/")).header(token.0, token.1).protocols(["chat"]);
    let socket = connect.connect().expect("a URL");
    expect_open(&socket);
    assert_eq!(socket.protocol(), Some("chat"));
}

#[test]
fn redirections_are_not_followed() {
    let fake = Fake::replying("HTTP/1.1 307 Elsewhere\r\nLocation: ws://other.example/\r\nContent-Length: 0\r\n\r\n");
    match refused(&fake.url()) {
        Error::Refused { status: 307, body } => assert_eq!(body, "ws://other.example/"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn garbage_is_not_a_handshake() {
    for bytes in [&b""[..], b"\x16\x03\x01\x02\x00", b"SSH-2.0-x\r\n", b"HTTP/1.1 101 X\r\n\r\n", b"HTTP/1.1 101"] {
        let error = refused(&Fake::replying(bytes).url());
        assert!(matches!(error, Error::Handshake(_)), "{error:?}: {bytes:?}");
    }
    let fake = Fake::then(|mut stream, head| {
        let response = switching(&head, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
        stream.write_all(response.as_bytes()).expect("the client reads");
    });
    assert!(matches!(refused(&fake.url()), Error::Handshake(why) if why.contains("extension")));
}

#[test]
fn unreachable_addresses_are_errors() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    assert!(matches!(refused(&format!("ws://{closed}/")), Error::Connect(_)));
    assert!(matches!(refused("ws://no-such-host.invalid/"), Error::Connect(_)));
}

/// The server accepts connections and sends nothing.
#[test]
fn silent_server_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("an address"));
    let short = Duration::from_millis(50);
    let socket = WebSocket::builder(&url).config(Config::client().handshake_timeout(short)).connect().expect("a URL");
    assert!(matches!(failure(&socket), Error::Timeout(time) if time == short));
}

/// The listener's backlog is full, so the operating system drops new connections.
#[test]
fn full_backlog_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    rustix::net::listen(&listener, 0).expect("a queue of one");
    let addr = listener.local_addr().expect("an address");
    let soon = Duration::from_millis(100);
    let mut waiting = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&addr, soon) {
        waiting.push(stream);
    }
    let socket = WebSocket::builder(&format!("ws://{addr}/"))
        .config(Config::client().handshake_timeout(soon))
        .connect()
        .expect("a URL");
    let error = failure(&socket);
    assert!(matches!(error, Error::Connect(_)), "{error:?}");
}

/// The server's program hangs, so it sends no Pong.
#[test]
fn missing_pong_is_an_error() {
    let fake = Fake::open(Vec::new(), |stream| {
        std::thread::park_timeout(Duration::from_millis(500));
        drop(stream);
    });
    let often = Duration::from_millis(20);
    let config = Config::client().ping_interval(often).pong_timeout(often).close_timeout(often);
    let builder = WebSocket::builder(&fake.url()).config(config);
    let socket = builder.connect().expect("a URL");
    expect_open(&socket);
    assert!(matches!(failure(&socket), Error::Ended(DisconnectReason::PingTimeout)));
}

/// Frames in the same segment as the 101 are not lost.
#[test]
fn frames_after_the_response_are_received() {
    let behind = [server_frame(TEXT, b"early"), server_frame(CLOSE, &1000_u16.to_be_bytes())].concat();
    let fake = Fake::open(behind, |mut stream| {
        std::io::Read::read_exact(&mut stream, &mut [0; 8]).expect("the reply to the Close");
    });
    let socket = WebSocket::connect(&fake.url(), &[]).expect("a URL");
    expect_open(&socket);
    assert_eq!((text(&socket), close(&socket)), ("early".into(), (1000, String::new(), true)));
}

#[test]
fn protocol_violations_get_a_close_code() {
    for (bytes, code) in [
        (vec![0x81, 0x82, 0, 0, 0, 0, b'h', b'i'], 1002),
        (server_frame(TEXT, b"\xff"), 1007),
        (vec![0xc1, 0x00], 1002),
        (vec![0x80, 0x00], 1002),
        (vec![0x82, 0x7f, 0, 0, 0, 0xff, 0, 0, 0, 0], 1009),
        (server_frame(PING, b"x").repeat(1000), 1008),
    ] {
        let shown = format!("{:?}", &bytes[..2]);
        let fake = Fake::open(bytes, move |mut stream| {
            let mut rest = Vec::new();
            let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
            assert!(rest.len() >= 8, "a Close frame arrives");
        });
        let socket = WebSocket::connect(&fake.url(), &[]).expect("a URL");
        expect_open(&socket);
        match failure(&socket) {
            Error::Ended(DisconnectReason::ProtocolViolation { code: sent, .. }) => assert_eq!(sent, code, "{shown}"),
            other => panic!("{other:?}: {shown}"),
        }
        fake.done();
    }
}
