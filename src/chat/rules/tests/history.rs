//! What newcomers are told of what was said before, and what those are told who come back.

use super::*;
use crate::chat::protocol::StoredMessage;

/// The texts of history, and the gaps: `1 2` or `gap 3`. And whoever is told something else, if it is not the id.
pub(super) fn story(out: &[String]) -> String {
    let word = |line: &String| {
        let (_, line) = line.split_once("< ")?;
        let object: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(match object["type"].as_str()? {
            "id" => return None,
            "message" => object["text"].as_str()?.to_owned(),
            "gap" => object["missed"].as_u64().map_or("gap".to_owned(), |missed| format!("gap {missed}")),
            other => other.to_owned(),
        })
    };
    out.iter().filter_map(word).collect::<Vec<_>>().join(" ")
}

/// `ann` has said the numbers from 1 to `last`, each in the message of that number.
fn talked(rules: Rules, last: u64) -> Script {
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
    script.put(Input::Left { id: 999 });
    hello[0].split("\"log\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a token").to_owned()
}

#[test]
fn newcomers_hear_the_last_messages() {
    for (lines, kept, expected) in [
        (50, 500, "1 2 3 4 5"),
        (3, 500, "3 4 5"),
        (0, 500, ""),
        (50, 2, "4 5"),
        (50, 0, ""),
        (usize::MAX, 5, "1 2 3 4 5"),
    ] {
        let mut script = talked(Rules { history_lines: lines, room_messages: kept, ..Rules::default() }, 5);
        let out = script.join(2, Dialect::Json);
        assert!(out[0].starts_with(r#"2< {"type":"id","id":2,"seq":5,"log":""#), "{out:?}");
        assert_eq!(story(&out), expected, "{lines} {kept}");
    }
}

#[test]
fn history_is_as_it_was() {
    let mut script = talked(Rules::default(), 1);
    script.name(1, "someone else");
    script.now += 5000;
    let said = r#"{"type":"message","name":"ann","text":"1","id":1,"date":1000,"seq":1}"#;
    assert_eq!(script.join(2, Dialect::Chinwag)[1..], [format!("2< {said}")]);
    let out = script.join(3, Dialect::Text);
    assert_eq!(out[1..3], [format!("3< {said}"), "3< * you are guest-3".to_owned()], "before anything else");
    assert_eq!(words(&ServerMessage::You { name: "x".into() }), "* you are x");
}

#[test]
fn who_comes_back_hears_what_it_missed() {
    let all = "1 2 3 4 5";
    // How many are kept, since when, whether with the token, and what comes.
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
        // More than were ever said: that was another numbering.
        (500, 6, "gap 1 2 3 4 5"),
        (500, u64::MAX, "gap 1 2 3 4 5"),
        (2, 6, "gap gap 3 4 5"),
    ];
    for (kept, seq, expected) in rows {
        let rules = Rules { room_messages: kept, history_lines: 1, ..Rules::default() };
        let mut script = talked(rules, 5);
        let log = token(&mut script);
        for (id, log) in [(2, None), (3, Some(&*log))] {
            let out = script.enter(id, Dialect::Chinwag, "", Some(Since { seq, log }));
            assert_eq!(story(&out), expected, "since {seq} of {kept}, {log:?}");
        }
        // Whatever the number, it is worth nothing in another numbering.
        let other = match kept {
            0 => "gap gap 5",
            2 => "gap gap 3 4 5",
            _ => "gap 1 2 3 4 5",
        };
        let out = script.enter(4, Dialect::Chinwag, "", Some(Since { seq, log: Some("other") }));
        assert_eq!(story(&out), other);
    }
}

#[test]
fn an_empty_room_has_nothing_to_tell() {
    let mut script = Script::new(Rules::default());
    assert_eq!(story(&script.enter(1, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }))), "");
    assert_eq!(story(&script.enter(2, Dialect::Chinwag, "", Some(Since { seq: 1, log: None }))), "gap");
}

#[test]
fn newcomers_are_told_no_more_than_fits() {
    let size = StoredMessage { text: "9".into(), ..entry(1) }.wire_size();
    for (bytes, last) in [(3 * size, "7 8 9"), (3 * size - 1, "8 9"), (0, "")] {
        let mut script = talked(Rules { replay_bytes: bytes, ..Rules::default() }, 9);
        assert_eq!(story(&script.join(2, Dialect::Chinwag)), last);
        assert_eq!(script.chat.behind().count(), 0);
    }
}

