//! The tables of the protocol, byte for byte, in both directions.

use super::*;

const D: Millis = 1_700_000_000_123;

fn said(dialect: Dialect, notice: &Notice) -> String {
    let mut out = String::new();
    let spoken = dialect.encode(notice, &mut out);
    assert_eq!(spoken, !out.is_empty(), "{dialect:?} {notice:?}");
    if spoken { out } else { "(nothing)".to_owned() }
}

fn message(name: &str, text: &str, audience: Audience) -> Notice {
    Notice::Message { name: name.into(), text: text.into(), id: 7, date: D, audience }
}

fn names(names: &[&str]) -> Arc<[Name]> {
    names.iter().map(|&name| name.into()).collect()
}

#[test]
fn every_row_from_server_to_client() {
    let problem = Problem::new(ErrorReason::TooFast, "Wait.");
    let name = || Name::from("bob");
    let rows = [
        (Notice::Id { id: 7 }, r#"{"type":"id","id":7}"#, "(nothing)"),
        (
            Notice::RejectUsername { id: 7, name: "bob1".into() },
            r#"{"type":"rejectusername","id":7,"name":"bob1"}"#,
            "* you are bob1",
        ),
        (Notice::UserList(names(&["ann", "bob"])), r#"{"type":"userlist","users":["ann","bob"]}"#, "(nothing)"),
        (
            Notice::Handshake { request: "GET / HTTP/1.1\nHost: a\n".into(), response: "HTTP/1.1 101 x".into() },
            r#"{"type":"handshake","request":["GET / HTTP/1.1","Host: a"],"response":["HTTP/1.1 101 x"]}"#,
            "(nothing)",
        ),
        (Notice::UserList(names(&[])), r#"{"type":"userlist","users":[]}"#, "(nothing)"),
        (
            Notice::Username { name: name(), id: 7, date: D },
            r#"{"type":"username","name":"bob","id":7,"date":1700000000123}"#,
            "* bob signed in",
        ),
        (
            message("bob", "hi", Audience::Room),
            r#"{"type":"message","name":"bob","text":"hi","id":7,"date":1700000000123}"#,
            "bob: hi",
        ),
        (
            message("ann", "hi", Audience::You(name())),
            r#"{"type":"message","name":"ann","text":"hi","id":7,"date":1700000000123,"target":"bob"}"#,
            "ann (to you): hi",
        ),
        (
            message("ann", "hi", Audience::Other(name())),
            r#"{"type":"message","name":"ann","text":"hi","id":7,"date":1700000000123,"target":"bob"}"#,
            "ann (to bob): hi",
        ),
        (Notice::Error(problem), r#"{"type":"error","reason":"too-fast","about":"Wait."}"#, "* refused: Wait."),
        (Notice::Left { name: name() }, "(nothing)", "* bob left"),
        (Notice::You { name: "guest-7".into() }, "(nothing)", "* you are guest-7"),
        (Notice::Users(names(&["ann", "bob"])), "(nothing)", "* users: ann, bob"),
    ];
    for (notice, json, text) in rows {
        assert_eq!(said(Dialect::Json, &notice), json);
        assert_eq!(said(Dialect::Chinwag, &notice), json);
        assert_eq!(said(Dialect::Text, &notice), text);
    }
    assert!(said(Dialect::Text, &Notice::Help).starts_with("* commands: "));
}

#[test]
fn markup_is_escaped_in_json_only() {
    let evil = "<img src=x onerror=alert(1)>&";
    let safe = "&lt;img src=x onerror=alert(1)&gt;&amp;";
    let notices = [
        message(evil, evil, Audience::You(evil.into())),
        Notice::UserList(names(&[evil])),
        Notice::Username { name: evil.into(), id: 1, date: D },
        Notice::RejectUsername { id: 1, name: evil.into() },
        Notice::Error(Problem::new(ErrorReason::NoSuchUser, evil)),
    ];
    for notice in notices {
        let typed = said(Dialect::Chinwag, &notice);
        assert!(typed.contains(evil), "{typed}");
        assert_eq!(said(Dialect::Json, &notice), typed.replace(evil, safe));
    }
}

#[test]
fn strings_are_json_whatever_is_in_them() {
    let every: String = (0..0x3000).chain(0xffe0..0x10010).filter_map(char::from_u32).collect();
    let out = said(Dialect::Chinwag, &message("bob", &every, Audience::Room));
    let value: serde_json::Value = serde_json::from_str(&out).expect("valid JSON");
    assert_eq!(value["text"], *every);
    let quoted = said(Dialect::Chinwag, &message("b", "\"\\\n\r\t\u{1}\u{1f}é\u{2028}", Audience::Room));
    assert!(quoted.contains(r#""text":"\"\\\n\r\t\u0001\u001fé"#), "{quoted}");
}

#[test]
fn numbers_are_written_in_full() {
    for id in [0, 9, 10, 1 << 53, u64::MAX] {
        assert_eq!(said(Dialect::Json, &Notice::Id { id }), format!(r#"{{"type":"id","id":{id}}}"#));
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
        ("Ann B", "añ✓ <b>", "Ann B: añ✓ <b>"),
    ];
    for (name, text, line) in rows {
        assert_eq!(said(Dialect::Text, &message(name, text, Audience::Room)), line);
    }
}

fn say(text: &str, target: Option<&str>) -> Result<Command, ErrorReason> {
    Ok(Command::Say { text: text.into(), target: target.map(str::to_owned) })
}

fn set_name(name: &str) -> Result<Command, ErrorReason> {
    Ok(Command::SetName(name.to_owned()))
}

fn check(dialect: Dialect, rows: &[(&str, Result<Command, ErrorReason>)]) {
    for (text, want) in rows {
        let got = dialect.decode(text).map_err(|problem| problem.reason);
        assert_eq!(got, *want, "{dialect:?} {text:?}");
    }
}

#[test]
fn every_row_from_client_to_server_in_json() {
    use ErrorReason::{BadJson, MissingField, UnknownType};
    let deep = format!(r#"{{"type":{}"#, "[".repeat(10_000));
    let rows = [
        (r#"{"type":"username","name":"bob"}"#, set_name("bob")),
        (r#"{"name":"bob","id":"x","date":{"a":[1]},"type":"username"}"#, set_name("bob")),
        (r#"{"type":"message","text":"hi"}"#, say("hi", None)),
        (r#" {"text":"hi","type":"message","id":1,"date":1.5e3,"name":null} "#, say("hi", None)),
        (r#"{"type":"message","text":"hi","target":"ann"}"#, say("hi", Some("ann"))),
        (r#"{"type":"message","text":"hi","target":null}"#, say("hi", None)),
        (r#"{"ty\u0070e":"mess\u0061ge","text":"a\n\u00e9\ud83d\ude00"}"#, say("a\né😀", None)),
        (r#"{"type":"x","type":"message","text":"one","text":"two"}"#, say("two", None)),
        (r#"{"type":"message","text":""}"#, say("", None)),
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
        ("{\"type\":\"message\",\"text\":\"a\nb\"}", Err(BadJson)),
        (&deep, Err(BadJson)),
    ];
    check(Dialect::Json, &rows);
    check(Dialect::Chinwag, &rows);
}

#[test]
fn every_line_from_client_to_server_in_text() {
    use ErrorReason::MissingField;
    let unknown = |word: &str| Ok(Command::UnknownCommand(word.to_owned()));
    check(
        Dialect::Text,
        &[
            ("hi", say("hi", None)),
            ("hi\n", say("hi", None)),
            ("hi\r\n", say("hi", None)),
            (" hi /name x", say(" hi /name x", None)),
            ("", say("", None)),
            ("//x", say("/x", None)),
            ("///x", say("//x", None)),
            ("/name bob", set_name("bob")),
            ("/name  Bob  Smith\n", set_name("Bob  Smith")),
            ("/name", Err(MissingField)),
            ("/name ", Err(MissingField)),
            ("/msg ann hi  there", say("hi  there", Some("ann"))),
            ("/msg \"Ann B\" hi", say("hi", Some("Ann B"))),
            ("/msg ann", Err(MissingField)),
            ("/msg \"Ann B\"", Err(MissingField)),
            ("/msg", Err(MissingField)),
            ("/users", Ok(Command::ListUsers)),
            ("/help", Ok(Command::Help)),
            ("/quit\n", Ok(Command::Quit)),
            ("/names bob", unknown("names")),
            ("/", unknown("")),
            (r#"{"type":"message","text":"hi"}"#, say(r#"{"type":"message","text":"hi"}"#, None)),
        ],
    );
}

#[test]
fn dialects_have_names_and_places() {
    for (index, dialect) in Dialect::ALL.into_iter().enumerate() {
        assert_eq!(dialect.index(), index);
        assert_eq!(Dialect::from_name(dialect.name()), Some(dialect));
    }
    for name in ["", "JSON", "chinwag", "text "] {
        assert_eq!(Dialect::from_name(name), None);
    }
}

#[test]
fn reasons_have_words_and_sentences() {
    let words = ErrorReason::ALL.map(ErrorReason::word);
    assert_eq!(words.join(" "), "bad-json unknown-type missing-field no-name too-long too-fast no-such-user not-text");
    assert!(ErrorReason::ALL.iter().all(|reason| reason.about().ends_with('.')));
}
