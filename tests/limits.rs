//! Each bound: what happens at it, and what above it.

mod support;

use std::cell::Cell;
use std::time::{Duration, Instant};

use chinwag::{Config, DisconnectReason, Server};
use serde_json::json;
use support::frames::{PING, PONG, RawClient, TEXT, frame, handshake, header};
use support::raw::Answer;
use support::serving::{addr, connected, disconnected, serve, text};
use support::{Client, DEADLINE, http, start_binary, wait_until};
use tungstenite::Error;

/// The status of a handshake with these headers.
fn status(addr: std::net::SocketAddr, headers: &[(&str, &str)]) -> u16 {
    match Client::try_connect(addr, &[], headers) {
        Ok(_) => 101,
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("no HTTP answer: {other}"),
    }
}

#[test]
fn connections_in_all_are_limited() {
    let mut config = Config::default();
    config.max_connections = 3;
    let server = serve(config);
    let mut clients: Vec<_> = (0..3).map(|_| Client::connect(addr(&server), &[])).collect();
    for _ in 0..3 {
        let answer = support::raw::get(addr(&server), "/");
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("10")), "{answer:?}");
        assert!(answer.header("date").is_some_and(|date| date.ends_with(" GMT")), "{answer:?}");
        let head = http(addr(&server), &format!("HEAD / HTTP/1.1\r\nHost: {}\r\n\r\n", addr(&server)));
        let length = answer.body.len().to_string();
        assert_eq!((head.status, head.body.len(), head.header("content-length")), (503, 0, Some(&*length)));
        assert_eq!(status(addr(&server), &[]), 503);
    }
    clients[0].close(1000);
    wait_until(DEADLINE, "somebody else comes in", || status(addr(&server), &[]) == 101);
    clients[1].close(1000);
}

/// While the program does not receive events, threads wait to send them. Each one keeps the place of its connection.
#[test]
fn connections_that_have_ended_count_until_their_event_is_queued() {
    let mut config = Config::default();
    (config.max_connections, config.event_capacity) = (2, 1);
    let server = serve(config);
    let connect = |_| (Client::connect(addr(&server), &[]), connected(&server));
    let (mut clients, peers): (Vec<_>, Vec<_>) = (0..2).map(connect).unzip();
    clients[0].say("a message fills the channel");
    wait_until(DEADLINE, "it is full", || server.events().is_full());
    drop(clients);
    wait_until(DEADLINE, "both have ended", || peers.iter().all(|peer| !peer.send("x")));
    for _ in 0..5 {
        assert_eq!(status(addr(&server), &[]), 503);
    }
    text(&server);
    (0..2).for_each(|_| drop(disconnected(&server)));
    wait_until(DEADLINE, "a place is free", || status(addr(&server), &[]) == 101);
}

#[test]
fn handshakes_in_progress_are_limited() {
    let mut config = Config::default();
    config.max_handshakes = 2;
    let server = serve(config);
    let open = Client::connect(addr(&server), &[]);
    // Its handshake has left its place then, which the answer alone does not say.
    connected(&server);
    let mut waiting: Vec<_> = (0..2).map(|_| RawClient::connect(addr(&server))).collect();
    wait_until(DEADLINE, "both wait", || status(addr(&server), &[]) == 503);
    let head = handshake(addr(&server), "");
    waiting[0].send(&head);
    assert!(waiting[0].read_head().starts_with("HTTP/1.1 101"));
    wait_until(DEADLINE, "a handshake that is done leaves its place to another one", || {
        status(addr(&server), &[]) == 101
    });
    drop(open);
}

/// Behind a trusted proxy, each client has its own bound, and its own address.
#[test]
fn connections_per_forwarded_address_are_limited() {
    let mut config = Config::default();
    config.max_connections_per_address = 5;
    let builder = Server::builder().config(config).trusted_proxies(["127.0.0.1".parse().expect("an address")]);
    let server = builder.listen("127.0.0.1:0").expect("a free port").start().expect("threads enough");
    let from = |address| [("X-Forwarded-For", address)];
    let connect = |address| Client::try_connect(addr(&server), &[], &from(address));
    let mut first = connect("203.0.113.9").expect("a seat");
    let _others: Vec<_> = (0..4).map(|_| connect("198.51.100.1, 203.0.113.9").expect("another seat")).collect();
    assert_eq!(connected(&server).addr().to_string(), "203.0.113.9:0");
    assert_eq!(status(addr(&server), &from("203.0.113.9")), 503);
    let head = format!("HEAD / HTTP/1.1\r\nHost: {}\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n", addr(&server));
    let refused = support::http(addr(&server), &head);
    assert_eq!((refused.status, refused.body.len()), (503, 0), "RFC 9110 9.3.2");
    assert_eq!(status(addr(&server), &from("2001:db8::1")), 101);
    first.close(1000);
    // As soon as its seat is free, and the two seconds have passed that one opening of five in ten seconds takes.
    wait_until(DEADLINE, "another one in its place", || status(addr(&server), &from("203.0.113.9")) == 101);
}

