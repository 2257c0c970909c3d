//! What a program does with all peers, and with one: `broadcast`, `peers`, `ping`.

mod support;

use chinwag::{Config, Message};
use support::frames::{PING, PONG, RawClient, frame};
use support::serving::{addr, connected, disconnected, serve};
use support::{Client, DEADLINE, wait_until};

#[test]
fn broadcast_reaches_every_open_peer() {
    let server = serve(Config::default());
    assert_eq!(server.broadcast("nobody"), 0);
    let mut clients: Vec<_> = (0..5).map(|_| Client::connect(addr(&server), &[])).collect();
    let peers: Vec<_> = (0..5).map(|_| connected(&server)).collect();
    assert!(peers.iter().all(|peer| server.peers().contains(peer)) && server.peers().len() == 5);
    let message = Message::from("to all".to_owned());
    assert_eq!(server.broadcast(&message), 5);
    assert_eq!(server.broadcast(vec![1, 2]), 5);
    for client in &mut clients {
        assert_eq!(client.next_text(), "to all");
        assert_eq!(client.try_next().expect("a message").into_data()[..], [1, 2]);
    }
    clients.pop().expect("a client").close(1000);
    disconnected(&server);
    wait_until(DEADLINE, "the peer is removed", || server.peers().len() == 4);
    assert_eq!(server.broadcast(&message), 4);
    peers[0].close(1000, "").expect("a code that may be sent");
    assert!(server.broadcast(&message) <= 3, "a peer that is closing gets nothing");
    server.handle().shut_down();
    assert_eq!((server.broadcast("late"), server.peers().len()), (0, 0));
}

#[test]
fn round_trip_is_measured_by_the_answer_to_the_last_ping() {
    let server = serve(Config::default());
    let mut client = RawClient::open(addr(&server));
    let peer = connected(&server);
    client.send(&frame(PONG, b"unasked"));
    assert!(peer.ping() && peer.round_trip_time().is_none());
    let first = client.expect_frame();
    assert!(peer.ping());
    let second = client.expect_frame();
    assert_eq!((first.opcode, second.opcode), (PING, PING));
    // Only the last Ping counts. The text shows that the server has read what came before it.
    for (payload, is_measured) in [(&b""[..], false), (b"12345678", false), (&second.payload, true)] {
        client.send(&frame(PONG, payload));
        client.send(&frame(support::frames::TEXT, b"read"));
        support::serving::text(&server);
        assert_eq!(peer.round_trip_time().is_some(), is_measured, "{payload:?}");
    }
    client.send(&frame(support::frames::CLOSE, b""));
    disconnected(&server);
    assert!(!peer.ping());
}