/// Comes back, and takes part after part: what it is told, a line each, and who is behind after it.
fn parts(script: &mut Script, id: UserId, seq: u64) -> Vec<String> {
    let mut parts = vec![story(&script.enter(id, Dialect::Chinwag, "", Some(Since { seq, log: None })))];
    while script.chat.behind().any(|behind| behind == id) {
        assert!(parts.len() < 20, "it never ends: {parts:?}");
        parts.push(story(&script.put(Input::Ready { id })));
    }
    parts
}

#[test]
fn who_missed_much_is_told_it_in_parts() {
    let size = entry(9).wire_size();
    for (bytes, expected) in [
        (9 * size, &["1 2 3 4 5 6 7 8 9"][..]),
        (4 * size, &["1 2 3 4", "5 6 7 8", "9 userlist"]),
        (4 * size - 1, &["1 2 3", "4 5 6", "7 8 9 userlist"]),
        (0, &["1", "2", "3", "4", "5", "6", "7", "8", "9 userlist"]),
    ] {
        let mut script = talked(Rules { replay_bytes: bytes, ..Rules::default() }, 9);
        assert_eq!(parts(&mut script, 2, 0), expected);
        assert_eq!(script.put(Input::Ready { id: 2 }), [""; 0], "it is told nothing twice");
    }
}

/// What is said meanwhile comes in its turn; what is forgotten meanwhile is a gap; what it says itself is told others at once.
#[test]
fn who_is_behind_is_told_what_is_said_meanwhile_in_its_turn() {
    let rules = Rules { replay_bytes: 2 * entry(1).wire_size(), room_messages: 4, ..Rules::default() };
    let mut script = talked(rules, 4);
    assert_eq!(story(&script.enter(2, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }))), "1 2");
    script.name(2, "bob");
    assert_eq!(story(&script.text(2, &nonced("5", "n"))), "5");
    assert_eq!(story(&script.text(2, &nonced("5", "n"))), "", "it is not told yet that this was said");
    assert_eq!(story(&script.put(Input::Ready { id: 2 })), "3 4");
    for number in 6..=9 {
        script.say(1, &number.to_string());
    }
    assert_eq!(story(&script.put(Input::Ready { id: 2 })), "gap 1 6 7");
    assert_eq!(story(&script.put(Input::Ready { id: 2 })), "8 9 userlist");
    script.enter(3, Dialect::Chinwag, "", Some(Since { seq: 5, log: None }));
    assert_eq!(script.chat.behind().collect::<Vec<_>>(), [3]);
    script.put(Input::Left { id: 3 });
    assert_eq!(script.chat.behind().count(), 0);
    assert_eq!(script.put(Input::Ready { id: 3 }), [""; 0]);
}

#[test]
fn those_who_are_behind_take_turns() {
    let mut script = talked(Rules { replay_bytes: 0, ..Rules::default() }, 3);
    for id in [2, 3] {
        assert_eq!(story(&script.enter(id, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }))), "1");
    }
    for turn in [2, 3, 2] {
        assert_eq!(script.chat.behind().next(), Some(turn));
        script.put(Input::Ready { id: turn });
    }
    assert_eq!(script.chat.behind().collect::<Vec<_>>(), [3]);
}

#[test]
fn histories_are_bounded_in_bytes() {
    let size = entry(1).size() * 2;
    let mut script = talked(Rules { room_bytes: size, ..Rules::default() }, 5);
    assert_eq!(story(&script.join(2, Dialect::Chinwag)), "4 5");
    // All rooms together: the largest history pays, and the small one stays.
    let mut script = talked(Rules { history_bytes: entry(1).size() * 8, ..Rules::default() }, 5);
    script.enter(2, Dialect::Chinwag, "b", None);
    script.name(2, "bob");
    script.say(2, "a");
    for number in 6..=20 {
        script.say(1, &number.to_string());
    }
    assert_eq!(story(&script.enter(3, Dialect::Chinwag, "b", None)), "a");
    let lobby = story(&script.join(4, Dialect::Chinwag));
    assert!(lobby.ends_with("19 20") && !lobby.starts_with("10"), "{lobby}");
}