/// Those of other senders are ignored.
#[test]
fn forwarded_address_counts_from_trusted_proxies_only() {
    let server = serve(Config::default());
    let client = Client::try_connect(addr(&server), &[], &[("X-Forwarded-For", "203.0.113.9")]).expect("a seat");
    assert_eq!(connected(&server).addr(), client.addr());

    let chinwag = start_binary(&["-v", "--trusted-proxy", "127.0.0.1"]);
    let _client = Client::try_connect(chinwag.addr(), &[], &[("X-Forwarded-For", "203.0.113.9")]).expect("a seat");
    chinwag.wait_for_log("from 203.0.113.9:0: open");
}

#[test]
fn message_size_is_limited_in_one_frame_or_many() {
    let mut config = Config::default();
    config.max_message_size = 1000;
    let server = serve(config);
    let whole = frame(TEXT, &[b'x'; 1000]);
    let first = |length: usize| {
        let mut bytes = header(TEXT, length);
        bytes[0] = TEXT; // not the last fragment
        [bytes, vec![b'x'; length]].concat()
    };
    let in_two = [first(500), frame(0, &[b'x'; 500])].concat();
    for bytes in [whole, in_two] {
        let mut client = RawClient::open(addr(&server));
        connected(&server);
        client.send(&bytes);
        assert_eq!(support::serving::text(&server).1.len(), 1000);
        drop(client);
        disconnected(&server);
    }
    let one_more = frame(TEXT, &[b'x'; 1001]);
    let one_more_in_two = [first(500), frame(0, &[b'x'; 501])].concat();
    for bytes in [one_more, one_more_in_two, header(TEXT, usize::MAX >> 1)] {
        let mut client = RawClient::open(addr(&server));
        connected(&server);
        client.send(&bytes);
        assert_eq!(client.expect_close_and_fin(), 1009);
        drop(client);
        assert!(matches!(disconnected(&server).1, DisconnectReason::ProtocolViolation { code: 1009, .. }));
    }
}

/// A frame that announces much reserves nothing above the bound.
#[test]
fn huge_frame_header_allocates_nothing() {
    let chinwag = start_binary(&[]);
    let before = support::process::usage(chinwag.pid()).rss_kib;
    let mut clients: Vec<_> = (0..50).map(|_| RawClient::open(chinwag.addr())).collect();
    for client in &mut clients {
        client.send(&header(TEXT, 65_536));
        client.send(b"x");
        client.send(&frame(PING, b""));
    }
    let grown = support::process::usage(chinwag.pid()).rss_kib.saturating_sub(before);
    assert!(grown < 50 * 100, "{grown} KiB for 50 connections");
}

/// Ten seconds' worth of Pings are answered, each of them; then it is a flood.
#[test]
fn too_many_pings_are_closed_with_1008() {
    let mut config = Config::default();
    config.control_frames_per_second = 5;
    let server = serve(config);
    let mut client = RawClient::open(addr(&server));
    connected(&server);
    for _ in 0..50 {
        client.send(&frame(PING, b"x"));
        assert_eq!(client.expect_frame().opcode, PONG);
    }
    client.send(&frame(PING, b"x").repeat(1000));
    assert_eq!(client.expect_close_and_fin(), 1008);
    drop(client);
    assert!(matches!(disconnected(&server).1, DisconnectReason::ProtocolViolation { code: 1008, .. }));
}

/// Fragments may be short, but a peer shall not keep the server busy with empty ones for ever.
#[test]
fn too_many_empty_fragments_are_closed_with_1008() {
    let mut config = Config::default();
    config.max_message_size = 1000;
    config.control_frames_per_second = 0;
    let server = serve(config);
    let mut client = RawClient::open(addr(&server));
    connected(&server);
    let first = [0x01, 0x80, 0, 0, 0, 0];
    let more = [0x00, 0x80, 0, 0, 0, 0];
    client.send(&[&first[..], &more.repeat(9_000)].concat());
    client.send(&[&[0x80, 0x82, 0, 0, 0, 0][..], b"hi"].concat());
    assert_eq!(text(&server).1, "hi", "so many are no flood");
    client.send(&first);
    // It may have ended before all is sent.
    let _ = client.try_send(&more.repeat(20_000));
    assert_eq!(client.expect_close_and_fin(), 1008);
    drop(client);
    assert!(matches!(disconnected(&server).1, DisconnectReason::ProtocolViolation { code: 1008, .. }));
}

/// In the chat: the burst is heard, what follows is `too-fast`, and who goes on regardless is put out.
#[test]
fn messages_per_second_are_limited() {
    let chinwag = start_binary(&["--limit", "rate=1", "--limit", "burst=20"]);
    let mut ann = Client::connect(chinwag.addr(), &["chinwag.v1"]);
    ann.sign_in("ann");
    for _ in 0..100 {
        ann.say_json(&json!({"type": "message", "text": "spam"}));
    }
    let heard = Cell::new(0);
    let refused = ann.wait_until("the first refusal", |object| {
        heard.set(heard.get() + u32::from(object["type"] == "message"));
        object["type"] == "error"
    });
    assert_eq!(refused["reason"], "too-fast");
    let heard = heard.get();
    assert!((19..=22).contains(&heard), "{heard} of a burst of 20, the sign-in among them");
    assert_eq!(ann.wait_for_close().0, 1008);
}

