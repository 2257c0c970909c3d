//! A user of the chat whose connection is cut, and who comes back: nothing is missed, nothing is said twice.

mod support;

use std::time::Duration;

use chinwag::chat::client::{ChatClient, Event, Said};
use chinwag::client::{Error, WebSocket};
use support::proxy::Proxy;
use support::{Chinwag, Client, DEADLINE, start_binary, wait_until};

#[track_caller]
fn next(chat: &ChatClient) -> Event {
    chat.events().recv_timeout(DEADLINE).expect("an event before the deadline")
}

/// Passes over what is no message.
#[track_caller]
fn said(chat: &ChatClient) -> Said {
    loop {
        match next(chat) {
            Event::Said(said) => return said,
            Event::Closed { .. } => panic!("it is closed"),
            _ => {}
        }
    }
}

/// Passes over events until one fits.
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

/// A server, a network that fails, bob without it and ann behind it.
fn party() -> (Chinwag, Proxy, Client, ChatClient) {
    let server = start_binary(&[]);
    let proxy = Proxy::start(server.addr());
    let mut bob = Client::connect(server.addr(), &["chinwag.v1"]);
    bob.sign_in("bob");
    let ann = ChatClient::connect(&format!("ws://{}/", proxy.addr), "ann").expect("a URL");
    assert!(ann.say("hi"));
    assert_eq!(said(&ann).text, "hi");
    bob.wait_until("hi", |object| object["text"] == "hi");
    (server, proxy, bob, ann)
}

fn say(client: &mut Client, text: &str) {
    client.say_json(&serde_json::json!({"type": "message", "text": text}));
    client.wait_until(text, |object| object["text"] == text);
}

#[test]
fn what_was_missed_comes_in_order_and_once() {
    let (_server, proxy, mut bob, ann) = party();
    say(&mut bob, "before");
    assert_eq!(said(&ann).text, "before");
    proxy.drop_replies(true);
    say(&mut bob, "lost on the way");
    proxy.cut();
    say(&mut bob, "while ann is away");
    proxy.drop_replies(false);
    let why = wait_for(&ann, |event| match event {
        Event::Lost { why, .. } => Some(why),
        _ => None,
    });
    assert!(why.contains("lost"), "{why}");
    let texts: Vec<_> = (0..2).map(|_| said(&ann)).map(|said| (said.seq, said.text)).collect();
    assert_eq!(texts, [(Some(3), "lost on the way".into()), (Some(4), "while ann is away".into())]);
    say(&mut bob, "after");
    assert_eq!(said(&ann).text, "after");
}

/// The server has heard it, ann does not know: she says it again, and nobody hears it twice.
#[test]
fn what_nobody_acknowledged_is_said_again_and_heard_once() {
    let (_server, proxy, mut bob, ann) = party();
    proxy.drop_replies(true);
    for text in ["one", "two", "three"] {
        assert!(ann.say(text));
    }
    bob.wait_until("three", |object| object["text"] == "three");
    proxy.cut();
    proxy.drop_replies(false);
    assert!(ann.say("four"), "while there is no connection");
    ann.finish();
    let heard: Vec<_> = (0..4).map(|_| said(&ann)).map(|said| (said.seq, said.text, said.own)).collect();
    let expected = [(2, "one"), (3, "two"), (4, "three"), (5, "four")];
    assert_eq!(heard, expected.map(|(seq, text)| (Some(seq), text.to_owned(), true)));
    wait_for(&ann, |event| match event {
        Event::Closed { code: 1000, error: None, unheard: 0, .. } => Some(()),
        Event::Closed { .. } => panic!("{event:?}"),
        _ => None,
    });
    assert_eq!(bob.wait_until("four", |object| object["text"].is_string())["text"], "four");
    assert!(!ann.say("late"));
}

/// Faster than the chat allows: slowed down, not dropped, not out of order.
#[test]
fn who_talks_too_fast_is_slowed_down() {
    let server = start_binary(&["--limit", "burst=20"]);
    let ann = ChatClient::connect(&format!("ws://{}/", server.addr()), "ann").expect("a URL");
    std::thread::scope(|scope| {
        scope.spawn(|| (0..30).all(|number| ann.say(number.to_string())) && ann.finish());
        for number in 0..30 {
            assert_eq!(said(&ann).text, number.to_string());
        }
    });
}

#[test]
fn what_is_refused_is_named() {
    let server = start_binary(&["--limit", "text=10"]);
    let ann = ChatClient::connect(&format!("ws://{}/", server.addr()), "ann").expect("a URL");
    ann.say("eleven char");
    let refused = wait_for(&ann, |event| match event {
        Event::Refused { reason, text, .. } => Some((reason, text)),
        _ => None,
    });
    assert_eq!(refused, ("too-long".into(), Some("eleven char".into())));
    ann.say("fine");
    assert_eq!(said(&ann).text, "fine");
}

#[test]
fn a_no_is_not_asked_twice_and_patience_ends() {
    let server = start_binary(&[]);
    let chat = ChatClient::connect(&format!("ws://{}/nowhere", server.addr()), "ann").expect("a URL");
    assert!(matches!(next(&chat), Event::Closed { error: Some(Error::Refused { status: 404, .. }), .. }));
    let socket = WebSocket::builder(&format!("ws://{}/", server.addr()));
    let impatient = ChatClient::builder(socket, "bob").patience(Duration::ZERO).connect().expect("a URL");
    wait_for(&impatient, is_open);
    server.signal("KILL");
    wait_for(&impatient, |event| match event {
        Event::Closed { code: 1006, error: Some(Error::Lost), .. } => Some(()),
        Event::Lost { .. } | Event::Closed { .. } => panic!("{event:?}"),
        _ => None,
    });
}

#[test]
fn the_last_handle_closes() {
    let server = start_binary(&[]);
    let mut bob = Client::connect(server.addr(), &["text"]);
    let ann = ChatClient::connect(&format!("ws://{}/", server.addr()), "ann").expect("a URL");
    while !bob.next_text().contains("ann signed in") {}
    drop(ann);
    while !bob.next_text().contains("ann left") {}
}

/// Though nobody receives its events, and nothing more could be told.
#[test]
fn it_closes_when_told_to_however_many_events_wait() {
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
    assert!(matches!(ann.events().iter().last(), Some(Event::Closed { code: 1000, error: None, .. })));
}
