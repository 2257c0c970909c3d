//! Reading and writing at once, over TLS.

use std::sync::Barrier;

use chinwag::{Config, DisconnectReason};

use super::certificates::Certificates;
use super::client::{Client, End, VERSIONS};
use super::support::frames::{CLOSE, PING, PONG, TEXT, frame};
use super::support::serving::{connected, disconnected, text};
use super::{in_each_version, serve};

/// The server's reader waits for a client that says nothing; another thread sends a thousand messages; a third closes.
#[test]
fn connection_is_used_by_three_threads() {
    in_each_version(|server, mut client, peer| {
        let sent = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (0..1000).for_each(|number| assert!(peer.send(format!("{number}"))));
                sent.wait();
            });
            scope.spawn(|| {
                sent.wait();
                peer.close(4000, "enough").expect("a code that may be sent");
            });
            for number in 0..1000 {
                assert_eq!(client.expect_frame().payload, number.to_string().into_bytes());
            }
        });
        let close = client.expect_frame();
        assert_eq!((close.opcode, close.code()), (CLOSE, 4000));
        client.send(&frame(CLOSE, &4000_u16.to_be_bytes()));
        assert_eq!(client.read_to_end(), (vec![], End::Proper));
        drop(client);
        assert_eq!(disconnected(server), (peer, DisconnectReason::ClosedLocally { code: 4000 }));
    });
}

/// Eight threads send to a client that is being read from meanwhile: each in its order, nothing torn.
#[test]
fn many_threads_send_while_the_client_sends() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    let mut client = Client::open_with(addr, &certificates.current(), b"");
    let peer = connected(&server);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let peer = peer.clone();
            scope.spawn(move || (0..100).for_each(|number| assert!(peer.send(format!("{thread} {number}")))));
        }
        let mut next = [0; 8];
        for round in 0..800 {
            if round % 8 == 0 {
                client.send(&frame(TEXT, b"meanwhile"));
            }
            let said = String::from_utf8(client.expect_frame().payload).expect("text");
            let (thread, number) = said.split_once(' ').expect("two numbers");
            let thread: usize = thread.parse().expect("a number");
            assert_eq!(number.parse(), Ok(next[thread]));
            next[thread] += 1;
        }
    });
    for _ in 0..100 {
        assert_eq!(text(&server).1, "meanwhile");
    }
}

/// Messages of all sizes, there and back, in both versions: many records for one message, many messages in one record.
#[test]
fn messages_of_all_sizes_are_echoed() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    std::thread::spawn(move || echo(&server));
    for version in VERSIONS {
        let mut client = Client::connect(addr, &certificates.current(), version);
        client.upgrade(addr, b"");
        for size in [0, 1, 125, 126, 500, 1024, 4096, 16_383, 16_384, 16_385, 40_000, 65_535, 65_536] {
            let payload = vec![b'a' + (size % 26) as u8; size];
            client.send(&frame(TEXT, &payload));
            assert!(client.expect_frame().payload == payload, "{size}");
        }
        let many: Vec<u8> = (0..200).flat_map(|number| frame(TEXT, format!("{number}").as_bytes())).collect();
        client.send(&many);
        for number in 0..200 {
            assert_eq!(client.expect_frame().payload, number.to_string().into_bytes());
        }
        client.send(&frame(PING, b"there?"));
        assert_eq!(client.expect_frame().opcode, PONG);
    }
}

/// Ciphertext may arrive in any pieces, and frames in the same record as the request.
#[test]
fn records_may_be_split_anywhere() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    std::thread::spawn(move || echo(&server));
    let early: Vec<u8> = (0..100).flat_map(|number| frame(TEXT, format!("early {number}").as_bytes())).collect();
    let half = frame(TEXT, b"in two parts");
    let mut client = Client::open_with(addr, &certificates.current(), &[&early[..], &half[..5]].concat());
    for number in 0..100 {
        assert_eq!(client.expect_frame().payload, format!("early {number}").into_bytes());
    }
    for byte in client.encrypt(&half[5..]) {
        std::io::Write::write_all(&mut client.stream, &[byte]).expect("the server reads");
    }
    assert_eq!(client.expect_frame().payload, b"in two parts");
}

/// The client requests new keys (RFC 8446 4.6.3). No message is lost, and the server also changes its keys.
#[test]
fn keys_are_updated_while_messages_flow() {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    std::thread::spawn(move || echo(&server));
    let mut client = Client::open_with(addr, &certificates.current(), b"");
    for number in 0..20 {
        client.tls.refresh_traffic_keys().expect("TLS 1.3 can");
        client.send(&frame(TEXT, format!("{number}").as_bytes()));
        assert_eq!(client.expect_frame().payload, number.to_string().into_bytes());
    }
}

/// One of 200 clients has stopped. Each of the others receives everything in order.
#[test]
fn stopped_client_does_not_delay_two_hundred_others() {
    let certificates = Certificates::new();
    let mut config = Config::default();
    config.max_connections_per_address = 0;
    let (server, addr) = serve(config, &certificates);
    let chat = std::thread::spawn(move || super::reload::broadcast(&server));
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..200 {
        let mut client = Client::open_with(addr, &certificates.current(), &frame(TEXT, b"in"));
        while client.expect_frame().payload != b"in" {}
        clients.push(client);
    }
    let _stopped = clients.pop();
    let mut said = Vec::new();
    for round in 0..50 {
        said = format!("{round} {}", "x".repeat(5000)).into_bytes();
        clients[round].send(&frame(TEXT, &said));
        for client in &mut clients {
            let mut heard = client.expect_frame();
            while round == 0 && heard.payload == b"in" {
                heard = client.expect_frame();
            }
            assert!(heard.payload == said, "round {round}");
        }
    }
    assert_eq!(said.len(), 5003);
    drop((clients, chat));
}

/// An echo that ends with the server.
fn echo(server: &chinwag::Server) {
    for event in server.events() {
        if let chinwag::Event::Message(peer, message) = event {
            peer.send(message);
        }
    }
}
