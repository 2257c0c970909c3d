//! What clients send.

use super::*;

fn sent(text: &str, target: Option<&str>) -> Result<ClientMessage, ErrorReason> {
    let target = target.map(|name| Target::Name(name.to_owned()));
    Ok(ClientMessage::Message(Post { target, ..Post::from_text(text) }))
}

fn sent_to_id(text: &str, id: UserId) -> Result<ClientMessage, ErrorReason> {
    Ok(ClientMessage::Message(Post { target: Some(Target::Id(id)), ..Post::from_text(text) }))
}

/// The text of the message, or the reason of the error, and the nonce of both.
fn result_and_nonce(text: &str) -> String {
    let [json, chinwag] = [Dialect::Json, Dialect::Chinwag].map(|dialect| {
        let (result, nonce) = match dialect.decode(text) {
            Ok(ClientMessage::Message(post)) => (post.text.to_string(), post.nonce),
            Ok(_) => ("ok".to_owned(), dialect.nonce(text)),
            Err(error) => (word(error.reason), dialect.nonce(text)),
        };
        [&*result].into_iter().chain(nonce.as_deref()).collect::<Vec<_>>().join(" ")
    });
    assert_eq!(json, chinwag);
    json
}

#[test]
fn nonce_is_read_from_valid_and_invalid_messages() {
    let long = "é".repeat(64);
    let escaped = "\\ud83d\\ude00".repeat(64);
    let rows = [
        (r#"{"type":"message","text":"hi","nonce":"a1"}"#, "hi a1"),
        (r#"{"type":"message","nonce":"\u0061","text":"hi","target":"ann"}"#, "hi a"),
        (r#"{"type":"message","text":"hi","n\u006fnce":"a"}"#, "hi a"),
        (&format!(r#"{{"type":"message","text":"hi","nonce":"{long}"}}"#), &format!("hi {long}")),
        (&format!(r#"{{"nonce":"{long}"}}"#), &format!("missing-field {long}")),
        (&format!(r#"{{"nonce":"{long}","#), &format!("bad-json {long}")),
        (&format!(r#"{{"nonce":"{escaped}","#), &format!("bad-json {}", "😀".repeat(64))),
        (r#"{"type":"message","text":"hi","nonce":null}"#, "hi"),
        // Invalid fields.
        (r#"{"type":"message","nonce":"a1"}"#, "missing-field a1"),
        (r#"{"type":"message","text":"hi","target":[1],"nonce":"a1"}"#, "missing-field a1"),
        (r#"{"text":"hi","nonce":"a1"}"#, "missing-field a1"),
        (r#"{"type":7,"nonce":"a1"}"#, "missing-field a1"),
        (r#"{"type":"shout","nonce":"a1"}"#, "unknown-type a1"),
        (r#"{"nonce":"a1","type":"username"}"#, "missing-field a1"),
        // The last one counts.
        (r#"{"type":"message","text":"hi","nonce":"a1","nonce":"a2"}"#, "hi a2"),
        (r#"{"type":"x","nonce":"a1","nonce":"a2"}"#, "unknown-type a2"),
        (r#"{"type":"message","text":"hi","nonce":"a1","nonce":2}"#, "missing-field"),
        (r#"{"nonce":"a1","nonce":"a2""#, "bad-json a2"),
        // Invalid JSON.
        (r#"{"type":"message","text":"hi","nonce":"a1",}"#, "bad-json a1"),
        (r#"{"nonce" : "a1","type":"message","text":"hi"#, "bad-json a1"),
        ("{\"text\":\"a\nb\",\"nonce\"\n:\t\"a1\"}", "bad-json a1"),
        (r#"{"text":"\x","nonce":"a1"}"#, "bad-json a1"),
        (r#"{"nonce":"a1","text":"say "nonce" now"}"#, "bad-json a1"),
        (r#"{"nonce":"a1\"b\\"#, "bad-json"),
        (r#"{"nonce":"a1\"b\\","#, "bad-json a1\"b\\"),
        (r#"{"nonce":"a1"#, "bad-json"),
        (r#"{"nonce":"#, "bad-json"),
        (r#"{"nonce""#, "bad-json"),
        (r#"{"nonce":"\x","#, "bad-json"),
        (r#"{"nonce":"a\ud800","#, "bad-json a\u{fffd}"),
        (r#"["message",{"nonce":"a1"}]"#, "bad-json a1"),
        // Not a nonce.
        (r#"{"type":"message","text":"hi","x":{"nonce":"a1"}}"#, "hi"),
        (r#"{"type":"x","x":{"nonce":"a1"}}"#, "unknown-type"),
        (r#"{"type":"message","text":"\"nonce\":\"a1\"",}"#, "bad-json"),
        (r#"{"type":"message","nonce":"","text":"hi"}"#, "missing-field"),
        (r#"{"nonce":"","#, "bad-json"),
        (r#"{"type":"message","text":"hi","nonce":1}"#, "missing-field"),
        (r#"{"type":"message","text":"hi","nonce":["a1"]}"#, "missing-field"),
        (&format!(r#"{{"type":"message","text":"hi","nonce":"{long}é"}}"#), "missing-field"),
        (&format!(r#"{{"nonce":"{long}é","#), "bad-json"),
    ];
    for (text, want) in rows {
        assert_eq!(result_and_nonce(text), want, "{text}");
    }
    assert_eq!(Dialect::Json.nonce(r#"{"type":"drop","nonce":"a1"}"#).as_deref(), Some("a1"));
    assert_eq!(Dialect::Text.nonce(r#"{"nonce":"a1"}"#), None);
}

#[test]
fn lone_surrogates_are_replaced() {
    let rows = [
        (r"\ud83d", "\u{fffd}"),
        (r"a\uD83Db", "a\u{fffd}b"),
        (r"\ude00", "\u{fffd}"),
        (r"\uDFFF\udbff", "\u{fffd}\u{fffd}"),
        (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
        (r"\ud83d\ude00", "😀"),
        (r"\uD83D\uDE00\ud800\udc00\udbff\udfff", "😀\u{10000}\u{10ffff}"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"\ud83d\ude00\ude00", "😀\u{fffd}"),
        (r"\ud83d\n", "\u{fffd}\n"),
        (r"\ud83d \ude00", "\u{fffd} \u{fffd}"),
        (r"\ud83d\\ude00", "\u{fffd}\\ude00"),
        (r"\\ud83d", "\\ud83d"),
        (r"\\\ud83d", "\\\u{fffd}"),
        (r"\ud7ff\ue000", "\u{d7ff}\u{e000}"),
        (r"\ud83dé", "\u{fffd}é"),
        (r"é\ud83d😀", "é\u{fffd}😀"),
    ];
    for (escaped, want) in rows {
        let text = format!(
            r#"{{"type":"message","text":"{escaped}","\ud800":"{escaped}","target":"{escaped}","nonce":"{escaped}"}}"#
        );
        let (target, nonce) = (Some(Target::Name(want.to_owned())), Some(want.into()));
        let message = ClientMessage::Message(Post { name: None, text: want.into(), target, nonce });
        assert_eq!(Dialect::Chinwag.decode(&text), Ok(message), "{text}");
        let name = format!(r#"{{"type":"username","name":"{escaped}"}}"#);
        check(Dialect::Json, &[(&name, set_name(want))]);
    }
    for wrong in [r"\ud83", r"\ud8+1", r"\ud83d\", r"\ud83d\u", r"\ud83d\u12", r"\ud83d\é", r"\Ud83d"] {
        let text = format!(r#"{{"type":"message","text":"{wrong}"}}"#);
        check(Dialect::Json, &[(&text, Err(ErrorReason::BadJson))]);
    }
}

#[test]
fn resume_token_is_read_or_ignored() {
    let token = ResumeToken { id: 7, secret: 1 << 127 };
    let rows = [
        (format!("\"{token}\""), Some(token)),
        ("\"7-1\"".to_owned(), Some(ResumeToken { id: 7, secret: 1 })),
        ("\"x\"".to_owned(), None),
        ("\"\"".to_owned(), None),
        ("null".to_owned(), None),
        ("7".to_owned(), None),
        ("[]".to_owned(), None),
    ];
    for (value, resume) in rows {
        let name = "bob".to_owned();
        let got = Dialect::Json.decode(&format!(r#"{{"type":"username","name":"bob","resume":{value}}}"#));
        assert_eq!(got, Ok(ClientMessage::SetName(name, resume)), "{value}");
    }
}

fn set_name(name: &str) -> Result<ClientMessage, ErrorReason> {
    Ok(ClientMessage::SetName(name.to_owned(), None))
}

fn check(dialect: Dialect, rows: &[(&str, Result<ClientMessage, ErrorReason>)]) {
    for (text, want) in rows {
        let got = dialect.decode(text).map_err(|error| error.reason);
        assert_eq!(got, *want, "{dialect:?} {text:?}");
    }
}

#[test]
fn client_messages_in_json() {
    use ErrorReason::{BadJson, MissingField, UnknownType};
    let deep = format!(r#"{{"type":{}"#, "[".repeat(10_000));
    let nested = format!(r#"{{"type":"message","x":{}{},"text":"hi"}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let rows = [
        (r#"{"type":"username","name":"bob"}"#, set_name("bob")),
        (r#"{"name":"bob","id":"x","date":{"a":[1]},"type":"username"}"#, set_name("bob")),
        (r#"{"type":"message","text":"hi"}"#, sent("hi", None)),
        (r#" {"text":"hi","type":"message","id":1,"date":1.5e3,"name":null} "#, sent("hi", None)),
        (r#"{"type":"message","text":"hi","target":"ann"}"#, sent("hi", Some("ann"))),
        (r#"{"type":"message","text":"hi","target":null}"#, sent("hi", None)),
        (r#"{"ty\u0070e":"mess\u0061ge","text":"a\n\u00e9\ud83d\ude00"}"#, sent("a\né😀", None)),
        (r#"{"type":"x","type":"message","text":"one","text":"two"}"#, sent("two", None)),
        (r#"{"type":"message","text":""}"#, sent("", None)),
        (r#"{"type":"message"}"#, Err(MissingField)),
        (r#"{"type":"message","text":5}"#, Err(MissingField)),
        (r#"{"type":"message","text":"hi","target":5}"#, sent_to_id("hi", 5)),
        (r#"{"type":"message","text":"hi","target":"5"}"#, sent("hi", Some("5"))),
        (r#"{"type":"message","text":"hi","target":18446744073709551615}"#, sent_to_id("hi", u64::MAX)),
        (r#"{"type":"message","text":"hi","target":18446744073709551616}"#, Err(MissingField)),
        (r#"{"type":"message","text":"hi","target":-1}"#, Err(MissingField)),
        (r#"{"type":"message","text":"hi","target":1.5}"#, Err(MissingField)),
        (r#"{"type":"message","text":"hi","target":true}"#, Err(MissingField)),
        (r#"{"type":"message","text":"hi","target":["ann"]}"#, Err(MissingField)),
        (r#"{"type":"username"}"#, Err(MissingField)),
        (r#"{"type":"username","name":{}}"#, Err(MissingField)),
        (r#"{"type":true}"#, Err(MissingField)),
        ("{}", Err(MissingField)),
        (r#"{"type":"userlist","users":[]}"#, Err(UnknownType)),
        (r#"{"type":"Message","text":"hi"}"#, Err(UnknownType)),
        (r#"{"type":""}"#, Err(UnknownType)),
        ("", Err(BadJson)),
        ("hi", Err(BadJson)),
        ("null", Err(BadJson)),
        (r#""message""#, Err(BadJson)),
        (r#"["message","hi"]"#, Err(BadJson)),
        (r#"{"type":"message","text":"hi"}x"#, Err(BadJson)),
        (r#"{"type":"message","text":"hi",}"#, Err(BadJson)),
        (r#"{"type":"message","text":"hi","name":"\ud800"}"#, sent("hi", None)),
        (&nested, sent("hi", None)),
        ("{\"type\":\"message\",\"text\":\"a\nb\"}", Err(BadJson)),
        (&deep, Err(BadJson)),
    ];
    check(Dialect::Json, &rows);
    check(Dialect::Chinwag, &rows);
}

#[test]
fn client_messages_in_text() {
    use ErrorReason::MissingField;
    let command = |line: &str| Ok(ClientMessage::Command(line.to_owned()));
    check(
        Dialect::Text,
        &[
            ("hi", sent("hi", None)),
            ("hi\n", sent("hi", None)),
            ("hi\r\n", sent("hi", None)),
            (" hi /name x", sent(" hi /name x", None)),
            ("", sent("", None)),
            ("//x", sent("/x", None)),
            ("///x", sent("//x", None)),
            ("/name bob", set_name("bob")),
            ("/name  Bob  Smith\n", set_name("Bob  Smith")),
            ("/name", Err(MissingField)),
            ("/name ", Err(MissingField)),
            ("/msg ann hi  there", sent("hi  there", Some("ann"))),
            ("/msg \"Ann B\" hi", sent("hi", Some("Ann B"))),
            ("/msg \"Ann B\"hi", sent("hi", Some("Ann B"))),
            ("/msg @ann hi", sent("hi", Some("ann"))),
            ("/msg @\"Ann B\" hi", sent("hi", Some("Ann B"))),
            ("/msg @ hi", Err(MissingField)),
            ("/msg \"\" hi", Err(MissingField)),
            ("/me  waves\n", sent("/me  waves", None)),
            ("/me", Err(MissingField)),
            ("//me waves", sent("/me waves", None)),
            ("/msg ann", Err(MissingField)),
            ("/msg \"Ann B\"", Err(MissingField)),
            ("/msg", Err(MissingField)),
            ("/users", Ok(ClientMessage::ListUsers)),
            ("/help", Ok(ClientMessage::Help)),
            ("/quit\n", Ok(ClientMessage::Quit)),
            ("/names bob", command("names bob")),
            ("/kick \"Ann B\"\n", command("kick \"Ann B\"")),
            ("/", command("")),
            (r#"{"type":"message","text":"hi"}"#, sent(r#"{"type":"message","text":"hi"}"#, None)),
        ],
    );
}
