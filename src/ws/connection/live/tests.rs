//! How a connection behaves, on a real pair of sockets.

use super::*;
use std::net::TcpListener;

/// A connection, and the other end of its socket.
fn pair() -> (Live, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let (stream, _) = listener.accept().expect("a connection");
    (Live::new(Role::Server, Arc::new(stream), None, &Config::default()), peer)
}

/// A Close frame of a client, masked with zeros.
fn close_frame(code: u16) -> Vec<u8> {
    [&[0x88, 0x82, 0, 0, 0, 0][..], &code.to_be_bytes()].concat()
}

#[test]
fn the_first_close_is_the_reason_even_while_its_answer_waits() {
    let (mut live, _peer) = pair();
    let frame = close_frame(4000);
    assert!(matches!(live.digest(&mut &frame[..], &Config::default()), Digest::Over(Ending::Close)));
    live.close(1001, "going");
    assert!(live.conclude(Ending::Close));
    assert_eq!(live.into_reason(), DisconnectReason::ByPeer { code: 4000, reason: String::new() });
}

#[test]
fn a_socket_that_fails_gets_nothing_more() {
    let (mut live, peer) = pair();
    live.cut();
    drop(peer);
    live.send(b"\x81\x02hi");
    live.send(b"\x81\x02hi");
    assert_eq!((live.settle(), live.is_open(), live.waiting()), (Settled::Done, false, 0));
}

#[test]
fn codes_that_must_not_be_sent_are_not() {
    for (asked, sent) in [(1000, 1000_u16), (4999, 4999), (1005, 1011), (1006, 1011), (0, 1011), (5000, 1011)] {
        let (mut live, mut peer) = pair();
        live.close(asked, "");
        live.settle();
        let mut frame = [0; 4];
        peer.set_read_timeout(Some(std::time::Duration::from_secs(5))).expect("a timeout");
        std::io::Read::read_exact(&mut peer, &mut frame).expect("a Close frame");
        assert_eq!(frame[2..], sent.to_be_bytes(), "{asked}");
    }
}

#[test]
fn a_reason_is_cut_between_characters() {
    let long = format!("{}\u{e9}", "x".repeat(122));
    for (why, length) in [("", 0), ("bye", 3), (&"x".repeat(200), 123), (&long, 122)] {
        assert_eq!(shorten(why).len(), length);
    }
}
