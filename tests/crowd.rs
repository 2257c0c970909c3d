//! Many clients sign in at the same moment. Each one receives each name once, and the whole list at the end.

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::frames::{CLOSE, RawClient, TEXT, frame};
use support::{Chinwag, Client, start_binary};

const CROWD: usize = 100;

fn name(number: usize) -> String {
    format!("user{number:03}")
}

fn username(number: usize) -> Value {
    json!({"type": "username", "name": name(number)})
}

/// Connects all clients, then signs them in. `then` may send more after each sign-in.
fn sign_in(server: &Chinwag, then: impl Fn(usize, &mut Client)) -> Vec<Client> {
    let mut clients: Vec<_> = (0..CROWD).map(|_| Client::connect(server.addr(), &["json"])).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.expect("id");
        client.say_json(&username(number));
        then(number, client);
    }
    clients
}

/// Reads until the list is complete and all names have arrived. Returns how often each name did.
fn read_names(client: &mut Client) -> BTreeMap<String, usize> {
    let (mut names, mut complete) = (BTreeMap::new(), false);
    while !complete || names.len() < CROWD {
        let object = client.next_json();
        match object["type"].as_str() {
            Some("username") => *names.entry(text(&object["name"])).or_default() += 1,
            Some("userlist") => complete = object["users"].as_array().is_some_and(|users| users.len() == CROWD),
            other => panic!("{other:?}"),
        }
    }
    names
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[test]
fn each_client_receives_each_name_once_and_the_whole_list() {
    let server = start_binary(&["--no-limits"]);
    let mut clients = sign_in(&server, |_, _| {});
    let once: BTreeMap<_, _> = (0..CROWD).map(|number| (name(number), 1)).collect();
    for client in &mut clients {
        assert_eq!(read_names(client), once);
    }
    // Nothing is outstanding: the next message is the next one sent.
    clients[7].say_json(&json!({"type": "message", "text": "all here?"}));
    for client in &mut clients {
        let message = client.expect("message");
        assert_eq!((text(&message["name"]), text(&message["text"])), (name(7), "all here?".to_owned()));
    }
}

#[test]
fn name_arrives_before_its_first_message() {
    let server = start_binary(&["--no-limits"]);
    let mut clients = sign_in(&server, |number, client| {
        if number % 10 == 9 {
            client.say_json(&json!({"type": "message", "text": "hi"}));
        }
    });
    for client in &mut clients {
        let (mut named, mut messages) = (Vec::new(), 0);
        while messages < CROWD / 10 {
            let object = client.next_json();
            match object["type"].as_str() {
                Some("username") => named.push(text(&object["name"])),
                Some("message") => {
                    assert!(named.contains(&text(&object["name"])), "{object} before its name");
                    messages += 1;
                }
                _ => {}
            }
        }
    }
}

/// Replies to what came before a Close are sent before the server's Close.
#[test]
fn client_that_signs_in_and_closes_receives_its_name() {
    let server = start_binary(&["--no-limits"]);
    let mut clients: Vec<_> = (0..CROWD).map(|_| RawClient::open(server.addr())).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        let sign_in = username(number).to_string();
        client.send(&[frame(TEXT, sign_in.as_bytes()), frame(CLOSE, &1000_u16.to_be_bytes())].concat());
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let frames = client.read_to_fin();
        let own = format!("\"name\":\"{}\"", name(number));
        let received = frames.iter().any(|frame| {
            let text = String::from_utf8_lossy(&frame.payload);
            text.contains("\"type\":\"username\"") && text.contains(&own)
        });
        assert!(received, "{number}: {frames:?}");
        assert_eq!(frames.last().map(|frame| frame.opcode), Some(CLOSE));
    }
}
