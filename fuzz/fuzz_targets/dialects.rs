//! Any text as a message in each dialect: what is understood is what serde_json understands, and what is said about it
//! is harmless, whatever was in it.
#![no_main]

use std::sync::Arc;

use chinwag::chat::protocol::{Audience, ClientMessage, Dialect, StoredMessage, ServerMessage};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;

fuzz_target!(|text: &str| {
    for dialect in Dialect::ALL {
        match dialect.decode(text) {
            Ok(command) => {
                if dialect != Dialect::Text {
                    check_against_serde(&command, text);
                }
                say_it_again(&command);
            }
            Err(problem) => check_words(&ServerMessage::Error(problem)),
        }
    }
});

/// Our own parser of JSON accepts nothing that is none, and reads the same strings out of it.
fn check_against_serde(command: &ClientMessage, text: &str) {
    serde_json::from_str::<IgnoredAny>(text).expect("what we understand is JSON");
    // A `Value` cannot hold all JSON: no numbers beyond a double, no strings with half a surrogate pair. We skip those
    // unread, where they are not ours.
    let Ok(object) = serde_json::from_str::<Value>(text) else { return };
    let field = |name: &str| object.get(name).and_then(Value::as_str);
    match command {
        ClientMessage::SetName(name) => {
            assert_eq!((field("type"), field("name")), (Some("username"), Some(name.as_str())));
        }
        ClientMessage::Message { text, target, nonce } => {
            assert_eq!((field("nonce"), object["nonce"].is_null()), (nonce.as_deref(), nonce.is_none()));
            assert_eq!((field("type"), field("text")), (Some("message"), Some(&**text)));
            if let Some(target) = target {
                assert_eq!(field("target"), Some(target.as_str()));
            }
        }
        ClientMessage::Inspect => assert_eq!(field("type"), Some("inspect")),
        ClientMessage::Drop => assert_eq!(field("type"), Some("drop")),
        other => panic!("JSON has no words for {other:?}"),
    }
}

fn say_it_again(command: &ClientMessage) {
    let (name, id, date) = (Arc::from("ann"), 1, 1_700_000_000_000);
    match command {
        ClientMessage::SetName(name) => check_words(&ServerMessage::Username { name: name.as_str().into(), id, date }),
        ClientMessage::Message { text, target, nonce } => {
            let (text, nonce) = (Arc::clone(text), nonce.clone());
            if let Some(target) = target {
                let audience = Audience::You(target.as_str().into());
                return check_words(&ServerMessage::Private { name, text, id, date, audience, nonce });
            }
            let mut entry = StoredMessage::new("", 1, name, text);
            (entry.date, entry.id, entry.nonce) = (date, id, nonce);
            check_words(&ServerMessage::Message(entry.clone()));
            check_size(&entry);
            check_words(&ServerMessage::History(entry));
        }
        ClientMessage::UnknownCommand(word) => check_words(&ServerMessage::Left { name: word.as_str().into() }),
        _ => {}
    }
}

/// What bounds the history that is told at once is never too small.
fn check_size(entry: &StoredMessage) {
    let mut said = String::new();
    Dialect::Json.encode(&ServerMessage::History(entry.clone()), &mut said);
    assert!(said.len() <= entry.wire_size(), "{} {said}", entry.wire_size());
}

fn check_words(message: &ServerMessage) {
    for dialect in Dialect::ALL {
        let mut said = String::new();
        if !dialect.encode(message, &mut said) {
            continue;
        }
        if dialect == Dialect::Text {
            assert!(!said.contains(|c: char| c.is_control() || c == '\u{2028}'), "{said:?}");
            continue;
        }
        assert!(dialect == Dialect::Chinwag || !said.contains(['<', '>']), "{said:?}");
        let object: Value = serde_json::from_str(&said).expect("what we say is JSON");
        if let (Dialect::Chinwag, ServerMessage::Message(entry)) = (dialect, message) {
            assert_eq!(object["text"].as_str(), Some(&*entry.text));
            assert_eq!(object["nonce"].as_str(), entry.nonce.as_deref());
        }
    }
}
