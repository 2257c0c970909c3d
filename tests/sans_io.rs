//! The protocol without a socket: bytes in, messages and bytes out. Nothing here waits.

use chinwag::sans_io::{Protocol, Role};
use chinwag::{Config, DisconnectReason, Message};
use proptest::prelude::*;

fn server() -> Protocol {
    Protocol::new(Role::Server, Config::default().max_message_size(100))
}

/// A frame of a client, masked with zeros. The payload is short.
fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

/// Messages, and how the connection ended, if it did.
type Outcome = (Vec<Message>, Option<DisconnectReason>);

/// Takes all messages, until more bytes are needed or the connection has ended.
fn take(protocol: &mut Protocol) -> Outcome {
    let mut messages = Vec::new();
    loop {
        match protocol.next_message() {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => return (messages, None),
            Err(reason) => {
                assert_eq!(protocol.next_message(), Err(reason.clone()), "the same end again");
                return (messages, Some(reason));
            }
        }
    }
}

/// What a server makes of these bytes if they arrive in such pieces, and what it answers.
fn receive<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Outcome, Vec<u8>) {
    let (mut protocol, mut all, mut answer) = (server(), (Vec::new(), None), Vec::new());
    for piece in pieces {
        protocol.receive(piece);
        let (messages, end) = take(&mut protocol);
        assert!(messages.is_empty() || all.1.is_none(), "a message after the end");
        all.0.extend(messages);
        all.1 = end.or(all.1);
        answer.extend(protocol.bytes_to_send());
    }
    assert_eq!(protocol.send("late"), all.1.is_none());
    (all, answer)
}

fn closed(code: u16, reason: &str) -> Option<DisconnectReason> {
    Some(DisconnectReason::ClosedByPeer { code, reason: reason.into() })
}

/// The code, and a part of the description.
fn violation(code: u16, detail: &str) -> Option<DisconnectReason> {
    Some(DisconnectReason::ProtocolViolation { code, detail: detail.into() })
}

/// The frames of a client, the messages and the end that they mean, and the bytes of the server's answer.
fn table() -> Vec<(&'static str, Vec<u8>, Outcome, Vec<u8>)> {
    let (none, text) = (Vec::new(), |text: &str| vec![Message::from(text)]);
    vec![
        ("a text", frame(0x81, "hi"), (text("hi"), None), none.clone()),
        ("bytes", frame(0x82, [7, 8]), (vec![vec![7, 8].into()], None), none.clone()),
        ("an empty text", frame(0x81, ""), (text(""), None), none.clone()),
        (
            "fragments with a Ping between them",
            [frame(0x01, "h\u{e9}"), frame(0x89, "now"), frame(0x00, ""), frame(0x80, "y")].concat(),
            (text("h\u{e9}y"), None),
            b"\x8a\x03now".to_vec(),
        ),
        (
            "a character in two fragments",
            [frame(1, [0xc3]), frame(0x80, [0xa9])].concat(),
            (text("é"), None),
            none.clone(),
        ),
        ("a Pong that nothing asked for", frame(0x8a, "x"), (vec![], None), none.clone()),
        (
            "a large frame header",
            [&b"\x81\xfe\x00\x64\0\0\0\0"[..], &[b'x'; 100]].concat(),
            (text(&"x".repeat(100)), None),
            none.clone(),
        ),
        (
            "Close, and a message after it",
            [frame(0x81, "hi"), frame(0x88, b"\x0f\xa0bye"), frame(0x81, "late")].concat(),
            (text("hi"), closed(4000, "bye")),
            b"\x88\x05\x0f\xa0bye".to_vec(),
        ),
        ("Close without a code", frame(0x88, ""), (vec![], closed(1005, "")), b"\x88\x00".to_vec()),
        (
            "a text that is not UTF-8",
            [frame(0x81, "hi"), frame(0x81, [0xff])].concat(),
            (text("hi"), violation(1007, "UTF-8")),
            b"\x88\x0f\x03\xefinvalid UTF-8".to_vec(),
        ),
        (
            "a frame that is too large",
            b"\x81\xfe\x00\x65\0\0\0\0".to_vec(),
            (vec![], violation(1009, "101")),
            b"\x88\x11\x03\xf1message too big".to_vec(),
        ),
        (
            "fragments that are too large together",
            [frame(0x01, [b'x'; 60]), frame(0x80, [b'x'; 60])].concat(),
            (vec![], violation(1009, "120")),
            b"\x88\x11\x03\xf1message too big".to_vec(),
        ),
        (
            "a frame without a mask",
            b"\x81\x02hi".to_vec(),
            (vec![], violation(1002, "mask")),
            b"\x88\x10\x03\xeaprotocol error".to_vec(),
        ),
        (
            "a reserved opcode, and a message after it",
            [frame(0x83, "x"), frame(0x81, "late")].concat(),
            (vec![], violation(1002, "opcode")),
            b"\x88\x10\x03\xeaprotocol error".to_vec(),
        ),
    ]
}

