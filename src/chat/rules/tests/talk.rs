//! What clients send, and what comes back.

use super::*;

#[test]
fn played_bytes_are_hexadecimal_and_limited() {
    let mut script = Script::new(Rules::default());
    script.join(2, Dialect::Chinwag);
    for play in [r#""8""#, r#""81 0""#, r#""xy""#, r#""+1""#, "5", "[129]", &format!("\"{}\"", "00".repeat(4097))] {
        let output = script.text(2, &format!(r#"{{"type":"inspect","play":{play}}}"#));
        assert!(output[0].contains("missing-field"), "{play}: {output:?}");
    }
}

#[test]
fn inspect_and_drop_exist_in_dialect_chinwag_only() {
    let mut script = Script::new(Rules::default());
    script.join(1, Dialect::Json);
    script.join(2, Dialect::Chinwag);
    let rows = [
        (r#"{"type":"inspect"}"#, "2< its handshake []"),
        (r#"{"type":"inspect","play":"81 05 aB"}"#, "2< its handshake [81, 5, ab]"),
        (r#"{"type":"drop"}"#, "2x cut"),
    ];
    for (text, output) in rows {
        assert_eq!(script.text(2, text), [output]);
        let error = script.text(1, text);
        assert!(error[0].contains("unknown-type"), "{error:?}");
    }
}

#[test]
fn mdn_client_signs_in_and_talks() {
    let mut script = Script::new(Rules::default());
    assert_eq!(
        script.join(1, Dialect::Json),
        [format!(r#"1< {{"type":"id","id":1,"seq":0,"log":"00000000000000000","resume":"{}"}}"#, token(1))]
    );
    assert_eq!(
        script.name(1, " bob "),
        [r#"*< {"type":"userlist","users":["bob"]}"#, r#"*< {"type":"username","name":"bob","id":1,"date":1000}"#]
    );
    assert_eq!(script.say(1, "hi"), [r#"*< {"type":"message","name":"bob","text":"hi","id":1,"date":1000,"seq":1}"#]);
    script.now = 1100;
    script.join(2, Dialect::Json);
    assert_eq!(
        script.name(2, "Bob"),
        [
            r#"2< {"type":"rejectusername","id":2,"name":"Bob1"}"#,
            r#"*< {"type":"userlist","users":["bob","Bob1"]}"#,
            r#"*< {"type":"username","name":"Bob1","id":2,"date":1100}"#
        ]
    );
    script.now = 1200;
    assert_eq!(script.put(Input::Left(1, false)), ["*< * bob left", r#"*< {"type":"userlist","users":["Bob1"]}"#]);
    assert_eq!(script.put(Input::Left(1, false)), [""; 0]);
    script.now = 1300;
    let freed =
        [r#"*< {"type":"userlist","users":["bob"]}"#, r#"*< {"type":"username","name":"bob","id":2,"date":1300}"#];
    assert_eq!(script.name(2, "bob"), freed);
}

#[test]
fn text_client_has_a_name_from_the_start() {
    let mut script = Script::with(&["ann"]);
    assert_eq!(
        script.join(7, Dialect::Text),
        [
            &format!(r#"7< {{"type":"id","id":7,"seq":0,"log":"00000000000000000","resume":"{}"}}"#, token(7)),
            r#"7< {"type":"rejectusername","id":7,"name":"guest-7"}"#,
            r#"*< {"type":"userlist","users":["ann","guest-7"]}"#,
            r#"*< {"type":"username","name":"guest-7","id":7,"date":3000}"#
        ]
    );
    assert_eq!(
        script.text(7, "hi"),
        [r#"*< {"type":"message","name":"guest-7","text":"hi","id":7,"date":3000,"seq":1}"#]
    );
    assert_eq!(script.text(7, "/users"), ["7< * users: ann, guest-7"]);
    assert!(script.text(7, "/help")[0].starts_with("7< * commands: /name bob"));
    let hint = script.text(7, "/shrug me");
    assert!(hint[0].contains("unknown-type") && hint[0].contains("There is no command /shrug."), "{hint:?}");
    assert_eq!(script.text(7, "/quit"), ["7x 1000 bye", "*< * guest-7 left"]);
    assert_eq!(script.text(7, "anyone?"), [""; 0]);
}

#[test]
fn private_message_goes_to_target_and_sender() {
    let mut script = Script::with(&["ann", "bob", "eve"]);
    let line = r#"{"type":"message","text":"psst","target":"BOB"}"#;
    let copy = r#"{"type":"message","name":"ann","text":"psst","id":1,"date":3000,"target":"bob","targetId":2}"#;
    assert_eq!(script.text(1, line), [format!("2< {copy}"), format!("1< {copy}")]);
    let own = copy.replace("ann", "bob").replace(r#""id":1"#, r#""id":2"#);
    assert_eq!(script.text(2, line), [format!("2< {own}")]);
    for absent in ["carol", "", "\\u200b"] {
        let out = script.text(1, &line.replace("BOB", absent));
        assert!(out.len() == 1 && out[0].starts_with(r#"1< {"type":"error","reason":"no-such-user""#), "{out:?}");
    }
}

#[test]
fn error_goes_to_its_sender_only() {
    let mut script = Script::with(&["ann"]);
    script.join(2, Dialect::Chinwag);
    let long = "x".repeat(8001);
    let rows = [
        (1, "hi".to_owned(), "bad-json"),
        (1, r#"{"type":"id"}"#.to_owned(), "unknown-type"),
        (1, r#"{"type":"message"}"#.to_owned(), "missing-field"),
        (1, r#"{"type":"message","text":" \n "}"#.to_owned(), "missing-field"),
        (1, format!(r#"{{"type":"message","text":"{long}"}}"#), "too-long"),
        (2, r#"{"type":"message","text":"hi"}"#.to_owned(), "no-name"),
        (2, r#"{"type":"message","text":"hi","target":"ann"}"#.to_owned(), "no-name"),
    ];
    for (id, text, reason) in rows {
        let out = script.text(id, &text);
        let start = format!(r#"{id}< {{"type":"error","reason":"{reason}","about":""#);
        assert!(out.len() == 1 && out[0].starts_with(&start), "{text:.40} {out:?}");
    }
    for (text, is_accepted) in [("é".repeat(8000), true), ("é".repeat(8001), false), ("x".repeat(8000), true)] {
        assert_eq!(script.say(1, &text)[0].starts_with("*< "), is_accepted, "{}", text.len());
    }
}

#[test]
fn binary_message_closes_the_connection() {
    let mut script = Script::with(&["ann"]);
    let out = script.put(Input::Binary(1));
    assert!(out[0].starts_with(r#"1< {"type":"error","reason":"not-text""#));
    assert_eq!(out[1..], ["1x 1003 text only", "*< * ann left", r#"*< {"type":"userlist","users":[]}"#]);
    assert_eq!(script.put(Input::Binary(1)), [""; 0]);
}

#[test]
fn hundred_errors_in_a_row_close_the_connection() {
    let mut script = Script::new(Rules { rate: None, ..Rules::default() });
    script.join(1, Dialect::Json);
    script.name(1, "ann");
    for _ in 0..99 {
        assert_eq!(script.text(1, "{").len(), 1);
    }
    script.say(1, "a good one");
    for _ in 0..99 {
        assert_eq!(script.text(1, "{").len(), 1);
    }
    let last = script.text(1, "{");
    assert!(last[0].contains("bad-json"));
    assert_eq!(last[1..], ["1x 1008 too many errors", "*< * ann left"]);
}

/// Escaped in JSON, each would take six bytes. Terminals interpret those of C1 as well.
#[test]
fn control_characters_are_replaced() {
    let mut script = Script::with(&["ann", "bob"]);
    for (sent, received) in [
        (r"a\u0001\u001f\u001b[1m\u0000", "a\u{fffd}\u{fffd}\u{fffd}[1m\u{fffd}"),
        (r"tab\tline\r\nline", r"tab\tline\r\nline"),
        (r"\u000b", ""),
        ("del\u{7f} nel\u{85} csi\u{9b} bidi\u{202e}", "del\u{fffd} nel\u{fffd} csi\u{fffd} bidi\u{202e}"),
    ] {
        for target in ["", r#","target":"bob""#] {
            let out = script.text(1, &format!(r#"{{"type":"message","text":"{sent}"{target}}}"#));
            let expected = format!(r#""text":"{received}","id":1"#);
            let is_expected =
                |line: &String| line.contains(&expected) || received.is_empty() && line.contains("missing-field");
            assert!(out.iter().all(is_expected), "{out:?}");
        }
    }
}
