//! Many sign in at the same moment: each of them hears of each once, and has the list of all in the end.

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

/// All connect, and then all sign in, each followed by what else it says.
fn sign_in(server: &Chinwag, then: impl Fn(usize, &mut Client)) -> Vec<Client> {
    let mut clients: Vec<_> = (0..CROWD).map(|_| Client::connect(server.addr(), &["json"])).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.expect("id");
        client.say_json(&username(number));
        then(number, client);
    }
    clients
}

/// Receives until the list is complete and each name was announced. Returns how often each one was.
fn listen(client: &mut Client) -> BTreeMap<String, usize> {
    let (mut told, mut whole) = (BTreeMap::new(), false);
    while !whole || told.len() < CROWD {
        let object = client.next_json();
        match object["type"].as_str() {
            Some("username") => *told.entry(text(&object["name"])).or_default() += 1,
            Some("userlist") => whole = object["users"].as_array().is_some_and(|users| users.len() == CROWD),
            other => panic!("{other:?}"),
        }
    }
    told
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[test]
fn each_client_learns_each_name_once_and_has_the_whole_list() {
    let server = start_binary(&["--no-limits"]);
    let mut clients = sign_in(&server, |_, _| {});
    let once: BTreeMap<_, _> = (0..CROWD).map(|number| (name(number), 1)).collect();
    for client in &mut clients {
        assert_eq!(listen(client), once);
    }
    // Nothing is left over: the next message is the next one that each client receives.
    clients[7].say_json(&json!({"type": "message", "text": "all here?"}));
    for client in &mut clients {
        let said = client.expect("message");
        assert_eq!((text(&said["name"]), text(&said["text"])), (name(7), "all here?".to_owned()));
    }
}

/// However many sign in at once, a name is announced before the first message from it.
#[test]
fn name_is_announced_before_the_first_message() {
    let server = start_binary(&["--no-limits"]);
    let mut clients = sign_in(&server, |number, client| {
        if number % 10 == 9 {
            client.say_json(&json!({"type": "message", "text": "hi"}));
        }
    });
    for client in &mut clients {
        let (mut named, mut heard) = (Vec::new(), 0);
        while heard < CROWD / 10 {
            let object = client.next_json();
            match object["type"].as_str() {
                Some("username") => named.push(text(&object["name"])),
                Some("message") => {
                    assert!(named.contains(&text(&object["name"])), "{object} before its name");
                    heard += 1;
                }
                _ => {}
            }
        }
    }
}

/// What came before a Close is answered before it, though the answer waits for others.
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
        let heard = frames.iter().any(|frame| {
            let text = String::from_utf8_lossy(&frame.payload);
            text.contains("\"type\":\"username\"") && text.contains(&own)
        });
        assert!(heard, "{number}: {frames:?}");
        assert_eq!(frames.last().map(|frame| frame.opcode), Some(CLOSE));
    }
}
