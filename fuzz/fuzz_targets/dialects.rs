//! Any text as a message in each dialect: what is accepted is JSON with the same strings, and the messages that the server
//! makes of it are valid and safe.
#![no_main]

use std::sync::Arc;

use chinwag::chat::protocol::{ClientMessage, Dialect, Post, ServerMessage, StoredMessage, Target};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    for dialect in Dialect::ALL {
        match dialect.decode(text) {
            Ok(message) => {
                if dialect != Dialect::Text {
                    check_against_serde(&message, text);
                }
                answer(&message);
            }
            Err(error) => check(&ServerMessage::Error(error.with_nonce(dialect.nonce(text)))),
        }
    }
});

/// Parses the text again, as a tree, and compares the strings.
fn check_against_serde(message: &ClientMessage, text: &str) {
    // A `Value` cannot represent numbers beyond a double, or half a surrogate pair. Both are accepted.
    let Ok(object) = serde_json::from_str::<Value>(text) else { return };
    let field = |name: &str| object.get(name).and_then(Value::as_str);
    match message {
        ClientMessage::SetName(name, ..) => {
            assert_eq!((field("type"), field("name")), (Some("username"), Some(name.as_str())));
        }
        ClientMessage::Message(Post { text, target, nonce, .. }) => {
            assert_eq!((field("nonce"), object["nonce"].is_null()), (nonce.as_deref(), nonce.is_none()));
            assert_eq!((field("type"), field("text")), (Some("message"), Some(&**text)));
            match target {
                Some(Target::Name(name)) => assert_eq!(field("target"), Some(name.as_str())),
                Some(Target::Id(id)) => assert_eq!(object["target"].as_u64(), Some(*id)),
                None => assert!(object["target"].is_null()),
            }
        }
        ClientMessage::Inspect(..) => assert_eq!(field("type"), Some("inspect")),
        ClientMessage::Drop => assert_eq!(field("type"), Some("drop")),
        ClientMessage::Ping => assert_eq!(field("type"), Some("ping")),
        ClientMessage::Command(line) => {
            assert_eq!((field("type"), field("command")), (Some("admin"), Some(line.as_str())));
        }
        other => panic!("not JSON: {other:?}"),
    }
}

/// The server's messages with the same strings.
fn answer(message: &ClientMessage) {
    let (name, id, date) = (Arc::from("ann"), 1, 1_700_000_000_000);
    match message {
        ClientMessage::SetName(name, resume) => {
            let was = resume.map(|token| token.id);
            check(&ServerMessage::Username { name: name.as_str().into(), id, was, date });
        }
        ClientMessage::Message(Post { text, target, nonce, .. }) => {
            let (text, nonce) = (Arc::clone(text), nonce.clone());
            if let Some(target) = target {
                let (target, target_id) = match target {
                    Target::Name(name) => (name.as_str().into(), 2),
                    Target::Id(id) => ("bob".into(), *id),
                };
                let is_received = true;
                return check(&ServerMessage::Private { name, text, id, date, target, target_id, is_received, nonce });
            }
            let mut message = StoredMessage::new("", 1, name, text);
            (message.date, message.id, message.nonce) = (date, id, nonce);
            check(&ServerMessage::Message(message.clone()));
            check_size(&message);
            check(&ServerMessage::History(message));
        }
        ClientMessage::Command(line) => check(&ServerMessage::Left(line.as_str().into())),
        _ => {}
    }
}

/// The size that bounds a part of history is an upper bound.
fn check_size(message: &StoredMessage) {
    let json = Dialect::Json.encode(&ServerMessage::History(message.clone())).expect("JSON");
    assert!(json.len() <= message.wire_size(), "{} {json}", message.wire_size());
}

fn check(message: &ServerMessage) {
    for dialect in Dialect::ALL {
        let Some(encoded) = dialect.encode(message) else { continue };
        if dialect == Dialect::Text {
            assert!(!encoded.contains(|c: char| c.is_control() || c == '\u{2028}'), "{encoded:?}");
            continue;
        }
        assert!(dialect == Dialect::Chinwag || !encoded.contains(['<', '>']), "{encoded:?}");
        let object: Value = serde_json::from_str(&encoded).expect("valid JSON");
        if let (Dialect::Chinwag, ServerMessage::Message(message)) = (dialect, message) {
            assert_eq!(object["text"].as_str(), Some(&*message.text));
            assert_eq!(object["nonce"].as_str(), message.nonce.as_deref());
        }
    }
}