/// As `==`, but the description of a violation only contains the expected words.
#[track_caller]
fn assert_same(what: &str, (messages, end): &Outcome, (expected, expected_end): &Outcome) {
    assert_eq!(messages, expected, "{what}");
    match (end, expected_end) {
        (
            Some(DisconnectReason::ProtocolViolation { code, detail }),
            Some(DisconnectReason::ProtocolViolation { code: expected, detail: words }),
        ) => assert!(
            code == expected && detail.to_lowercase().contains(&words.to_lowercase()),
            "{what}: {code} {detail}"
        ),
        _ => assert_eq!(end, expected_end, "{what}"),
    }
}

#[test]
fn frames_become_messages_and_answers_however_they_arrive() {
    for (what, bytes, outcome, answer) in table() {
        for size in [1, 2, 3, 7, bytes.len()] {
            let (found, sent) = receive(bytes.chunks(size));
            assert_same(what, &found, &outcome);
            assert_eq!(sent, answer, "{what}, {size} bytes at a time");
        }
    }
}

/// A program may keep it in a `Mutex`, and use it on any thread.
/// Only bytes that lead to no message are limited, also if they arrive at once.
#[test]
fn many_messages_may_arrive_at_once() {
    let mut protocol = Protocol::new(Role::Server, Config::default());
    let bytes = frame(0x82, [b'x'; 100]).repeat(20_000);
    protocol.receive(&bytes);
    let (messages, end) = take(&mut protocol);
    assert_eq!((messages.len(), end), (20_000, None));
}

#[test]
fn protocol_is_sent_between_threads() {
    let mut protocol = server();
    let sent = std::thread::spawn(move || (protocol.send("hi"), protocol.bytes_to_send()));
    assert_eq!(sent.join().expect("no panic"), (true, b"\x81\x02hi".to_vec()));
}

/// Two ends. Each side's bytes reach the other one in pieces of that size.
fn exchange(client: &mut Protocol, server: &mut Protocol, size: usize) -> (Outcome, Outcome) {
    let mut outcomes = (take(client), take(server));
    loop {
        let (up, down) = (client.bytes_to_send(), server.bytes_to_send());
        if up.is_empty() && down.is_empty() {
            return outcomes;
        }
        for (from, to, (messages, end)) in [(up, &mut *server, &mut outcomes.1), (down, &mut *client, &mut outcomes.0)]
        {
            for piece in from.chunks(size) {
                to.receive(piece);
                let (more, now) = take(to);
                messages.extend(more);
                *end = now.or(end.take());
            }
        }
    }
}

fn pair() -> (Protocol, Protocol) {
    (Protocol::new(Role::Client, Config::client()), Protocol::new(Role::Server, Config::default()))
}

#[test]
fn either_side_closes_and_both_learn_the_code() {
    let locally = |code| Some(DisconnectReason::ClosedLocally { code });
    for size in [1, 1000] {
        let (mut client, mut server) = pair();
        assert!(client.send("question") && server.send(vec![1, 2]));
        assert!(client.ping() && client.round_trip_time().is_none());
        let (at_client, at_server) = exchange(&mut client, &mut server, size);
        assert_eq!((at_client, at_server), ((vec![vec![1, 2].into()], None), (vec!["question".into()], None)));
        assert!(client.round_trip_time().is_some() && server.round_trip_time().is_none());

        client.close(3000, "done").expect("a code for programs");
        client.close(3001, "").expect("no effect");
        assert!(!client.send("late") && !client.ping());
        assert!(server.send("not read any more"));
        let (at_client, at_server) = exchange(&mut client, &mut server, size);
        // A client reports the Close frame that it received.
        assert_eq!((at_client, at_server), ((vec![], closed(3000, "done")), (vec![], closed(3000, "done"))));
        assert!(!server.send("late"));

        let (mut client, mut server) = pair();
        server.close(1001, &"é".repeat(100)).expect("a reason that is shortened");
        let (at_client, at_server) = exchange(&mut client, &mut server, size);
        assert_eq!((at_client.1, at_server.1), (closed(1001, &"é".repeat(61)), locally(1001)));
    }
    let (mut client, mut server) = pair();
    for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        assert!(client.close(code, "").is_err(), "{code}");
    }
    client.close(1000, "").expect("a code");
    server.close(4000, "at once").expect("a code");
    let (at_client, at_server) = exchange(&mut client, &mut server, 1);
    assert_eq!((at_client.1, at_server.1), (closed(4000, "at once"), locally(4000)));
}

