//! This crate's own client over `wss://`.

use std::net::{SocketAddr, TcpListener};

use chinwag::client::{Error, Event, WebSocket};
use chinwag::tls::Connector;
use chinwag::{Config, DisconnectReason, Message, Server};
use rcgen::{BasicConstraints, CertificateParams, IsCa, date_time_ymd};

use super::certificates::{Certificates, make};
use super::serve;
use super::support::DEADLINE;
use super::support::events::{close, expect_open, failure, message, text};
use super::support::serving::{self, connected, disconnected};

fn connect(addr: SocketAddr, certificates: &Certificates) -> WebSocket {
    let trusted = Connector::trusting(certificates.path("cert.pem")).expect("a certificate");
    WebSocket::builder(&format!("wss://localhost:{}/", addr.port())).tls(trusted).connect().expect("a URL")
}

fn open(addr: SocketAddr, certificates: &Certificates) -> WebSocket {
    let socket = connect(addr, certificates);
    expect_open(&socket);
    socket
}

fn echo(server: Server) {
    std::thread::spawn(move || {
        for event in server.events() {
            if let chinwag::Event::Message(peer, message) = event {
                peer.send(message);
            }
        }
    });
}

#[test]
fn messages_of_all_sizes_are_echoed() {
    let certificates = Certificates::new();
    let mut config = Config::default();
    (config.max_message_size, config.max_send_buffer) = (4_000_000, 16_000_000);
    let (server, addr) = serve(config, &certificates);
    echo(server);
    let socket = open(addr, &certificates);
    assert!(socket.url().starts_with("wss://localhost:"));
    for size in [0, 1, 125, 126, 16_384, 70_000, 3_000_000] {
        let sent = Message::from((0..size).map(|number| number as u8).collect::<Vec<_>>());
        assert!(socket.send(sent.clone()));
        assert_eq!(message(&socket), sent);
    }
}

/// One thread waits for events, another writes, a third closes.
#[test]
fn client_is_used_by_three_threads() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    echo(server);
    let socket = open(addr, &certificates);
    let (written, all) = crossbeam_channel::bounded(1);
    std::thread::scope(|scope| {
        scope.spawn(|| assert!((0..1000).all(|number| socket.send(number.to_string()))));
        scope.spawn(|| {
            all.recv_timeout(DEADLINE).expect("all were echoed");
            socket.close(1000, "done").expect("a code that may be sent");
        });
        for number in 0..1000 {
            assert_eq!(text(&socket), number.to_string());
        }
        written.send(()).expect("the third thread waits");
        assert_eq!(close(&socket), (1000, "done".into(), true));
    });
}

#[test]
fn close_codes_are_delivered_to_both_sides() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    let socket = open(addr, &certificates);
    connected(&server);
    socket.close(4321, "enough").expect("a code that may be sent");
    assert_eq!(disconnected(&server).1, DisconnectReason::ClosedByPeer { code: 4321, reason: "enough".into() });
    assert_eq!(close(&socket), (4321, "enough".into(), true));
    let socket = open(addr, &certificates);
    let peer = connected(&server);
    // In the same record as the 101 response, or soon after it.
    peer.send("welcome");
    peer.close(4000, "go").expect("a code that may be sent");
    assert_eq!((text(&socket), close(&socket)), ("welcome".into(), (4000, "go".into(), true)));
    assert_eq!(disconnected(&server).1, DisconnectReason::ClosedLocally { code: 4000 });
    let socket = open(addr, &certificates);
    connected(&server).cut();
    assert!(matches!(failure(&socket), Error::Ended(DisconnectReason::ConnectionLost)));
}

#[test]
fn untrusted_certificates_are_explained() {
    for (change, expected) in [
        (None, "is not signed by a trusted authority"),
        (
            Some(names as fn(&mut CertificateParams)),
            "not valid for name \"localhost\"; certificate is only valid for DnsName(\"other.example\")",
        ),
        (Some(expired), "certificate expired"),
        (Some(too_early), "certificate not valid yet"),
        (Some(authority), "CaUsedAsEndEntity"),
    ] {
        let certificates = Certificates::new();
        if let Some(change) = change {
            let (certificate, key) = make(change);
            certificates.put("key.pem", &key);
            certificates.put("cert.pem", &certificate);
        }
        let (_server, addr) = serve(Config::default(), &certificates);
        let trusted = if change.is_some() { &certificates } else { &Certificates::new() };
        let error = failure(&connect(addr, trusted));
        assert!(matches!(error, Error::Untrusted(_)) == change.is_none(), "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

fn names(params: &mut CertificateParams) {
    *params = CertificateParams::new(["other.example".to_owned()]).expect("a name");
}

fn expired(params: &mut CertificateParams) {
    params.not_after = date_time_ymd(2020, 1, 1);
}

fn too_early(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2090, 1, 1);
}

fn authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

#[test]
fn ports_without_tls_are_explained() {
    let certificates = Certificates::new();
    let server = serving::serve(Config::default());
    match failure(&connect(serving::addr(&server), &certificates)) {
        Error::Tls(why) => assert!(why.ends_with("does not speak TLS at that port; use ws://"), "{why}"),
        other => panic!("{other:?}"),
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let socket = connect(listener.local_addr().expect("an address"), &certificates);
    drop(listener.accept());
    match failure(&socket) {
        Error::Tls(why) => assert!(
            why.contains("closed the connection during the TLS handshake") && why.ends_with("use ws://"),
            "{why}"
        ),
        other => panic!("{other:?}"),
    }
    let (server, addr) = serve(Config::default(), &certificates);
    let plain = WebSocket::connect(&format!("ws://{addr}/"), &[]).expect("a URL");
    assert!(!matches!(plain.events().recv_timeout(DEADLINE), Ok(Event::Open)));
    drop(server);
}

#[test]
fn connector_names_the_faulty_file() {
    let certificates = Certificates::new();
    for (file, word) in [("none.pem", "none.pem"), ("key.pem", "no certificate")] {
        let error = Connector::trusting(certificates.path(file)).expect_err(file).to_string();
        assert!(error.contains(word) && !error.contains('\n'), "{error}");
    }
}
