//! What new and returning clients receive of earlier messages.

use super::archive::stored;
use super::nonces::nonced;
use super::*;
use crate::chat::protocol::StoredMessage;

/// The texts of messages, the gaps, and the types of other objects but `id`: `1 2`, `gap 3`, `userlist`.
pub(super) fn summary(out: &[String]) -> String {
    let summary = |line: &String| {
        let (_, line) = line.split_once("< ")?;
        let object: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(match object["type"].as_str()? {
            "id" => return None,
            "message" => object["text"].as_str()?.to_owned(),
            "gap" => object["missed"].as_u64().map_or("gap".to_owned(), |missed| format!("gap {missed}")),
            other => other.to_owned(),
        })
    };
    out.iter().filter_map(summary).collect::<Vec<_>>().join(" ")
}

/// `ann` has sent the numbers from 1 to `last`, each in the message of that number.
pub(super) fn with_messages(rules: Rules, last: u64) -> Script {
    let mut script = Script::new(Rules { rate: None, ..rules });
    script.join(1, Dialect::Chinwag);
    script.name(1, "ann");
    for number in 1..=last {
        script.say(1, &number.to_string());
    }
    script
}

fn token(script: &mut Script) -> String {
    let hello = script.join(999, Dialect::Chinwag);
    script.put(Input::Left(999, false));
    hello[0].split("\"log\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token").to_owned()
}

#[test]
fn new_client_receives_the_last_messages() {
    for (lines, kept, expected) in [
        (50, 500, "1 2 3 4 5"),
        (3, 500, "3 4 5"),
        (0, 500, ""),
        (50, 2, "4 5"),
        (50, 0, ""),
        (usize::MAX, 5, "1 2 3 4 5"),
    ] {
        let mut script = with_messages(Rules { history_lines: lines, room_messages: kept, ..Rules::default() }, 5);
        let out = script.join(2, Dialect::Json);
        assert!(out[0].starts_with(r#"2< {"type":"id","id":2,"seq":5,"log":""#), "{out:?}");
        assert_eq!(summary(&out), expected, "{lines} {kept}");
    }
}

#[test]
fn history_keeps_names_and_dates() {
    let mut script = with_messages(Rules::default(), 1);
    script.name(1, "someone else");
    script.now += 5000;
    let sent = r#"{"type":"message","name":"ann","text":"1","id":1,"date":1000,"seq":1}"#;
    assert_eq!(script.join(2, Dialect::Chinwag)[1..], [format!("2< {sent}")]);
    let out = script.join(3, Dialect::Text);
    assert_eq!(
        out[1..3],
        [format!("3< {sent}"), r#"3< {"type":"rejectusername","id":3,"name":"guest-3"}"#.to_owned()],
        "before anything else"
    );
}

#[test]
fn returning_client_receives_what_it_missed() {
    let all = "1 2 3 4 5";
    // Messages in memory, `since`, and what the client receives.
    let rows = [
        (500, 5, ""),
        (500, 3, "4 5"),
        (500, 0, all),
        (2, 4, "5"),
        (2, 3, "4 5"),
        (2, 2, "gap 1 4 5"),
        (2, 0, "gap 3 4 5"),
        (0, 5, ""),
        (0, 2, "gap 3"),
        // A number that was never given: it is of another numbering.
        (500, 6, "gap 1 2 3 4 5"),
        (500, u64::MAX, "gap 1 2 3 4 5"),
        (2, 6, "gap gap 3 4 5"),
    ];
    for (kept, seq, expected) in rows {
        let rules = Rules { room_messages: kept, history_lines: 1, ..Rules::default() };
        let mut script = with_messages(rules, 5);
        let log = token(&mut script);
        for (id, log) in [(2, None), (3, Some(&*log))] {
            let out = script.enter(id, Dialect::Chinwag, "", Some(Since { seq, log }));
            assert_eq!(summary(&out), expected, "since {seq} of {kept}, {log:?}");
        }
        // In another numbering, any number is useless.
        let other = match kept {
            0 => "gap gap 5",
            2 => "gap gap 3 4 5",
            _ => "gap 1 2 3 4 5",
        };
        let out = script.enter(4, Dialect::Chinwag, "", Some(Since { seq, log: Some("other") }));
        assert_eq!(summary(&out), other);
    }
}

#[test]
fn empty_room_has_no_history() {
    let mut script = Script::new(Rules::default());
    assert_eq!(summary(&script.enter(1, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }))), "");
    assert_eq!(summary(&script.enter(2, Dialect::Chinwag, "", Some(Since { seq: 1, log: None }))), "gap");
}

#[test]
fn history_of_a_new_client_is_bounded_in_bytes() {
    let size = StoredMessage { text: "9".into(), ..stored(1) }.wire_size();
    for (bytes, last) in [(3 * size, "7 8 9"), (3 * size - 1, "8 9"), (0, "9")] {
        let mut script = with_messages(Rules { replay_bytes: bytes, ..Rules::default() }, 9);
        assert_eq!(summary(&script.join(2, Dialect::Chinwag)), last);
        assert_eq!(script.chat.catching_up().count(), 0);
    }
}

/// Returns, and takes part after part.
fn parts(script: &mut Script, id: UserId, seq: u64) -> Vec<String> {
    let mut parts = vec![summary(&script.enter(id, Dialect::Chinwag, "", Some(Since { seq, log: None })))];
    while script.chat.catching_up().any(|other| other == id) {
        assert!(parts.len() < 20, "no end: {parts:?}");
        parts.push(summary(&script.put(Input::Ready(id))));
    }
    parts
}

#[test]
fn long_history_comes_in_parts() {
    let size = stored(9).wire_size();
    for (bytes, expected) in [
        (9 * size, &["1 2 3 4 5 6 7 8 9"][..]),
        (4 * size, &["1 2 3 4", "5 6 7 8", "9 userlist"]),
        (4 * size - 1, &["1 2 3", "4 5 6", "7 8 9 userlist"]),
        (0, &["1", "2", "3", "4", "5", "6", "7", "8", "9 userlist"]),
    ] {
        let mut script = with_messages(Rules { replay_bytes: bytes, ..Rules::default() }, 9);
        assert_eq!(parts(&mut script, 2, 0), expected);
        assert_eq!(script.put(Input::Ready(2)), [""; 0], "nothing comes twice");
    }
}

/// Messages that are forgotten meanwhile are a gap. Its own messages are broadcast at once.
#[test]
fn client_catching_up_receives_new_messages_in_order() {
    let rules = Rules { replay_bytes: 2 * stored(1).wire_size(), room_messages: 4, ..Rules::default() };
    let mut script = with_messages(rules, 4);
    assert_eq!(summary(&script.enter(2, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }))), "1 2");
    script.name(2, "bob");
    assert_eq!(summary(&script.text(2, &nonced("5", "n"))), "5");
    assert_eq!(summary(&script.text(2, &nonced("5", "n"))), "", "it receives this message in its turn");
    assert_eq!(summary(&script.put(Input::Ready(2))), "3 4");
    for number in 6..=9 {
        script.say(1, &number.to_string());
    }
    assert_eq!(summary(&script.put(Input::Ready(2))), "gap 1 6 7");
    assert_eq!(summary(&script.put(Input::Ready(2))), "8 9 userlist");
    script.enter(3, Dialect::Chinwag, "", Some(Since { seq: 5, log: None }));
    assert_eq!(script.chat.catching_up().collect::<Vec<_>>(), [3]);
    script.put(Input::Left(3, false));
    assert_eq!(script.chat.catching_up().count(), 0);
    assert_eq!(script.put(Input::Ready(3)), [""; 0]);
}

