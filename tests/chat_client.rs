//! A chat client whose connection is cut: after it reconnects, no message is missing and none comes twice.

mod support;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use chinwag::DisconnectReason;
use chinwag::chat::client::{ChatClient, Event, Message};
use chinwag::client::{Error, WebSocket};
use support::fake::{Fake, switching};
use support::frames::{CLOSE, TEXT, header, server_frame};
use support::proxy::Proxy;
use support::{Chinwag, Client, DEADLINE, start_binary, wait_until};

#[track_caller]
fn next(chat: &ChatClient) -> Event {
    chat.events().recv_timeout(DEADLINE).expect("an event before the deadline")
}

/// The next message. Skips other events.
#[track_caller]
fn next_message(chat: &ChatClient) -> Message {
    loop {
        match next(chat) {
            Event::Message(message) => return message,
            Event::Closed { .. } => panic!("it is closed"),
            _ => {}
        }
    }
}

/// Skips events until one fits.
#[track_caller]
fn wait_for<T>(chat: &ChatClient, fits: impl Fn(Event) -> Option<T>) -> T {
    loop {
        if let Some(found) = fits(next(chat)) {
            return found;
        }
    }
}

fn is_open(event: Event) -> Option<()> {
    matches!(event, Event::Open).then_some(())
}

/// A server with two clients: bob is connected directly, ann through a proxy that can fail.
fn ann_and_bob() -> (Chinwag, Proxy, Client, ChatClient) {
    let server = start_binary(&[]);
    let proxy = Proxy::start(server.addr());
    let mut bob = Client::connect(server.addr(), &["chinwag.v1"]);
    bob.sign_in("bob");
    let ann = ChatClient::connect(&format!("ws://{}/", proxy.addr), "ann").expect("a URL");
    assert!(ann.send("hi"));
    assert_eq!(next_message(&ann).text, "hi");
    bob.wait_until("hi", |object| object["text"] == "hi");
    (server, proxy, bob, ann)
}

fn say(client: &mut Client, text: &str) {
    client.say_json(&serde_json::json!({"type": "message", "text": text}));
    client.wait_until(text, |object| object["text"] == text);
}

#[test]
fn missed_messages_come_in_order_and_once() {
    let (_server, proxy, mut bob, ann) = ann_and_bob();
    say(&mut bob, "before");
    assert_eq!(next_message(&ann).text, "before");
    proxy.drop_replies(true);
    say(&mut bob, "lost on the way");
    proxy.cut();
    say(&mut bob, "while ann is away");
    proxy.drop_replies(false);
    let reason = wait_for(&ann, |event| match event {
        Event::Disconnected { reason, .. } => Some(reason),
        _ => None,
    });
    assert!(reason.contains("lost"), "{reason}");
    let texts: Vec<_> = (0..2).map(|_| next_message(&ann)).map(|message| (message.seq, message.text)).collect();
    assert_eq!(texts, [(Some(3), "lost on the way".into()), (Some(4), "while ann is away".into())]);
    say(&mut bob, "after");
    assert_eq!(next_message(&ann).text, "after");
}

/// The server has received the messages, but ann does not know. She resends them, and bob receives them once.
#[test]
fn undelivered_messages_are_resent_and_delivered_once() {
    let (_server, proxy, mut bob, ann) = ann_and_bob();
    proxy.drop_replies(true);
    for text in ["one", "two", "three"] {
        assert!(ann.send(text));
    }
    bob.wait_until("three", |object| object["text"] == "three");
    proxy.cut();
    proxy.drop_replies(false);
    assert!(ann.send("four"), "while there is no connection");
    ann.finish();
    let delivered: Vec<_> =
        (0..4).map(|_| next_message(&ann)).map(|message| (message.seq, message.text, message.own)).collect();
    let expected = [(2, "one"), (3, "two"), (4, "three"), (5, "four")];
    assert_eq!(delivered, expected.map(|(seq, text)| (Some(seq), text.to_owned(), true)));
    wait_for(&ann, |event| match event {
        Event::Closed { error: None, undelivered, .. } if undelivered.is_empty() => Some(()),
        Event::Closed { .. } => panic!("{event:?}"),
        _ => None,
    });
    assert_eq!(bob.wait_until("four", |object| object["text"].is_string())["text"], "four");
    assert!(!ann.send("late"));
}