#[test]
fn end_of_the_transport_follows_what_has_arrived() {
    for (bytes, expected) in [
        (frame(0x81, "hi"), (vec!["hi".into()], Some(DisconnectReason::ConnectionLost))),
        (frame(0x81, "hi")[..5].to_vec(), (vec![], Some(DisconnectReason::ConnectionLost))),
        (vec![], (vec![], Some(DisconnectReason::ConnectionLost))),
        (frame(0x88, b"\x03\xe8"), (vec![], closed(1000, ""))),
    ] {
        let mut protocol = server();
        protocol.receive(&bytes);
        protocol.receive_eof();
        assert_eq!(take(&mut protocol), expected);
        assert!(!protocol.send("late"));
    }
    let mut protocol = server();
    protocol.close(1000, "").expect("a code");
    protocol.receive_eof();
    assert_eq!(take(&mut protocol).1, Some(DisconnectReason::ClosedLocally { code: 1000 }));
}

#[test]
fn control_frames_and_fragments_are_limited() {
    let config = || Config::default().max_message_size(1000).control_frames_per_second(5);
    let too_many = |what: &str| Some(DisconnectReason::ProtocolViolation { code: 1008, detail: what.into() });
    for (first, rest, count, end) in [
        (frame(0x89, ""), frame(0x89, ""), 51, too_many("too many control frames")),
        (frame(0x01, ""), frame(0x00, ""), 20_000, too_many("too many fragments without a message")),
        // The same number of messages is not limited.
        (frame(0x81, "x"), frame(0x81, "x"), 20_000, None),
    ] {
        let mut protocol = Protocol::new(Role::Server, config());
        let bytes: Vec<u8> = [first, rest.repeat(count - 1)].concat();
        let mut found = None;
        for piece in bytes.chunks(1000) {
            protocol.receive(piece);
            found = take(&mut protocol).1.or(found);
        }
        assert_eq!(found, end);
        assert_eq!(protocol.bytes_to_send().windows(4).any(|bytes| bytes[2..] == [0x03, 0xf0]), end.is_some(), "1008");
    }
}

/// Bytes that nothing takes are limited by `max_send_buffer` and one message.
#[test]
fn bytes_that_are_not_taken_end_the_connection() {
    for role in [Role::Server, Role::Client] {
        let mut protocol = Protocol::new(role, Config::default().max_send_buffer(1000));
        for _ in 0..100 {
            assert!(protocol.send(vec![0; 2000]), "it was taken");
            assert!(protocol.bytes_to_send().len() > 2000);
        }
        assert!(protocol.send(vec![0; 2000]) && !protocol.send("more"));
        assert_eq!(take(&mut protocol).1, Some(DisconnectReason::SlowReader));
        assert!(protocol.bytes_to_send().len() < 2100, "one message, and the Close frame");
    }
}

proptest! {
    /// Messages and answers depend on the bytes, and not on the pieces in which they arrive.
    #[test]
    fn every_split_means_the_same(rows in prop::collection::vec(0_usize..14, 0..6), cuts in prop::collection::vec(0_usize..400, 0..40)) {
        let table = table();
        let bytes: Vec<u8> = rows.iter().flat_map(|row| table[*row].1.clone()).collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|ends| &bytes[ends[0]..ends[1]]);
        prop_assert_eq!(receive(pieces), receive([&bytes[..]]));
    }

    /// Any bytes are messages, or an error, and never a panic.
    #[test]
    fn any_bytes_mean_the_same_in_every_split(bytes: Vec<u8>, size in 1_usize..20) {
        prop_assert_eq!(receive(bytes.chunks(size)), receive([&bytes[..]]));
    }

    /// What one side sends, the other one receives.
    #[test]
    fn messages_arrive_whole(texts: Vec<String>, others: Vec<Vec<u8>>, size in 1_usize..50) {
        let (mut client, mut server) = pair();
        for text in &texts {
            client.send(text);
        }
        for bytes in &others {
            server.send(bytes.as_slice());
        }
        let (at_client, at_server) = exchange(&mut client, &mut server, size);
        prop_assert_eq!(at_server, (texts.into_iter().map(Message::from).collect(), None));
        prop_assert_eq!(at_client, (others.into_iter().map(Message::from).collect(), None));
    }
}
