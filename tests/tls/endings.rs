//! How connections end over TLS: `close_notify` behind the Close frame, and what it means when it is missing.

use chinwag::{Config, DisconnectReason};

use super::certificates::Certificates;
use super::client::{Client, End};
use super::support::frames::{CLOSE, TEXT, frame};
use super::support::serving::{connected, disconnected, text};
use super::{in_each_version, serve};

/// Close frame, `close_notify`, FIN, in this order; in both versions.
#[test]
fn a_close_is_answered_then_comes_close_notify_then_the_fin() {
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

/// A client that says Close, `close_notify` and FIN without waiting still gets its answer: no reset destroys it.
#[test]
fn who_says_all_at_once_still_hears_the_answer() {
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

/// A FIN out of nowhere is what an attacker on the way can make: it is no proper end. Nor is `close_notify` without a Close.
#[test]
fn an_end_without_a_close_frame_is_lost() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    let client = Client::open_with(addr, &certificates.current(), b"");
    let peer = connected(&server);
    client.fin();
    assert_eq!(disconnected(&server), (peer, DisconnectReason::ConnectionLost));

    let mut client = Client::open_with(addr, &certificates.current(), b"");
    let peer = connected(&server);
    client.say_goodbye();
    assert_eq!(client.read_to_end(), (vec![], End::Proper), "it is answered in kind");
    assert_eq!(disconnected(&server), (peer, DisconnectReason::ConnectionLost));
}

/// A byte changed on the way: the connection ends with an alert, and what was changed is never taken for a message.
#[test]
fn what_was_tampered_with_ends_the_connection() {
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

/// A violation of WebSocket inside of sound TLS is told in a Close frame, as ever.
#[test]
fn a_broken_frame_gets_its_close_code() {
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

/// A shutdown reaches those with TLS as well.
#[test]
fn a_shutdown_says_1001() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    let mut client = Client::open_with(addr, &certificates.current(), &frame(TEXT, b"hello"));
    connected(&server);
    assert_eq!(text(&server).1, "hello");
    server.shutdown_handle().start();
    assert_eq!(client.expect_frame().code(), 1001);
    client.send(&frame(CLOSE, &1001_u16.to_be_bytes()));
    assert_eq!(client.read_to_end(), (vec![], End::Proper));
}