#[test]
fn fast_sender_is_slowed_down_and_keeps_its_order() {
    let server = start_binary(&["--limit", "burst=20"]);
    let ann = ChatClient::connect(&format!("ws://{}/", server.addr()), "ann").expect("a URL");
    std::thread::scope(|scope| {
        scope.spawn(|| (0..30).all(|number| ann.send(number.to_string())) && ann.finish());
        for number in 0..30 {
            assert_eq!(next_message(&ann).text, number.to_string());
        }
    });
}

#[test]
fn refused_message_is_named() {
    let server = start_binary(&["--limit", "text=10"]);
    let ann = ChatClient::connect(&format!("ws://{}/", server.addr()), "ann").expect("a URL");
    ann.send("eleven char");
    let refused = wait_for(&ann, |event| match event {
        Event::Refused { reason, text, .. } => Some((reason, text)),
        _ => None,
    });
    assert_eq!(refused, ("too-long".into(), Some("eleven char".into())));
    ann.send("fine");
    assert_eq!(next_message(&ann).text, "fine");
}

#[cfg(unix)]
#[test]
fn refused_connection_is_not_retried_and_retries_end() {
    let server = start_binary(&[]);
    let chat = ChatClient::connect(&format!("ws://{}/nowhere", server.addr()), "ann").expect("a URL");
    assert!(matches!(next(&chat), Event::Closed { error: Some(Error::Refused { status: 404, .. }), .. }));
    let socket = WebSocket::builder(&format!("ws://{}/", server.addr()));
    let short_lived = ChatClient::connect_with(socket, "bob", Duration::ZERO).expect("a URL");
    wait_for(&short_lived, is_open);
    server.signal("KILL");
    wait_for(&short_lived, |event| match event {
        Event::Closed { error: Some(Error::Ended(DisconnectReason::ConnectionLost)), .. } => Some(()),
        Event::Disconnected { .. } | Event::Closed { .. } => panic!("{event:?}"),
        _ => None,
    });
}

#[test]
fn dropping_the_last_handle_closes_the_connection() {
    let server = start_binary(&[]);
    let mut bob = Client::connect(server.addr(), &["text"]);
    let ann = ChatClient::connect(&format!("ws://{}/", server.addr()), "ann").expect("a URL");
    while !bob.next_text().contains("ann signed in") {}
    drop(ann);
    while !bob.next_text().contains("ann left") {}
}

#[test]
fn close_works_while_the_event_queue_is_full() {
    let server = start_binary(&["--no-limits"]);
    let mut bob = Client::connect(server.addr(), &["text"]);
    let ann = ChatClient::connect(&format!("ws://{}/", server.addr()), "ann").expect("a URL");
    while !bob.next_text().contains("ann signed in") {}
    for _ in 0..500 {
        bob.say("hello?");
    }
    wait_until(DEADLINE, "64 events wait", || ann.events().len() >= 64);
    ann.close();
    while !bob.next_text().contains("ann left") {}
    assert!(matches!(ann.events().iter().last(), Some(Event::Closed { error: None, .. })));
}

