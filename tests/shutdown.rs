//! A shutdown closes all connections, does not wait for unresponsive clients, and ends the events.

mod support;

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use chinwag::{Access, Config, DisconnectReason, Event, Handle, Server};
use crossbeam_channel::RecvTimeoutError;
use support::frames::{CLOSE, RawClient, TEXT, frame};
use support::serving::{addr, connected, serve};
use support::{Client, DEADLINE, wait_until};

/// The remaining events, up to the end of the channel.
#[track_caller]
fn rest(server: &Server) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        match server.events().recv_timeout(DEADLINE) {
            Ok(event) => events.push(event),
            Err(RecvTimeoutError::Disconnected) => return events,
            Err(RecvTimeoutError::Timeout) => panic!("the events do not end: {events:?}"),
        }
    }
}

#[test]
fn all_clients_receive_1001_and_the_events_end() {
    let server = serve(Config::default());
    let clients: Vec<_> = (0..20).map(|_| Client::connect(addr(&server), &[])).collect();
    for _ in 0..20 {
        connected(&server);
    }
    let shutdown = server.handle();
    shutdown.shut_down();
    for mut client in clients {
        assert_eq!(client.wait_for_close().0, 1001);
        client.wait_for_end();
    }
    let ends = rest(&server);
    assert_eq!(ends.len(), 20);
    let ours = |event: &Event| matches!(event, Event::Disconnected(_, DisconnectReason::ClosedLocally { code: 1001 }));
    assert!(ends.iter().all(ours), "{ends:?}");
    shutdown.shut_down();
}

#[test]
fn repeated_shutdown_has_no_effect() {
    let server = serve(Config::default());
    let _client = Client::connect(addr(&server), &[]);
    connected(&server);
    let handles: Vec<Handle> = (0..4).map(|_| server.handle()).collect();
    std::thread::scope(|scope| handles.iter().for_each(|handle| drop(scope.spawn(|| handle.shut_down()))));
    handles[0].shut_down();
    drop(server);
    handles[1].shut_down();
}

/// A connection in its handshake is cut at once.
#[test]
fn handshakes_in_progress_are_cut() {
    let server = serve(Config::default());
    let mut half = RawClient::connect(addr(&server));
    half.send(b"GET / HTTP/1.1\r\nHost:");
    let whole = Client::connect(addr(&server), &[]); // accepted behind it, so both are in
    connected(&server);
    let begin = Instant::now();
    server.handle().shut_down();
    drop(whole);
    assert_eq!(rest(&server).len(), 1);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    assert!(!matches!(half.read_frame(), Ok(Some(_))), "no 101 after the end");
}

#[test]
fn new_connections_are_refused() {
    let server = serve(Config::default());
    server.handle().shut_down();
    wait_until(DEADLINE, "no listener", || TcpStream::connect(addr(&server)).is_err());
    assert!(rest(&server).is_empty());
}

/// A client that ignores the Close frame, or does not read it, is cut at the deadline.
#[test]
fn unresponsive_clients_are_cut_at_the_deadline() {
    let mut config = Config::default();
    config.close_timeout = Duration::from_millis(300);
    let server = serve(config);
    let mute = RawClient::open(addr(&server));
    let deaf = RawClient::open(addr(&server));
    let (first, second) = (connected(&server), connected(&server));
    for _ in 0..1000 {
        first.send("x".repeat(200));
        second.send("x".repeat(200));
    }
    let begin = Instant::now();
    server.handle().shut_down();
    assert_eq!(rest(&server).len(), 2);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    drop((mute, deaf));
}

/// Messages that were sent before the shutdown still arrive.
#[test]
fn messages_sent_before_the_shutdown_arrive() {
    let server = serve(Config::default());
    let mut client = RawClient::open(addr(&server));
    let peer = connected(&server);
    peer.send("before");
    server.handle().shut_down();
    assert!(!peer.send("after"));
    assert_eq!(client.expect_frame().payload, b"before");
    assert_eq!(client.expect_frame().code(), 1001);
    client.send(&frame(CLOSE, &1001_u16.to_be_bytes()));
    assert!(client.read_to_fin().is_empty());
    assert_eq!(rest(&server).len(), 1);
}

/// Connections that wait because the channel is full end as well.
#[test]
fn full_channel_does_not_block_the_end() {
    let mut config = Config::default();
    // Room for five times Connected and two messages.
    (config.event_capacity, config.close_timeout) = (7, Duration::from_millis(300));
    let server = serve(config);
    let mut clients: Vec<_> = (0..5).map(|_| RawClient::open(addr(&server))).collect();
    for client in &mut clients {
        client.send(&frame(TEXT, b"x").repeat(10));
    }
    wait_until(DEADLINE, "the channel is full", || server.events().len() == 7);
    server.handle().shut_down();
    let ends = rest(&server).iter().filter(|event| matches!(event, Event::Disconnected(..))).count();
    assert_eq!(ends, 5);
}

/// While the channel is full, new connections wait for their response. They end like all others.
#[test]
fn full_channel_does_not_block_pending_handshakes() {
    let mut config = Config::default();
    (config.event_capacity, config.close_timeout) = (2, Duration::from_millis(300));
    let server = serve(config);
    let head = support::frames::handshake(addr(&server), "");
    let mut clients: Vec<_> = (0..5).map(|_| RawClient::connect(addr(&server))).collect();
    clients.iter_mut().for_each(|client| client.send(&head));
    wait_until(DEADLINE, "the channel is full", || server.events().len() == 2);
    server.handle().shut_down();
    let events = rest(&server);
    let ends = events.iter().filter(|event| matches!(event, Event::Disconnected(..))).count();
    assert!(ends >= 2 && events.len() == 2 * ends, "{events:?}");
    for client in clients {
        client.socket().set_read_timeout(Some(DEADLINE)).expect("a timeout");
        let mut all = Vec::new();
        // A reset is an end, too; nothing in time is none.
        if let Err(why) = client.socket().read_to_end(&mut all) {
            assert_eq!(why.kind(), ErrorKind::ConnectionReset);
        }
        assert!(all.is_empty() || all.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&all));
    }
}

/// The shutdown does not wait for delayed responses to wrong tokens.
#[test]
fn delayed_responses_do_not_delay_the_shutdown() {
    let access = Access::default().token("s3cret").expect("a token");
    let server = Server::builder().access(access).listen("127.0.0.1:0").expect("a free port").start();
    let server = server.expect("threads enough");
    let head = support::frames::handshake(addr(&server), "Authorization: Bearer wrong\r\n");
    let guesses: Vec<_> = (0..8)
        .map(|_| {
            let mut client = RawClient::connect(addr(&server));
            client.send(&head);
            client
        })
        .collect();
    let right = [("Authorization", "Bearer s3cret")];
    // One right token after another, until the wrong ones are so many that it is not looked at.
    wait_until(DEADLINE, "429", || {
        matches!(Client::try_connect(addr(&server), &[], &right),
            Err(tungstenite::Error::Http(response)) if response.status() == 429)
    });
    let begin = Instant::now();
    server.handle().shut_down();
    rest(&server);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    drop(guesses);
}