#[test]
fn clients_catching_up_take_turns() {
    let mut script = with_messages(Rules { replay_bytes: 0, ..Rules::default() }, 3);
    for id in [2, 3] {
        assert_eq!(summary(&script.enter(id, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }))), "1");
    }
    for turn in [2, 3, 2] {
        assert_eq!(script.chat.catching_up().next(), Some(turn));
        script.put(Input::Ready(turn));
    }
    assert_eq!(script.chat.catching_up().collect::<Vec<_>>(), [3]);
}

/// Each bound may be reached, and one byte less costs a message. Beyond the bound of all rooms, an eighth is forgotten.
#[test]
fn bounds_of_histories_are_exact() {
    let size = stored(1).size();
    let rules = |room_messages, room_bytes, history_bytes| Rules {
        room_messages,
        room_bytes,
        history_bytes,
        ..Rules::default()
    };
    let most = usize::MAX;
    let rows = [
        (rules(16, most, most), 16),
        (rules(15, most, most), 15),
        (rules(most, 16 * size, most), 16),
        (rules(most, 16 * size - 1, most), 15),
        (rules(most, most, 16 * size), 16),
        (rules(most, most, 16 * size - 1), 14),
        (rules(most, most, size - 1), 0),
        (rules(most, most, 0), 0),
    ];
    for (row, (rules, kept)) in rows.into_iter().enumerate() {
        let mut script = with_messages(rules, 0);
        (0..16).for_each(|_| drop(script.say(1, "1")));
        assert_eq!(summary(&script.join(2, Dialect::Chinwag)).split_whitespace().count(), kept, "row {row}");
    }
}

#[test]
fn histories_are_bounded_in_bytes() {
    let size = stored(1).size() * 2;
    let mut script = with_messages(Rules { room_bytes: size, ..Rules::default() }, 5);
    assert_eq!(summary(&script.join(2, Dialect::Chinwag)), "4 5");
    // All rooms together: the largest history shrinks, the small one stays.
    let mut script = with_messages(Rules { history_bytes: stored(1).size() * 8, ..Rules::default() }, 5);
    script.enter(2, Dialect::Chinwag, "b", None);
    script.name(2, "bob");
    script.say(2, "a");
    for number in 6..=20 {
        script.say(1, &number.to_string());
    }
    assert_eq!(summary(&script.enter(3, Dialect::Chinwag, "b", None)), "a");
    let lobby = summary(&script.join(4, Dialect::Chinwag));
    assert!(lobby.ends_with("19 20") && !lobby.starts_with("10"), "{lobby}");
}

#[test]
fn private_message_is_not_recorded() {
    let mut script = Script::with(&["ann", "bob"]);
    let line = r#"{"type":"message","text":"psst","target":"bob","nonce":"n"}"#;
    let copy = r#"{"type":"message","name":"ann","text":"psst","id":1,"date":3000,"target":"bob","targetId":2}"#;
    let own = copy.replace('}', r#","nonce":"n"}"#);
    assert_eq!(script.text(1, line), [format!("2< {copy}"), format!("1< {own}")]);
    let to_itself = own.replace("ann", "bob").replace(r#""id":1"#, r#""id":2"#);
    assert_eq!(script.text(2, line), [format!("2< {to_itself}")]);
    assert!(script.say(1, "aloud")[0].contains(r#""seq":1"#));
    assert_eq!(summary(&script.join(3, Dialect::Chinwag)), "aloud");
}