#[test]
fn messages_that_were_not_delivered_are_returned_at_the_end() {
    let server = Fake::then(|mut stream, head| {
        let close = server_frame(CLOSE, &1000_u16.to_be_bytes());
        stream.write_all(&open_with(&head, &close)).expect("room for an answer");
        // Closing a socket with unread bytes would send a reset.
        stream.shutdown(Shutdown::Write).expect("a socket");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let ann = ChatClient::connect(&server.url(), "ann").expect("a URL");
    let accepted = ["one", "two"].into_iter().take_while(|text| ann.send(*text)).count();
    server.done();
    let undelivered = wait_for(&ann, |event| match event {
        Event::Closed { undelivered, .. } => Some(undelivered),
        _ => None,
    });
    assert!(undelivered.len() >= accepted, "{undelivered:?}");
    assert!(!ann.send("late"));
}

/// A message of 16 MB is refused at its header, before it takes memory.
#[test]
fn message_larger_than_1_mib_is_refused_at_its_header() {
    let server = Fake::then(|mut stream, head| {
        let mut large = header(TEXT, 16 << 20);
        large.truncate(large.len() - 4);
        large[1] &= 0x7f;
        stream.write_all(&open_with(&head, &large)).expect("room for an answer");
        let mut sent = Vec::new();
        let _ = stream.read_to_end(&mut sent);
    });
    let ann = ChatClient::connect(&server.url(), "ann").expect("a URL");
    wait_for(&ann, |event| match event {
        Event::Closed { error: Some(Error::Ended(DisconnectReason::ProtocolViolation { code: 1009, .. })), .. } => {
            Some(())
        }
        Event::Closed { .. } => panic!("{event:?}"),
        _ => None,
    });
    server.done();
}

/// A 101 response that selects the chat, and the first bytes after it.
fn open_with(head: &str, bytes: &[u8]) -> Vec<u8> {
    [switching(head, "Sec-WebSocket-Protocol: chinwag.v1\r\n").as_bytes(), bytes].concat()
}

/// The name is taken at first, and free when the client reconnects.
#[test]
fn wanted_name_is_kept_while_the_server_gives_another_one() {
    let server = start_binary(&[]);
    let proxy = Proxy::start(server.addr());
    let mut other = Client::connect(server.addr(), &["chinwag.v1"]);
    other.sign_in("ann");
    let ann = ChatClient::connect(&format!("ws://{}/", proxy.addr), "ann").expect("a URL");
    let named = |event| match event {
        Event::Named(name) => Some(name),
        _ => None,
    };
    assert_eq!(wait_for(&ann, named), "ann1");
    other.close(1000);
    proxy.cut();
    assert_eq!(wait_for(&ann, named), "ann");
}

/// A second client cannot take the name while its user is away.
#[test]
fn name_is_kept_across_a_lost_connection() {
    let (server, proxy, mut bob, ann) = ann_and_bob();
    proxy.cut();
    wait_for(&ann, |event| matches!(event, Event::Disconnected { .. }).then_some(()));
    let mut eve = Client::connect(server.addr(), &["chinwag.v1"]);
    eve.say_json(&serde_json::json!({"type": "username", "name": "ann"}));
    assert_eq!(eve.wait_for("rejectusername")["name"], "ann1");
    wait_for(&ann, is_open);
    let back = bob.wait_until("ann again", |object| object["name"] == "ann" && object["was"].is_number());
    assert_ne!(back["id"], back["was"]);
    assert!(ann.send("still ann"));
    assert_eq!(next_message(&ann).name, "ann");
}

/// `is_private` finds a private message with this text, from another user.
fn is_private(text: &str) -> impl Fn(Event) -> Option<()> + '_ {
    move |event| match event {
        Event::Message(message) if !message.own && message.target.is_some() => (message.text == text).then_some(()),
        _ => None,
    }
}

#[test]
fn private_talk_goes_on_after_a_partner_was_lost() {
    let (server, proxy, _bob, ann) = ann_and_bob();
    let carl = ChatClient::connect(&format!("ws://{}/", server.addr()), "carl").expect("a URL");
    wait_for(&carl, |event| matches!(event, Event::Users(_)).then_some(()));
    assert!(carl.send_to("ann", "one"));
    wait_for(&ann, is_private("one"));
    proxy.cut();
    wait_for(&ann, is_open);
    wait_for(&carl, |event| matches!(event, Event::Joined(name) if name == "ann").then_some(()));
    assert!(carl.send_to("ann", "two") && ann.send_to("carl", "three"));
    wait_for(&ann, is_private("two"));
    wait_for(&carl, is_private("three"));
}

#[test]
fn private_message_does_not_reach_a_successor() {
    let server = start_binary(&[]);
    let connect = |name: &str| {
        let chat = ChatClient::connect(&format!("ws://{}/", server.addr()), name).expect("a URL");
        wait_for(&chat, |event| matches!(event, Event::Named(_)).then_some(()));
        chat
    };
    let (ann, bob) = (connect("ann"), connect("bob"));
    wait_for(&ann, |event| matches!(event, Event::Joined(_)).then_some(()));
    assert!(ann.send_to("bob", "hi"));
    wait_for(&bob, is_private("hi"));
    bob.close();
    wait_for(&bob, |event| matches!(event, Event::Closed { .. }).then_some(()));
    let eve = connect("bob");
    wait_for(&ann, |event| matches!(event, Event::Joined(_)).then_some(()));
    // Names are compared without case.
    assert!(ann.send_to("BOB", "secret"));
    let explanation = wait_for(&ann, |event| match event {
        Event::Refused { reason, explanation, text } => {
            assert_eq!((reason.as_str(), text.as_deref()), ("no-such-user", Some("secret")));
            Some(explanation)
        }
        _ => None,
    });
    assert!(explanation.contains("Another user has this name now"), "{explanation}");
    assert!(ann.send_to("bob", "for the new one"));
    assert_eq!(next_message(&eve).text, "for the new one");
}
