//! Nonces: a message that is sent again, and errors.

use super::archive::stored;
use super::history::{summary, with_messages};
use super::*;
use crate::chat::protocol::StoredMessage;

pub(super) fn nonced(text: &str, nonce: &str) -> String {
    format!(r#"{{"type":"message","text":"{text}","nonce":"{nonce}"}}"#)
}

#[test]
fn same_nonce_is_broadcast_once() {
    let mut script = with_messages(Rules { room_messages: 3, ..Rules::default() }, 0);
    script.join(2, Dialect::Chinwag);
    script.name(2, "bob");
    let heard = r#"{"type":"message","name":"ann","text":"hi","id":1,"date":1000,"seq":1}"#;
    let sent = heard.replace('}', r#","nonce":"n1"}"#);
    assert_eq!(script.text(1, &nonced("hi", "n1")), [format!("*-1< {heard}"), format!("1< {sent}")]);
    script.now += 500;
    assert_eq!(script.text(1, &nonced("hi", "n1")), [format!("1< {sent}")], "again, to its sender alone");
    assert_eq!(script.text(2, &nonced("other", "n1")), [format!("2< {sent}")], "any sender");
    assert!(script.text(1, &nonced("hi", "n2"))[0].contains(r#""seq":2"#));
    assert_eq!(script.join(3, Dialect::Chinwag)[1], format!("3< {heard}"), "history has no nonces");
    // In another room it is another message.
    script.enter(4, Dialect::Chinwag, "b", None);
    script.name(4, "ann");
    assert!(script.text(4, &nonced("hi", "n1"))[0].starts_with("*1-4< "));
    // The nonce of a forgotten message can be used again.
    script.say(1, "x");
    script.say(1, "y");
    assert!(script.text(1, &nonced("hi", "n1"))[0].contains(r#""seq":5"#));
    assert!(script.text(1, &nonced("hi", "n1"))[0].starts_with("1< "));
}

#[test]
fn error_has_the_nonce_of_its_message() {
    let rate = Some(Rate { per_second: 1, burst: 4 });
    let mut script = Script::new(Rules { rate, text_chars: 3, ..Rules::default() });
    script.join(1, Dialect::Chinwag);
    let mut error = |text: &str| {
        let out = script.text(1, text).concat();
        let (reason, rest) = out.split_once(r#"reason":""#)?.1.split_once('"')?;
        Some(format!("{reason} {}", rest.split_once(r#""nonce":"#).map_or("", |(_, nonce)| nonce)))
    };
    assert_eq!(error(&nonced("hi", "a")).as_deref(), Some(r#"no-name "a"}"#));
    error(r#"{"type":"username","name":"ann"}"#);
    assert_eq!(error(&nonced("long", "b")).as_deref(), Some(r#"too-long "b"}"#));
    let private = r#"{"type":"message","text":"hi","target":"bob","nonce":"c"}"#;
    assert_eq!(error(private).as_deref(), Some(r#"no-such-user "c"}"#));
    assert_eq!(error(&nonced("hi", "d")).as_deref(), Some(r#"too-fast "d"}"#));
    assert_eq!(error(r#"{"type":"message","nonce":"e"}"#).as_deref(), Some(r#"too-fast "e"}"#));
    assert_eq!(error("{").as_deref(), Some("too-fast "));
    let mut script = Script::with(&["ann"]);
    for (text, reason) in [
        (r#"{"nonce":"x","type":"message","text":" "}"#, "missing-field"),
        (r#"{"nonce":"x","type":"shout"}"#, "unknown-type"),
        (r#"{"nonce":"x","type":"username"}"#, "missing-field"),
        (r#"{"type":"message",,"nonce":"x"}"#, "bad-json"),
    ] {
        let out = script.text(1, text);
        let is_expected = out[0].contains(reason) && out[0].ends_with(r#","nonce":"x"}"#);
        assert!(is_expected, "{out:?}");
    }
}

/// A client that is catching up receives its own message in its turn, with the nonce. Nobody else learns the nonce.
#[test]
fn nonce_in_history_is_for_the_author_only() {
    let rules = Rules { replay_bytes: stored(1).wire_size(), ..Rules::default() };
    let mut script = with_messages(rules, 2);
    for id in [2, 3] {
        script.enter(id, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }));
    }
    script.name(2, "bob");
    let out = script.text(2, &nonced("3", "n"));
    assert!(out.len() == 1 && out[0].starts_with("*< ") && !out[0].contains("nonce"), "{out:?}");
    for (id, has_nonce) in [(2, true), (3, false)] {
        let out = [(); 2].map(|()| script.put(Input::Ready(id))).concat();
        assert!(summary(&out).starts_with("2 3"), "{out:?}");
        assert_eq!(out.iter().any(|line| line.contains(r#""nonce":"n""#)), has_nonce, "{out:?}");
    }
    let loaded = StoredMessage { nonce: Some("m".into()), ..stored(1) };
    for (id, has_nonce) in [(1, true), (2, false)] {
        let output = show(&catch_up::history(id, &loaded, &[]));
        assert_eq!(output.contains("nonce"), has_nonce, "{output}");
    }
}

/// A client that returns and is catching up sends its message again. It receives the message in its turn, with the nonce.
#[test]
fn message_sent_again_while_catching_up_comes_with_its_nonce() {
    let rules = Rules { replay_bytes: 2 * stored(1).wire_size(), ..Rules::default() };
    let mut script = with_messages(rules, 3);
    script.text(1, &nonced("4", "n"));
    script.text(1, &nonced("5", "m"));
    script.enter(2, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }));
    script.name(2, "bob");
    assert_eq!([(); 2].map(|()| script.text(2, &nonced("4", "n"))).concat(), [""; 0], "once, and in its turn");
    let out = [(); 3].map(|()| script.put(Input::Ready(2))).concat();
    assert_eq!(summary(&out), "3 4 5 userlist");
    let nonces: Vec<&str> = out.iter().filter_map(|line| Some(line.split_once(r#""nonce":""#)?.1)).collect();
    assert_eq!(nonces, [r#"n"}"#]);
}
