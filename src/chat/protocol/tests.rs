//! The messages of docs/PROTOCOL.md, byte for byte, in both directions.

use super::*;

const D: Millis = 1_700_000_000_123;

fn encoded(dialect: Dialect, message: &ServerMessage) -> String {
    dialect.encode(message).unwrap_or_else(|| "(nothing)".to_owned())
}

fn stored(name: &str, text: &str, nonce: Option<&str>) -> StoredMessage {
    let nonce = nonce.map(Arc::from);
    StoredMessage { room: "".into(), seq: 3, date: D, id: 7, name: name.into(), text: text.into(), nonce }
}

fn message(name: &str, text: &str) -> ServerMessage {
    ServerMessage::Message(stored(name, text, None))
}

fn private(text: &str, is_received: bool, target: &str, nonce: Option<&str>) -> ServerMessage {
    let (name, text, target, nonce) = ("ann".into(), text.into(), target.into(), nonce.map(Arc::from));
    ServerMessage::Private { name, text, id: 7, date: D, target, is_received, nonce }
}

fn names(names: &[&str]) -> Arc<[Name]> {
    names.iter().map(|&name| name.into()).collect()
}

#[test]
fn server_messages_in_every_dialect() {
    let error = ProtocolError::new(ErrorReason::TooFast, "Wait.");
    let name = || Name::from("bob");
    let rows = [
        (
            ServerMessage::Id { id: 7, seq: 41, log: "k3x".into() },
            r#"{"type":"id","id":7,"seq":41,"log":"k3x"}"#,
            "(nothing)",
        ),
        (ServerMessage::Gap { missed: None }, r#"{"type":"gap"}"#, "* some messages are gone"),
        (ServerMessage::Gap { missed: Some(1) }, r#"{"type":"gap","missed":1}"#, "* 1 message is gone"),
        (ServerMessage::Gap { missed: Some(12) }, r#"{"type":"gap","missed":12}"#, "* 12 messages are gone"),
        (
            ServerMessage::RejectUsername { id: 7, name: "bob1".into() },
            r#"{"type":"rejectusername","id":7,"name":"bob1"}"#,
            "* you are bob1",
        ),
        (
            ServerMessage::UserList { users: names(&["ann", "bob"]) },
            r#"{"type":"userlist","users":["ann","bob"]}"#,
            "(nothing)",
        ),
        (
            ServerMessage::Handshake { request: "GET / HTTP/1.1\nHost: a\n".into(), response: "HTTP/1.1 101 x".into() },
            r#"{"type":"handshake","request":["GET / HTTP/1.1","Host: a"],"response":["HTTP/1.1 101 x"]}"#,
            "(nothing)",
        ),
        (ServerMessage::UserList { users: names(&[]) }, r#"{"type":"userlist","users":[]}"#, "(nothing)"),
        (
            ServerMessage::Username { name: name(), id: 7, date: D },
            r#"{"type":"username","name":"bob","id":7,"date":1700000000123}"#,
            "* bob signed in",
        ),
        (
            message("bob", "hi"),
            r#"{"type":"message","name":"bob","text":"hi","id":7,"date":1700000000123,"seq":3}"#,
            "bob: hi",
        ),
        (
            ServerMessage::Message(stored("bob", "hi", Some("x\"1"))),
            r#"{"type":"message","name":"bob","text":"hi","id":7,"date":1700000000123,"seq":3,"nonce":"x\"1"}"#,
            "bob: hi",
        ),
        (
            ServerMessage::History(stored("bob", "hi", Some("x1"))),
            r#"{"type":"message","name":"bob","text":"hi","id":7,"date":1700000000123,"seq":3,"nonce":"x1"}"#,
            "[2023-11-14 22:13] bob: hi",
        ),
        (
            private("hi", true, "bob", None),
            r#"{"type":"message","name":"ann","text":"hi","id":7,"date":1700000000123,"target":"bob"}"#,
            "ann (to you): hi",
        ),
        (
            private("hi", false, "bob", Some("x1")),
            r#"{"type":"message","name":"ann","text":"hi","id":7,"date":1700000000123,"target":"bob","nonce":"x1"}"#,
            "ann (to bob): hi",
        ),
        (
            ServerMessage::Error(error.clone().with_nonce(Some("x1".into()))),
            r#"{"type":"error","reason":"too-fast","about":"Wait.","nonce":"x1"}"#,
            "* refused: Wait.",
        ),
        (ServerMessage::Error(error), r#"{"type":"error","reason":"too-fast","about":"Wait."}"#, "* refused: Wait."),
        (ServerMessage::Left { name: name() }, "(nothing)", "* bob left"),
        (ServerMessage::Users { users: names(&["ann", "bob"]) }, "(nothing)", "* users: ann, bob"),
    ];
    for (message, json, text) in rows {
        assert_eq!(encoded(Dialect::Json, &message), json);
        assert_eq!(encoded(Dialect::Chinwag, &message), json);
        assert_eq!(encoded(Dialect::Text, &message), text);
    }
    assert!(encoded(Dialect::Text, &ServerMessage::Help).starts_with("* commands: "));
}

#[test]
fn html_is_escaped_in_dialect_json_only() {
    let evil = "<img src=x onerror=alert(1)>&";
    let safe = "&lt;img src=x onerror=alert(1)&gt;&amp;";
    let messages = [
        ServerMessage::Message(stored(evil, evil, Some(evil))),
        private(evil, true, evil, Some(evil)),
        ServerMessage::UserList { users: names(&[evil]) },
        ServerMessage::Username { name: evil.into(), id: 1, date: D },
        ServerMessage::RejectUsername { id: 1, name: evil.into() },
        ServerMessage::Error(ProtocolError::new(ErrorReason::NoSuchUser, evil)),
    ];
    for message in messages {
        let typed = encoded(Dialect::Chinwag, &message);
        assert!(typed.contains(evil), "{typed}");
        assert_eq!(encoded(Dialect::Json, &message), typed.replace(evil, safe));
    }
}

#[test]
fn any_string_is_valid_json() {
    let every: String = (0..0x3000).chain(0xffe0..0x10010).filter_map(char::from_u32).collect();
    let out = encoded(Dialect::Chinwag, &message("bob", &every));
    let value: serde_json::Value = serde_json::from_str(&out).expect("valid JSON");
    assert_eq!(value["text"], *every);
    let quoted = encoded(Dialect::Chinwag, &message("b", "\"\\\n\r\t\u{1}\u{1f}é\u{2028}"));
    assert!(quoted.contains(r#""text":"\"\\\n\r\t\u0001\u001fé"#), "{quoted}");
}

#[test]
fn large_numbers_are_exact() {
    for id in [0, 9, 10, 1 << 53, u64::MAX] {
        let message = ServerMessage::RejectUsername { id, name: "b".into() };
        assert_eq!(encoded(Dialect::Json, &message), format!(r#"{{"type":"rejectusername","id":{id},"name":"b"}}"#));
    }
}

#[test]
fn text_lines_cannot_be_forged() {
    let rows = [
        ("bob", "hi\n* ann left", "bob: hi ⏎ * ann left"),
        ("bob", "a\r\nb\rc\u{2028}d\u{85}e", "bob: a ⏎ b ⏎ c ⏎ d ⏎ e"),
        ("bob", "\u{1b}[2Jx\u{7}\u{9b}1m\ty", "bob: \u{fffd}[2Jx\u{fffd}\u{fffd}1m y"),
        ("bob", "\u{202e}txt\u{2066}", "bob: \u{fffd}txt\u{fffd}"),
        ("* ann left", "x", "\"* ann left\": x"),
        ("ann (to you)", "x", "\"ann (to you)\": x"),
        ("ann: no", "x", "\"ann: no\": x"),
        ("a\": b", "x", "\"a\"\": b\": x"),
        ("Ann B", "añ✓ <b>", "\"Ann B\": añ✓ <b>"),
        ("you are admin", "x", "\"you are admin\": x"),
        ("bob （to you）", "x", "\"bob （to you）\": x"),
        ("refused： bye", "x", "\"refused： bye\": x"),
        ("＊", "x", "\"＊\": x"),
        ("[2026-11-22", "x", "\"[2026-11-22\": x"),
        ("a\u{200d}b", "x", "\"a\u{200d}b\": x"),
        ("bob-1_x.y", "x", "bob-1_x.y: x"),
        ("नेहा", "x", "नेहा: x"),
        ("Ве\u{301}ра", "x", "Ве\u{301}ра: x"),
        ("ｂｏｂ２", "x", "ｂｏｂ２: x"),
    ];
    for (name, text, line) in rows {
        assert_eq!(encoded(Dialect::Text, &message(name, text)), line);
    }
}

fn sent(text: &str, target: Option<&str>) -> Result<ClientMessage, ErrorReason> {
    Ok(ClientMessage::Message { text: text.into(), target: target.map(str::to_owned), nonce: None })
}

#[test]
fn nonce_is_in_messages_and_in_errors() {
    let long = "é".repeat(64);
    let rows = [
        (r#""text":"hi","nonce":"a1""#, "ok a1"),
        (r#""nonce":"\u0061","text":"hi","target":"ann""#, "ok a"),
        (&format!(r#""text":"hi","nonce":"{long}""#), &format!("ok {long}")),
        (r#""text":"hi","nonce":null"#, "ok"),
        (r#""nonce":"a1""#, "missing-field a1"),
        (r#""text":"hi","target":1,"nonce":"a1""#, "missing-field a1"),
        (r#""nonce":"","text":"hi""#, "missing-field"),
        (r#""text":"hi","nonce":1"#, "missing-field"),
        (r#""text":"hi","nonce":["a1"]"#, "missing-field"),
        (&format!(r#""text":"hi","nonce":"{long}é""#), "missing-field"),
    ];
    for (fields, want) in rows {
        for dialect in [Dialect::Json, Dialect::Chinwag] {
            let (word, nonce) = match dialect.decode(&format!(r#"{{"type":"message",{fields}}}"#)) {
                Ok(ClientMessage::Message { nonce, .. }) => ("ok".to_owned(), nonce),
                Err(error) => (word(error.reason), error.nonce),
                other => panic!("{fields}: {other:?}"),
            };
            let got: Vec<&str> = [&*word].into_iter().chain(nonce.as_deref()).collect();
            assert_eq!(got.join(" "), want, "{fields}");
        }
    }
}

#[test]
fn wire_size_is_an_upper_bound() {
    for text in ["", "hi", "<<<&&&>>>", "\"\\\n\r\t", "\u{1}\u{fffd}é"] {
        let mut message = stored(text, &text.repeat(100), Some(text));
        (message.seq, message.id, message.date) = (u64::MAX, 1 << 53, u64::MAX);
        let (size, json) = (message.wire_size(), encoded(Dialect::Json, &ServerMessage::History(message)));
        assert!((json.len()..json.len() + 100).contains(&size), "{size} {json}");
    }
}

fn set_name(name: &str) -> Result<ClientMessage, ErrorReason> {
    Ok(ClientMessage::SetName(name.to_owned()))
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
        (r#"{"type":"message","text":"hi","target":5}"#, Err(MissingField)),
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
        (r#"{"type":"message","text":"\ud800"}"#, Err(BadJson)),
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
    let unknown = |word: &str| Ok(ClientMessage::UnknownCommand(word.to_owned()));
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
            ("/msg ann", Err(MissingField)),
            ("/msg \"Ann B\"", Err(MissingField)),
            ("/msg", Err(MissingField)),
            ("/users", Ok(ClientMessage::ListUsers)),
            ("/help", Ok(ClientMessage::Help)),
            ("/quit\n", Ok(ClientMessage::Quit)),
            ("/names bob", unknown("names")),
            ("/", unknown("")),
            (r#"{"type":"message","text":"hi"}"#, sent(r#"{"type":"message","text":"hi"}"#, None)),
        ],
    );
}

#[test]
fn dialects_have_names_and_indices() {
    for (index, dialect) in Dialect::ALL.into_iter().enumerate() {
        assert_eq!(dialect as usize, index);
        assert_eq!(Dialect::from_name(dialect.name()), Some(dialect));
    }
    for name in ["", "JSON", "chinwag", "text "] {
        assert_eq!(Dialect::from_name(name), None);
    }
}

/// The word of the reason on the wire.
fn word(reason: ErrorReason) -> String {
    serde_json::to_string(&reason).expect("a string").replace('"', "")
}

#[test]
fn reasons_have_stable_words_and_sentences() {
    use ErrorReason::*;
    let reasons = [BadJson, UnknownType, MissingField, NoName, TooLong, TooFast, NoSuchUser, NotText];
    let words = "bad-json unknown-type missing-field no-name too-long too-fast no-such-user not-text";
    assert_eq!(reasons.map(word).join(" "), words);
    assert!(reasons.iter().all(|reason| ProtocolError::from(*reason).message.ends_with('.')));
}
