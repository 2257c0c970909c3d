//! Rooms over real sockets: messages stay in their room, and the bounds on rooms hold.

mod support;

use serde_json::{Value, json};
use support::{Client, http, start_binary};
use tungstenite::Error;

fn send(client: &mut Client, text: &str) {
    client.say_json(&json!({"type": "message", "text": text}));
}

#[test]
fn messages_and_names_stay_in_their_room() {
    let server = start_binary(&[]);
    let paths = ["/", "/room/kitchen", "/room/K%C3%BCche"];
    let mut clients: Vec<[Client; 2]> = paths
        .iter()
        .map(|path| {
            ["ann", "bob"].map(|name| {
                let mut client = Client::enter(server.addr(), path);
                assert_eq!(client.sign_in(name)["name"], name, "the name is free in this room");
                client
            })
        })
        .collect();
    for round in 1..=20 {
        for (room, [ann, bob]) in clients.iter_mut().enumerate() {
            send(ann, &format!("{room} {round}"));
            let private = json!({"type": "message", "text": format!("psst {room}"), "target": "ann"});
            bob.say_json(&private);
        }
    }
    for (room, [ann, bob]) in clients.iter_mut().enumerate() {
        for client in [ann, bob] {
            for round in 1..=20 {
                let message =
                    client.wait_until("a message", |object| object["type"] == "message" && object["seq"].is_u64());
                assert_eq!((&message["text"], &message["seq"]), (&json!(format!("{room} {round}")), &json!(round)));
            }
        }
    }
    for (room, [ann, _]) in clients.iter_mut().enumerate() {
        ann.say_json(&json!({"type": "message", "text": "who?", "target": "nobody"}));
        loop {
            let object = ann.next_json();
            match object["type"].as_str() {
                Some("error") => break,
                Some("message") => assert_eq!(object["text"], format!("psst {room}")),
                other => assert_eq!(other, Some("userlist")),
            }
        }
    }
}

#[test]
fn number_of_rooms_and_their_members_is_bounded() {
    let server = start_binary(&["--verbose", "--limit", "rooms=2", "--limit", "room-users=2"]);
    let mut first = Client::enter(server.addr(), "/room/a");
    first.expect("id");
    let mut other = Client::enter(server.addr(), "/room/b");
    assert_eq!(other.wait_for_close(), (1013, "too many rooms; try again later".to_owned()));
    other.wait_for_end();
    let mut second = Client::enter(server.addr(), "/room/A");
    second.expect("id");
    let mut third = Client::enter(server.addr(), "/room/a");
    assert_eq!(third.wait_for_close(), (1013, "this room is full; try again later".to_owned()));
    third.wait_for_end();
    server.wait_for_log("was not let in");
    // The members do not notice, and the lobby always exists.
    first.sign_in("ann");
    assert_eq!(second.wait_for("username")["name"], "ann");
    Client::enter(server.addr(), "/").expect("id");
}

#[test]
fn empty_room_is_forgotten_for_a_new_one() {
    let server = start_binary(&["--limit", "rooms=2"]);
    let mut ann = Client::enter(server.addr(), "/room/a");
    ann.sign_in("ann");
    send(&mut ann, "hello");
    ann.wait_for("message");
    let token = log_of(&mut Client::enter(server.addr(), "/room/a"));
    assert_eq!(ann.close(1000).0, 1000);
    ann.wait_for_end();
    support::wait_until(support::DEADLINE, "a place for another room", || {
        let mut client = Client::enter(server.addr(), "/room/b");
        matches!(client.try_next(), Ok(message) if message.to_string().contains("\"id\""))
    });
    support::wait_until(support::DEADLINE, "a place for the first room", || {
        let mut client = Client::enter(server.addr(), "/room/a");
        let hello: Option<Value> = client.try_next().ok().and_then(|text| serde_json::from_str(&text.to_string()).ok());
        hello.is_some_and(|hello| hello["seq"] == 0 && hello["log"] != token)
    });
}

fn log_of(client: &mut Client) -> Value {
    client.expect("id")["log"].clone()
}

#[test]
fn paths_that_are_not_rooms_get_404() {
    let server = start_binary(&[]);
    for path in ["/room/", "/room/a/b", "/room/%FF", "/room/a%20%E2%80%8B", "/rooms"] {
        match Client::try_enter(server.addr(), path, &["json"], &[]) {
            Err(Error::Http(answer)) => assert_eq!(answer.status(), 404, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
        let answer = http(server.addr(), &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert_eq!(answer.status, 404, "{path}");
    }
}

/// A page is redirected, with its query. A WebSocket client enters the room, because it would not follow.
#[test]
fn slash_after_a_room_leads_to_the_room() {
    let server = start_binary(&[]);
    let request = |method, path| format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for method in ["GET", "HEAD"] {
        let answer = http(server.addr(), &request(method, "/room/kitchen/?since=1"));
        assert_eq!((answer.status, answer.header("location")), (308, Some("../kitchen?since=1")), "{method}");
    }
    assert_eq!(http(server.addr(), &request("GET", "/room/a//")).status, 404);
    let mut ann = Client::enter(server.addr(), "/room/kitchen");
    ann.sign_in("ann");
    let mut bob = Client::enter(server.addr(), "/room/kitchen/");
    bob.sign_in("bob");
    send(&mut bob, "hello");
    assert_eq!(ann.wait_for("message")["text"], "hello");
}

#[test]
fn raw_utf8_in_a_path_is_the_room_of_its_percent_encoding() {
    let server = start_binary(&[]);
    let mut ann = Client::enter(server.addr(), "/room/K%C3%BCche");
    ann.sign_in("ann");
    let head = String::from_utf8(support::frames::handshake(server.addr(), "")).expect("text");
    let mut raw = support::frames::RawClient::connect(server.addr());
    raw.send(head.replacen("GET / ", "GET /room/Küche ", 1).as_bytes());
    assert!(raw.read_head().starts_with("HTTP/1.1 101"));
    let username = br#"{"type":"username","name":"bob"}"#;
    raw.send(&support::frames::frame(support::frames::TEXT, username));
    ann.wait_until("bob", |object| object["type"] == "userlist" && object["users"].to_string().contains("bob"));
}

/// The list of rooms is as protected as the page.
#[test]
fn list_of_rooms_checks_the_host() {
    let server = start_binary(&["--list-rooms"]);
    let get = |host: &str| http(server.addr(), &format!("GET /rooms HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    assert_eq!(get("localhost").status, 200);
    assert_eq!(get("evil.example").status, 421);
}
