//! How connections end over TLS: `close_notify` follows the Close frame, and its absence has a meaning.

use chinwag::{Config, DisconnectReason};

use super::certificates::Certificates;
use super::client::{Client, End};
use super::support::frames::{CLOSE, TEXT, frame};
use super::support::serving::{connected, disconnected, text};
use super::{in_each_version, serve};

/// Close frame, `close_notify`, FIN, in this order; in both versions.
#[test]
fn close_frame_then_close_notify_then_fin() {
    in_each_version(|server, mut client, peer| {
        client.send(&frame(CLOSE, &1000_u16.to_be_bytes()));
        assert_eq!(client.expect_frame().code(), 1000);
        assert_eq!(client.read_to_end(), (vec![], End::Proper));
        client.expect_fin();
        client.say_goodbye();
        drop(client);
        assert_eq!(disconnected(server), (peer, DisconnectReason::ClosedByPeer { code: 1000, reason: String::new() }));
    });
}

/// A client that sends Close, `close_notify` and FIN at once still receives the reply. No reset destroys it.
#[test]
fn close_and_fin_at_once_still_get_the_reply() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    for _ in 0..50 {
        let mut client = Client::open_with(addr, &certificates.current(), b"");
        connected(&server);
        client.send(&frame(CLOSE, &1000_u16.to_be_bytes()));
        client.say_goodbye();
        assert_eq!(client.expect_frame().code(), 1000);
        assert_eq!(client.read_to_end(), (vec![], End::Proper));
        drop(client);
        assert!(matches!(disconnected(&server).1, DisconnectReason::ClosedByPeer { code: 1000, .. }));
    }
}

/// An attacker on the network can forge a FIN, so it does not end a connection properly. Neither does `close_notify` without a
/// Close frame.
#[test]
fn end_without_a_close_frame_is_lost() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    let client = Client::open_with(addr, &certificates.current(), b"");
    let peer = connected(&server);
    client.fin();
    assert_eq!(disconnected(&server), (peer, DisconnectReason::ConnectionLost));

    let mut client = Client::open_with(addr, &certificates.current(), b"");
    let peer = connected(&server);
    client.say_goodbye();
    assert_eq!(client.read_to_end(), (vec![], End::Proper), "the server replies with close_notify");
    assert_eq!(disconnected(&server), (peer, DisconnectReason::ConnectionLost));
}

/// If a byte changes on the way, the connection ends with an alert, and the message is not delivered.
#[test]
fn tampered_record_ends_the_connection() {
    in_each_version(|server, mut client, peer| {
        let mut ciphertext = client.encrypt(&frame(TEXT, b"pay ann 10"));
        *ciphertext.last_mut().expect("bytes") ^= 1;
        std::io::Write::write_all(&mut client.stream, &ciphertext).expect("the server reads");
        let error = client.read_frame().expect_err("an alert").to_string();
        assert!(error.contains("BadRecordMac"), "{error}");
        drop(client);
        assert_eq!(disconnected(server), (peer, DisconnectReason::ConnectionLost));
    });
}

/// Violations of the WebSocket protocol get a Close frame, as without TLS.
#[test]
fn protocol_errors_get_their_close_code() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    for (bytes, code) in [(frame(TEXT, b"\xff"), 1007), (frame(3, b""), 1002), (frame(TEXT, &[b'x'; 65_537]), 1009)] {
        let mut client = Client::open_with(addr, &certificates.current(), b"");
        connected(&server);
        client.send(&bytes);
        assert_eq!(client.expect_frame().code(), code);
        assert_eq!(client.read_to_end(), (vec![], End::Proper));
        drop(client);
        assert!(
            matches!(disconnected(&server).1, DisconnectReason::ProtocolViolation { code: sent, .. } if sent == code)
        );
    }
}

#[test]
fn shutdown_closes_with_1001() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    let mut client = Client::open_with(addr, &certificates.current(), &frame(TEXT, b"hello"));
    connected(&server);
    assert_eq!(text(&server).1, "hello");
    server.handle().shut_down();
    assert_eq!(client.expect_frame().code(), 1001);
    client.send(&frame(CLOSE, &1001_u16.to_be_bytes()));
    assert_eq!(client.read_to_end(), (vec![], End::Proper));
}