fn nonced(text: &str, nonce: &str) -> String {
    format!(r#"{{"type":"message","text":"{text}","nonce":"{nonce}"}}"#)
}

#[test]
fn under_one_nonce_a_message_is_said_once() {
    let mut script = talked(Rules { room_messages: 3, ..Rules::default() }, 0);
    script.join(2, Dialect::Chinwag);
    script.name(2, "bob");
    let said = r#"{"type":"message","name":"ann","text":"hi","id":1,"date":1000,"seq":1,"nonce":"n1"}"#;
    assert_eq!(script.text(1, &nonced("hi", "n1")), [format!("*< {said}")]);
    script.now += 500;
    assert_eq!(script.text(1, &nonced("hi", "n1")), [format!("1< {said}")], "again, to its sender alone");
    assert_eq!(script.text(2, &nonced("other", "n1")), [format!("2< {said}")], "whoever it is");
    assert!(script.text(1, &nonced("hi", "n2"))[0].contains(r#""seq":2"#));
    assert_eq!(script.join(3, Dialect::Chinwag)[1], format!("3< {said}"));
    // In another room it is another message.
    script.enter(4, Dialect::Chinwag, "b", None);
    script.name(4, "ann");
    assert!(script.text(4, &nonced("hi", "n1"))[0].starts_with("*1< "));
    // What is forgotten can be said again.
    script.say(1, "x");
    script.say(1, "y");
    assert!(script.text(1, &nonced("hi", "n1"))[0].contains(r#""seq":5"#));
    assert!(script.text(1, &nonced("hi", "n1"))[0].starts_with("1< "));
}

#[test]
fn refusals_name_the_message_by_its_nonce() {
    let rate = Some(Rate::new(1, 4));
    let mut script = Script::new(Rules { rate, text_chars: 3, ..Rules::default() });
    script.join(1, Dialect::Chinwag);
    let mut refusal = |said: &str| {
        let out = script.text(1, said).concat();
        let (reason, rest) = out.split_once(r#"reason":""#)?.1.split_once('"')?;
        Some(format!("{reason} {}", rest.split_once(r#""nonce":"#).map_or("", |(_, nonce)| nonce)))
    };
    assert_eq!(refusal(&nonced("hi", "a")).as_deref(), Some(r#"no-name "a"}"#));
    refusal(r#"{"type":"username","name":"ann"}"#);
    assert_eq!(refusal(&nonced("long", "b")).as_deref(), Some(r#"too-long "b"}"#));
    let whisper = r#"{"type":"message","text":"hi","target":"bob","nonce":"c"}"#;
    assert_eq!(refusal(whisper).as_deref(), Some(r#"no-such-user "c"}"#));
    assert_eq!(refusal(&nonced("hi", "d")).as_deref(), Some(r#"too-fast "d"}"#));
    assert_eq!(refusal(r#"{"type":"message","nonce":"e"}"#).as_deref(), Some(r#"too-fast "e"}"#));
    assert_eq!(refusal("{").as_deref(), Some("too-fast "));
}

#[test]
fn private_messages_leave_no_trace() {
    let mut script = Script::with(&["ann", "bob"]);
    let line = r#"{"type":"message","text":"psst","target":"bob","nonce":"n"}"#;
    let heard = r#"{"type":"message","name":"ann","text":"psst","id":1,"date":3000,"target":"bob","nonce":"n"}"#;
    assert_eq!(script.text(1, line), [format!("2< {heard}"), format!("1< {heard}")]);
    assert!(script.say(1, "aloud")[0].contains(r#""seq":1"#));
    assert_eq!(story(&script.join(3, Dialect::Chinwag)), "aloud");
}

pub(super) fn entry(seq: u64) -> StoredMessage {
    let (room, name, text) = ("".into(), "ann".into(), seq.to_string().into());
    StoredMessage { room, seq, date: 1000, id: 1, name, text, nonce: None }
}

/// A chat with an archive in which the lobby has so many messages; the last `given` are handed over.
pub(super) fn archived(last: u64, given: u64, rules: Rules) -> Script {
    let mut script = Script::new(Rules { archive: true, rate: None, ..rules });
    let lobby = RoomName::lobby();
    assert!(script.chat.lacks_past(&lobby));
    let entries = (last - given + 1..=last).map(entry).collect();
    script.chat.restore(&lobby, RoomSnapshot { log: "arch".into(), last, messages: entries }, &mut Vec::new());
    assert!(!script.chat.lacks_past(&lobby));
    script
}

#[test]
fn an_archive_gives_a_room_its_past() {
    let mut script = archived(9, 3, Rules::default());
    let out = script.join(1, Dialect::Chinwag);
    assert!(out[0].contains(r#""seq":9,"log":"arch""#), "{out:?}");
    assert_eq!(story(&out), "7 8 9");
    script.name(1, "ann");
    let said = r#"{"type":"message","name":"ann","text":"10","id":1,"date":1000,"seq":10}"#;
    assert_eq!(script.say(1, "10"), ["store  10: 10".to_owned(), format!("*< {said}")], "kept, then told");
    // What memory has forgotten, the archive may have.
    for (seq, told, history) in [(9, None, "10"), (6, None, "7 8 9 10"), (5, Some("5..6"), ""), (0, Some("0..6"), "")] {
        let out = script.enter(2, Dialect::Chinwag, "", Some(Since { seq, log: Some("arch") }));
        let recall = told.map(|range| format!("2< recall  {range}"));
        assert!(recall.is_none_or(|recall| out[1..] == [recall]), "{out:?}");
        assert_eq!(story(&out), history);
        script.put(Input::Left { id: 2 });
    }
}

#[test]
fn a_past_with_a_hole_is_not_believed() {
    let lobby = RoomName::lobby();
    for entries in [vec![1, 2, 4], vec![2, 3], vec![3, 4, 5], vec![5], vec![0, 1, 2, 3, 4]] {
        let mut script = Script::new(Rules { archive: true, ..Rules::default() });
        let entries = entries.into_iter().map(entry).collect();
        script.chat.restore(&lobby, RoomSnapshot { log: "arch".into(), last: 4, messages: entries }, &mut Vec::new());
        let out = script.join(1, Dialect::Chinwag);
        assert!(out.len() == 1 && out[0].contains(r#""seq":4"#), "{out:?}");
    }
}

#[test]
fn a_past_comes_once_and_within_bounds() {
    let mut script = archived(9, 9, Rules { room_messages: 4, ..Rules::default() });
    let again = RoomSnapshot { log: "other".into(), last: 1, messages: vec![entry(1)] };
    script.chat.restore(&RoomName::lobby(), again, &mut Vec::new());
    assert_eq!(story(&script.join(1, Dialect::Chinwag)), "6 7 8 9");
    // A room of which nothing is kept has the archive's token all the same.
    let kitchen = RoomName::new("kitchen").expect("a name");
    script.chat.restore(&kitchen, RoomSnapshot { log: "fresh".into(), last: 0, messages: Vec::new() }, &mut Vec::new());
    assert!(script.enter(2, Dialect::Chinwag, "kitchen", None)[0].contains(r#""seq":0,"log":"fresh""#));
}

#[test]
fn what_an_archive_does_not_find_is_a_gap() {
    // Asked for 4 to 6; 7 to 9 are in memory.
    let rows = [
        (vec![4, 5, 6], "4 5 6 7 8 9"),
        (vec![5, 6], "gap 1 5 6 7 8 9"),
        (vec![4, 6], "4 gap 1 6 7 8 9"),
        (vec![], "gap 3 7 8 9"),
        (vec![2, 3, 4, 5, 6, 7], "4 5 6 7 8 9"),
        // The rest was too much for one part.
        (vec![4], "4"),
        (vec![5], "gap 1 5"),
    ];
    for (found, expected) in rows {
        let mut script = archived(9, 3, Rules::default());
        let asked = script.enter(1, Dialect::Chinwag, "", Some(Since { seq: 3, log: None }));
        assert_eq!(asked[1], "1< recall  3..6");
        let last = found.last().copied();
        let found: Vec<StoredMessage> = found.into_iter().map(entry).collect();
        assert_eq!(story(&script.put(Input::Recalled { id: 1, up_to: 6, found: Some(&found) })), expected);
        // What is missing still is asked for when it is ready.
        let again = script.put(Input::Ready { id: 1 });
        match last.filter(|last| *last < 6) {
            Some(last) => assert_eq!(again, [format!("1< recall  {last}..6")]),
            None => assert_eq!(again, [""; 0]),
        }
    }
}

#[test]
fn who_was_away_for_very_long_is_not_told_everything() {
    let mut script = archived(1000, 3, Rules { replay_messages: 10, ..Rules::default() });
    let out = script.enter(1, Dialect::Chinwag, "", Some(Since { seq: 5, log: Some("arch") }));
    assert_eq!((story(&out).as_str(), out[2].as_str()), ("gap 985", "1< recall  990..997"));
}
