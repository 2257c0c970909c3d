//! JSON: a vote. A message is an object whose `type` says what it means, in both directions.
//!
//! Needs:    cargo add serde_json, in a program of your own
//! Run:      cargo run --example 13_json -- 127.0.0.1:9013
//! Look at:  the console (F12) of http://127.0.0.1:9013/ in two windows:
//!           ws = new WebSocket('ws://127.0.0.1:9013'); ws.onmessage = (event) => console.log(JSON.parse(event.data))
//!           ws.send(JSON.stringify({type: 'vote', for: 'tea'}))

use chinwag::{Event, Message, PeerId, Server};
use serde_json::{Value, json};
use std::{collections::BTreeMap, env};

const DRINKS: [&str; 2] = ["tea", "coffee"];

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9013".into());
    let server = Server::bind(addr)?;
    println!("vote at ws://{}/", server.local_addrs()[0]);
    let mut votes = BTreeMap::new();
    for event in server.events() {
        match event {
            Event::Connected(peer, _) => _ = peer.send(result(&votes).to_string()),
            Event::Message(peer, Message::Text(text)) => match vote(&text) {
                Ok(drink) => {
                    votes.insert(peer.id(), drink);
                    server.broadcast(result(&votes).to_string());
                }
                Err(problem) => _ = peer.send(json!({"type": "error", "about": problem}).to_string()),
            },
            Event::Disconnected(peer, _) => _ = votes.remove(&peer.id()),
            Event::Message(peer, Message::Binary(_)) => _ = peer.close(1003, "JSON is text"),
            _ => {}
        }
    }
    Ok(())
}

/// Accepts `{"type": "vote", "for": "tea"}`. A client may send anything, so each part is checked.
fn vote(text: &str) -> Result<&'static str, String> {
    let object: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    if object["type"] != "vote" {
        return Err(format!("unknown type: {}", object["type"]));
    }
    let drink = DRINKS.into_iter().find(|drink| object["for"] == *drink);
    drink.ok_or_else(|| format!("vote for one of {DRINKS:?}"))
}

/// A client has one vote as long as it is connected. A later one replaces it.
fn result(votes: &BTreeMap<PeerId, &str>) -> Value {
    let count = |drink| votes.values().filter(|vote| **vote == drink).count();
    json!({"type": "result", "tea": count("tea"), "coffee": count("coffee")})
}