#[test]
fn refused_messages_in_a_row_are_limited() {
    let chinwag = start_binary(&["--limit", "strikes=5", "--limit", "rate=0"]);
    let mut ann = Client::connect(chinwag.addr(), &["chinwag.v1"]);
    for _ in 0..4 {
        ann.say("no JSON");
        assert_eq!(ann.wait_for("error")["reason"], "bad-json");
    }
    ann.sign_in("ann"); // one that is fine, and the count begins again
    for _ in 0..5 {
        ann.say("no JSON");
    }
    assert_eq!(ann.wait_for_close().0, 1008);
}

/// Loopback has no bound per address, and with `--no-limits` nothing is refused for being too much.
#[test]
fn no_limits_turns_all_limits_off() {
    let chinwag = start_binary(&["--no-limits", "--history-lines", "0"]);
    let mut ann = Client::connect(chinwag.addr(), &["chinwag.v1"]);
    ann.sign_in("ann");
    for _ in 0..2000 {
        ann.say_json(&json!({"type": "message", "text": "as fast as it goes"}));
    }
    for _ in 0..2000 {
        ann.wait_for("message");
    }
    let mut pinger = RawClient::open(chinwag.addr());
    pinger.send(&frame(PING, b"x").repeat(2000));
    let pongs = (0..2001).filter(|_| pinger.expect_frame().opcode == PONG).count();
    assert_eq!(pongs, 2000, "and one text that says its id");
    let others: Vec<_> = (0..300).map(|_| RawClient::connect(chinwag.addr())).collect();
    assert_eq!(status(chinwag.addr(), &[]), 101);
    drop(others);
}

/// A name costs the chat's thread no more than a name may, however long it is.
#[test]
fn long_name_delays_no_other_client() {
    let chinwag = start_binary(&[]);
    let mut eve = Client::connect(chinwag.addr(), &["chinwag.v1"]);
    let mut ann = Client::connect(chinwag.addr(), &["chinwag.v1"]);
    eve.sign_in("eve");
    let target = format!("{}ん", "・".repeat(20_000));
    eve.say_json(&json!({"type": "message", "text": "x", "target": target}));
    assert_eq!(eve.wait_for("error")["reason"], "no-such-user");
    ann.sign_in("ann"); // in time: every wait has a deadline
}

/// However many are refused, a kind of refusal is logged once a second, with its number.
#[cfg(unix)]
#[test]
fn rejections_are_logged_once_a_second() {
    let chinwag = start_binary(&["--limit", "connections=1"]);
    let _ann = Client::connect(chinwag.addr(), &["text"]);
    let begin = Instant::now();
    for _ in 0..100 {
        assert_eq!(status(chinwag.addr(), &[]), 503);
        drop(support::raw(chinwag.addr(), b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"));
    }
    chinwag.signal("TERM");
    let seconds = begin.elapsed().as_secs() as usize;
    let (_, said) = chinwag.wait_for_exit(2 * DEADLINE);
    let lines = said.iter().filter(|line| line.contains("503")).count();
    assert!((1..=seconds + 1).contains(&lines), "{lines} lines in {seconds} s: {said:#?}");
}

/// A TLS ClientHello is answered in plain text, and logged as what it is.
#[test]
fn tls_on_a_plain_port_is_logged() {
    let chinwag = start_binary(&[]);
    let answer = Answer::parse(&support::raw(chinwag.addr(), b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"));
    assert_eq!(answer.status, 400);
    chinwag.wait_for_log("does not use TLS");
}

/// What peers send and the log shows cannot forge lines or talk to the terminal.
#[cfg(unix)]
#[test]
fn peer_bytes_are_escaped_in_the_log() {
    let chinwag = start_binary(&["-vv"]);
    let nasty = [
        handshake(chinwag.addr(), "Origin: http://evil\x1b[2J.example\r\n"),
        handshake(chinwag.addr(), "Sec-WebSocket-Protocol: x\u{9b}2J\r\n"),
        handshake(chinwag.addr(), "Origin: http://e\u{202e}vil.example\r\n"),
        b"GET /\x1b[2J HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        "GET /\u{9b}2J\u{202e} HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
        b"GET / HTTP/1.1\r\nHost: evil\x07.example\r\n\r\n".to_vec(),
        b"\x1b[31mGET / HTTP/1.1\r\n\r\n".to_vec(),
    ];
    for request in nasty {
        support::raw(chinwag.addr(), &request);
    }
    let mut client = RawClient::open(chinwag.addr());
    client.send(&frame(8, b"\x03\xe8bye\nFORGED \x1b[2J\xe2\x80\xae"));
    client.expect_close_and_fin();
    drop(client);
    chinwag.wait_for_log("bye");
    chinwag.signal("TERM");
    let (_, said) = chinwag.wait_for_exit(DEADLINE + Duration::from_secs(3));
    let hidden = |c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c);
    assert!(!said.iter().any(|line| line.contains(hidden) || line.starts_with("FORGED")), "{said:#?}");
}
