//! Many sign in at the same moment: each of them hears of each once, and has the list of all in the end.

mod support;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use support::{Client, start_binary};

const CROWD: usize = 100;

fn name(number: usize) -> String {
    format!("user{number:03}")
}

/// All that is said until the list has everybody and everybody's name was told: how often each name was.
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
fn each_hears_of_each_once_and_has_the_whole_list() {
    let server = start_binary(&["--no-limits"]);
    let mut clients: Vec<_> = (0..CROWD).map(|_| Client::connect(server.addr(), &["json"])).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.expect("id");
        client.say_json(&json!({"type": "username", "name": name(number)}));
    }
    let once: BTreeMap<_, _> = (0..CROWD).map(|number| (name(number), 1)).collect();
    for client in &mut clients {
        assert_eq!(listen(client), once);
    }
    // Nothing is left behind: what is said next comes next, to everybody.
    clients[7].say_json(&json!({"type": "message", "text": "all here?"}));
    for client in &mut clients {
        let said = client.expect("message");
        assert_eq!((text(&said["name"]), text(&said["text"])), (name(7), "all here?".to_owned()));
    }
}

/// However many come at once, nobody is heard before it is known who that is.
#[test]
fn who_talks_in_the_crowd_is_named_before() {
    let server = start_binary(&["--no-limits"]);
    let mut clients: Vec<_> = (0..CROWD).map(|_| Client::connect(server.addr(), &["json"])).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.expect("id");
        client.say_json(&json!({"type": "username", "name": name(number)}));
        if number % 10 == 9 {
            client.say_json(&json!({"type": "message", "text": "hi"}));
        }
    }
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
