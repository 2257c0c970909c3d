//! The examples that a lesson begins with, as processes of their own: a chat, the handshake by hand, JSON, events.

mod support;

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde_json::json;
use support::example::Example;
use support::raw::get;
use support::stream::{Stream, post};
use support::{Client, python, run, script, skip};
use tungstenite::Message;

#[test]
fn chat_serves_its_page_and_sends_lines_to_all() {
    let (_example, addr) = Example::serve("00_chat");
    let page = get(addr, "/");
    assert!(page.status == 200 && page.text().contains("new WebSocket("), "{page:?}");
    assert_eq!(get(addr, "/other").status, 404);
    let mut ann = Client::connect(addr, &[]);
    assert!(ann.next_text().ends_with(". Change your name with /nick NAME"));
    let first = ann.next_text().split(' ').nth(1).expect("a name").to_owned();
    let mut bob = Client::connect(addr, &[]);
    assert!(bob.next_text().starts_with("Welcome, "));
    let guest = bob.next_text().split(' ').nth(1).expect("a name").to_owned();
    assert_eq!(ann.next_text(), format!("* {guest} has joined, 2 here"));
    for (said, heard) in [
        ("hi", &format!("{first}: hi")[..]),
        ("/nick ann", &format!("* {first} is ann now")),
        (" <b>hi</b> ", "ann: <b>hi</b>"),
        ("안녕, 세상", "ann: 안녕, 세상"),
    ] {
        ann.say(said);
        assert_eq!([ann.next_text(), bob.next_text()], [heard, heard]);
    }
    for refused in ["/nick ann", "/nick two words", "/nick x:", "/nick abcdefghijklmnopqrstu", "/nick", "/help me"] {
        bob.say("  ");
        bob.say(refused);
        let reply = bob.next_text();
        assert!(reply.starts_with("A name has ") || reply.starts_with("There is one command"), "{refused}: {reply}");
    }
    bob.send(Message::binary(vec![1]));
    assert_eq!(bob.wait_for_close().0, 1003);
    assert_eq!(ann.next_text(), format!("* {guest} has left"));
}

#[test]
fn handshake_example_serves_a_page_and_answers_pings() {
    let (_example, addr) = Example::serve("01_handshake");
    // Several clients at a time, as a browser opens connections ahead.
    let mut idle = Client::connect(addr, &[]);
    let page = get(addr, "/");
    assert!(page.status == 200 && page.text().contains("new WebSocket("), "{page:?}");
    for client in [&mut Client::connect(addr, &[]), &mut idle] {
        client.send(Message::Ping("alive?".into()));
        assert_eq!(client.try_next().expect("a reply"), Message::Pong("alive?".into()));
        client.send(Message::Pong("unasked".into()));
        client.send(Message::binary(vec![0, 255]));
        assert_eq!(client.try_next().expect("an echo"), Message::binary(vec![0, 255]));
        assert_eq!(client.close(4000).0, 4000);
    }
    let script = "ws.send(['in ', 'three ', 'frames']); print(ws.recv()); print(ws.ping().wait(15))";
    let printed = python_prints(addr, script);
    assert!(["in three frames\nTrue\n", ""].contains(&&printed[..]), "{printed}");
}

#[test]
fn json_example_counts_votes_and_names_what_is_wrong() {
    let (_example, addr) = Example::serve("13_json");
    let [mut ann, mut bob] = [(); 2].map(|()| {
        let mut client = Client::connect(addr, &[]);
        assert_eq!(client.expect("result")["tea"], 0);
        client
    });
    for (voter, drink, tea, coffee) in [(0, "tea", 1, 0), (1, "tea", 2, 0), (0, "coffee", 1, 1)] {
        [&mut ann, &mut bob][voter].say_json(&json!({"type": "vote", "for": drink}));
        for client in [&mut ann, &mut bob] {
            assert_eq!(client.next_json(), json!({"type": "result", "tea": tea, "coffee": coffee}));
        }
    }
    for (wrong, about) in [
        ("tea", "not JSON: "),
        ("[1]", "unknown type: null"),
        (r#"{"type":"veto"}"#, "unknown type: \"veto\""),
        (r#"{"type":"vote"}"#, "vote for one of [\"tea\", \"coffee\"]"),
        (r#"{"type":"vote","for":["tea"]}"#, "vote for one of "),
    ] {
        bob.say(wrong);
        let error = bob.expect("error");
        assert!(error["about"].as_str().is_some_and(|text| text.starts_with(about)), "{wrong}: {error}");
    }
    bob.send(Message::binary(vec![1]));
    assert_eq!(bob.wait_for_close().0, 1003);
    let script = "import json; ws.recv(); ws.send(json.dumps({'type': 'vote', 'for': 'tea'})); print(ws.recv())";
    let printed = python_prints(addr, script);
    assert!(printed.is_empty() || printed.contains(r#""type":"result""#), "{printed}");
}

#[test]
fn events_example_sends_what_is_posted_to_all_readers() {
    let (_example, addr) = Example::serve("14_sse");
    assert!(get(addr, "/").text().contains("new EventSource("));
    assert_eq!(get(addr, "/other").status, 404);
    let mut readers = [(); 2].map(|()| Stream::open(addr, "/events", &[]));
    for reader in &mut readers {
        assert_eq!([reader.line(), reader.line()], [": connected", ""]);
    }
    assert!(readers[0].head.contains("Content-Type: text/event-stream"), "{}", readers[0].head);
    for (posted, received) in
        [("door open", "data: door open"), ("two\r\nlines", "data: two  lines"), ("", "data: "), ("문", "data: 문")]
    {
        assert_eq!(post(addr, "/", &[], posted).status, 202);
        for reader in &mut readers {
            assert_eq!([reader.line(), reader.line()], [received, ""]);
        }
    }
}

/// The two commands in the example's comment.
#[test]
fn events_example_works_with_curl() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        return skip("there is no curl");
    }
    let (_example, addr) = Example::serve("14_sse");
    let mut reader = Command::new("curl");
    reader.args(["-sSiN", &format!("http://{addr}/events")]).stdout(Stdio::piped());
    let mut reader = reader.spawn().expect("it has run before");
    let lines = script::lines(reader.stdout.take().expect("a pipe"));
    let next = || lines.recv_timeout(support::DEADLINE).expect("a line before the deadline");
    // A reader that is connected misses nothing.
    while next() != ": connected" {}
    assert_eq!(next(), "");
    let mut sender = Command::new("curl");
    sender.args(["-sS", "-d", "door open", &format!("http://{addr}/")]);
    assert_eq!(run(sender, support::DEADLINE).stdout, b"sent\n");
    assert_eq!(next(), "data: door open");
    reader.kill().expect("it still runs");
    reader.wait().expect("it has ended");
    let mut other = Stream::open(addr, "/events", &[]);
    assert_eq!(post(addr, "/", &[], "still here").status, 202);
    assert_eq!([other.line(), other.line(), other.line()], [": connected", "", "data: still here"]);
}

/// What a Python client prints that is connected as `ws`. Nothing if there is no Python.
fn python_prints(addr: SocketAddr, script: &str) -> String {
    let Some(python) = python(&["websockets.sync.client"]) else {
        skip("no Python with websockets; set CHINWAG_PYTHON to one");
        return String::new();
    };
    let connect = format!("from websockets.sync.client import connect\nwith connect('ws://{addr}') as ws:\n    ");
    let mut command = Command::new(python);
    command.arg("-c").arg(connect + script);
    String::from_utf8_lossy(&run(command, 2 * support::DEADLINE).stdout).into_owned()
}
