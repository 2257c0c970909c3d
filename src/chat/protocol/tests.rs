//! The messages of docs/PROTOCOL.md, byte for byte, in both directions.

use super::*;

mod client_messages;

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
    ServerMessage::Private { name, text, id: 7, date: D, target, target_id: 8, is_received, nonce }
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
            ServerMessage::Id { id: 7, seq: 41, log: "k3x".into(), resume: ResumeToken { id: 7, secret: 1 << 127 } },
            r#"{"type":"id","id":7,"seq":41,"log":"k3x","resume":"7-80000000000000000000000000000000"}"#,
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
            ServerMessage::UserList { users: names(&["ann", "bob"]), ids: None },
            r#"{"type":"userlist","users":["ann","bob"]}"#,
            "(nothing)",
        ),
        (
            ServerMessage::Handshake {
                request: "GET / HTTP/1.1\nHost: a\n".into(),
                response: "HTTP/1.1 101 x".into(),
                received: vec![0x81, 5],
            },
            r#"{"type":"handshake","request":["GET / HTTP/1.1","Host: a"],"response":["HTTP/1.1 101 x"],"received":"8105"}"#,
            "(nothing)",
        ),
        (ServerMessage::UserList { users: names(&[]), ids: None }, r#"{"type":"userlist","users":[]}"#, "(nothing)"),
        (
            ServerMessage::Username { name: name(), id: 7, was: None, date: D },
            r#"{"type":"username","name":"bob","id":7,"date":1700000000123}"#,
            "* bob signed in",
        ),
        (
            ServerMessage::Username { name: name(), id: 7, was: Some(5), date: D },
            r#"{"type":"username","name":"bob","id":7,"was":5,"date":1700000000123}"#,
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
            r#"{"type":"message","name":"ann","text":"hi","id":7,"date":1700000000123,"target":"bob","targetId":8}"#,
            "ann (to you): hi",
        ),
        (
            private("hi", false, "bob", Some("x1")),
            r#"{"type":"message","name":"ann","text":"hi","id":7,"date":1700000000123,"target":"bob","targetId":8,"nonce":"x1"}"#,
            "ann (to bob): hi",
        ),
        (
            ServerMessage::Error(error.clone().with_nonce(Some("x1".into()))),
            r#"{"type":"error","reason":"too-fast","about":"Wait.","nonce":"x1"}"#,
            "* refused: Wait.",
        ),
        (ServerMessage::Error(error), r#"{"type":"error","reason":"too-fast","about":"Wait."}"#, "* refused: Wait."),
        (ServerMessage::Left(name()), "(nothing)", "* bob left"),
        (ServerMessage::Users(names(&["ann", "bob"])), "(nothing)", "* users: ann, bob"),
    ];
    for (message, json, text) in rows {
        assert_eq!(encoded(Dialect::Json, &message), json);
        assert_eq!(encoded(Dialect::Chinwag, &message), json);
        assert_eq!(encoded(Dialect::Text, &message), text);
    }
    assert!(encoded(Dialect::Text, &ServerMessage::Help).starts_with("* commands: "));
}

#[test]
fn user_list_has_ids_in_dialect_chinwag_only() {
    let list = ServerMessage::UserList { users: names(&["ann", "bob"]), ids: Some([3, 5].into()) };
    assert_eq!(encoded(Dialect::Json, &list), r#"{"type":"userlist","users":["ann","bob"]}"#);
    assert_eq!(encoded(Dialect::Chinwag, &list), r#"{"type":"userlist","users":["ann","bob"],"ids":[3,5]}"#);
    assert_eq!(encoded(Dialect::Text, &list), "(nothing)");
}

#[test]
fn html_is_escaped_in_dialect_json_only() {
    let evil = "<img src=x onerror=alert(1)>&";
    let safe = "&lt;img src=x onerror=alert(1)&gt;&amp;";
    let messages = [
        ServerMessage::Message(stored(evil, evil, Some(evil))),
        private(evil, true, evil, Some(evil)),
        ServerMessage::UserList { users: names(&[evil]), ids: None },
        ServerMessage::Username { name: evil.into(), id: 1, was: None, date: D },
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

#[test]
fn wire_size_is_an_upper_bound() {
    for text in ["", "hi", "<<<&&&>>>", "\"\\\n\r\t", "\u{1}\u{fffd}é"] {
        let mut message = stored(text, &text.repeat(100), Some(text));
        (message.seq, message.id, message.date) = (u64::MAX, 1 << 53, u64::MAX);
        let (size, json) = (message.wire_size(), encoded(Dialect::Json, &ServerMessage::History(message)));
        assert!((json.len()..json.len() + 100).contains(&size), "{size} {json}");
    }
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
    let reasons = [BadJson, UnknownType, MissingField, BadName, NoName, TooLong, TooFast, NoSuchUser, NotText];
    let words = "bad-json unknown-type missing-field bad-name no-name too-long too-fast no-such-user not-text";
    assert_eq!(reasons.map(word).join(" "), words);
    assert!(reasons.iter().all(|reason| ProtocolError::from(*reason).message.ends_with('.')));
}

#[test]
fn streams_have_messages_only() {
    let resume = ResumeToken { id: 7, secret: 1 };
    let object = r#"{"type":"message","name":"bob","text":"<hi>\n","id":7,"date":1700000000123,"seq":3}"#;
    let new = ServerMessage::Message(stored("bob", "<hi>\n", None));
    let old = ServerMessage::History(stored("bob", "<hi>\n", None));
    let id = ServerMessage::Id { id: 7, seq: 41, log: "k3x".into(), resume };
    let rows: [(&ServerMessage, String, String, &str); 4] = [
        (&new, format!("id: 3\ndata: {object}\n\n"), format!("{object}\n"), "bob: <hi> ⏎ \n"),
        (&old, format!("id: 3\ndata: {object}\n\n"), format!("{object}\n"), "[2023-11-14 22:13] bob: <hi> ⏎ \n"),
        (
            &id,
            "event: id\nid: 41\ndata: {\"type\":\"id\",\"seq\":41,\"log\":\"k3x\"}\n\n".to_owned(),
            "{\"type\":\"id\",\"seq\":41,\"log\":\"k3x\"}\n".to_owned(),
            "(nothing)",
        ),
        (
            &ServerMessage::Gap { missed: Some(1) },
            "event: gap\ndata: {\"type\":\"gap\",\"missed\":1}\n\n".to_owned(),
            "{\"type\":\"gap\",\"missed\":1}\n".to_owned(),
            "* 1 message is gone\n",
        ),
    ];
    for (message, sse, ndjson, lines) in rows {
        assert_eq!(encoded(Dialect::Sse, message), sse);
        assert_eq!(encoded(Dialect::Ndjson, message), ndjson);
        assert_eq!(encoded(Dialect::Lines, message), lines);
    }
    let users = ServerMessage::UserList { users: names(&["ann"]), ids: None };
    for message in [private("x", true, "bob", None), users, ServerMessage::Left("ann".into())] {
        for dialect in Dialect::STREAMS {
            assert_eq!(dialect.encode(&message), None, "{dialect:?}");
        }
    }
}
