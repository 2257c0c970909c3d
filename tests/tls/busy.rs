//! Connections that are lent to the relay while they are busy (tests/relay.rs), over TLS.

use std::time::Instant;

use chinwag::{DisconnectReason, Server};

use super::certificates::Certificates;
use super::client::{Client, End};
use super::support::DEADLINE;
use super::support::frames::{CLOSE, TEXT, frame};
use super::support::poller_log::{are_polled, record, was_handed_back};
use super::support::serving::Echo;

fn talk(client: &mut Client) {
    let texts = (0..20).flat_map(|number| frame(TEXT, format!("{number}").as_bytes()));
    client.send(&texts.collect::<Vec<u8>>());
    for number in 0..20 {
        assert_eq!(client.expect_frame().payload, number.to_string().into_bytes());
    }
}

#[test]
fn busy_connections_are_served_and_closed() {
    record();
    let certificates = Certificates::new();
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < DEADLINE, "nobody was lent when it ended");
        let server = Server::builder().listen_tls("127.0.0.1:0", &certificates.acceptor()).expect("a free port");
        let echo = Echo::of(server.start().expect("threads and descriptors enough"));
        let trusted = certificates.current();
        let mut clients: Vec<Client> = (0..4).map(|_| Client::open_with(echo.addr, &trusted, b"")).collect();
        let ids = echo.ids(4);
        while !are_polled(&ids) {
            clients.iter_mut().for_each(talk);
            assert!(begin.elapsed() < DEADLINE, "they are not lent");
        }
        let mut one = clients.remove(0);
        one.send(&[frame(TEXT, b"last"), frame(CLOSE, &1000_u16.to_be_bytes())].concat());
        assert_eq!(one.expect_frame().payload, b"last");
        assert_eq!(one.expect_frame().code(), 1000);
        assert_eq!(one.read_to_end(), (vec![], End::Proper));
        clients.iter_mut().for_each(talk);
        drop((one, clients));
        // The others end at the same time, so the order is open.
        assert!(echo.stop().contains(&(ids[0], DisconnectReason::ClosedByPeer { code: 1000, reason: String::new() })));
        if was_handed_back(ids[0], "ended") {
            return;
        }
    }
}
