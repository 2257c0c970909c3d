//! A chat with an archive: rooms are restored from it, and it has what memory does not have any more.

use super::history::summary;
use super::*;
use crate::chat::protocol::StoredMessage;

pub(super) fn stored(seq: u64) -> StoredMessage {
    let (room, name, text) = ("".into(), "ann".into(), seq.to_string().into());
    StoredMessage { room, seq, date: 1000, id: 1, name, text, nonce: None }
}

/// A chat with an archive in which the lobby has so many messages. The last `given` are in memory.
pub(super) fn archived(last: u64, given: u64, rules: Rules) -> Script {
    let mut script = Script::new(Rules { archive: true, rate: None, ..rules });
    let lobby = RoomName::lobby();
    assert!(script.chat.needs_snapshot(&lobby));
    let messages = (last - given + 1..=last).map(stored).collect();
    script.chat.restore(&lobby, RoomSnapshot { log: "arch".into(), last, messages });
    assert!(!script.chat.needs_snapshot(&lobby));
    script
}

#[test]
fn archive_restores_a_room() {
    let mut script = archived(9, 3, Rules::default());
    let out = script.join(1, Dialect::Chinwag);
    assert!(out[0].contains(r#""seq":9,"log":"arch""#), "{out:?}");
    assert_eq!(summary(&out), "7 8 9");
    script.name(1, "ann");
    let sent = r#"{"type":"message","name":"ann","text":"10","id":1,"date":1000,"seq":10}"#;
    assert_eq!(script.say(1, "10"), ["store  10: 10".to_owned(), format!("*< {sent}")], "stored, then sent");
    // The archive may have what memory has forgotten.
    for (seq, range, history) in [(9, None, "10"), (6, None, "7 8 9 10"), (5, Some("5..6"), ""), (0, Some("0..6"), "")]
    {
        let out = script.enter(2, Dialect::Chinwag, "", Some(Since { seq, log: Some("arch") }));
        let load = range.map(|range| format!("2< load  {range}"));
        assert!(load.is_none_or(|load| out[1..] == [load]), "{out:?}");
        assert_eq!(summary(&out), history);
        script.put(Input::Left(2, false));
    }
}

#[test]
fn snapshot_with_a_gap_is_ignored() {
    let lobby = RoomName::lobby();
    for numbers in [vec![1, 2, 4], vec![2, 3], vec![3, 4, 5], vec![5], vec![0, 1, 2, 3, 4]] {
        let mut script = Script::new(Rules { archive: true, ..Rules::default() });
        let messages = numbers.into_iter().map(stored).collect();
        script.chat.restore(&lobby, RoomSnapshot { log: "arch".into(), last: 4, messages });
        let out = script.join(1, Dialect::Chinwag);
        assert!(out.len() == 1 && out[0].contains(r#""seq":4"#), "{out:?}");
    }
}

#[test]
fn room_is_restored_once_and_within_bounds() {
    let mut script = archived(9, 9, Rules { room_messages: 4, ..Rules::default() });
    let again = RoomSnapshot { log: "other".into(), last: 1, messages: vec![stored(1)] };
    script.chat.restore(&RoomName::lobby(), again);
    assert_eq!(summary(&script.join(1, Dialect::Chinwag)), "6 7 8 9");
    // An unknown room gets the archive's token.
    let kitchen = RoomName::new("kitchen").expect("a name");
    script.chat.restore(&kitchen, RoomSnapshot { log: "fresh".into(), last: 0, messages: Vec::new() });
    assert!(script.enter(2, Dialect::Chinwag, "kitchen", None)[0].contains(r#""seq":0,"log":"fresh""#));
}

#[test]
fn message_missing_in_archive_is_a_gap() {
    // 4 to 6 are requested; 7 to 9 are in memory.
    let rows = [
        (vec![4, 5, 6], "4 5 6 7 8 9"),
        (vec![5, 6], "gap 1 5 6 7 8 9"),
        (vec![4, 6], "4 gap 1 6 7 8 9"),
        (vec![], "gap 3 7 8 9"),
        (vec![2, 3, 4, 5, 6, 7], "4 5 6 7 8 9"),
        // The rest did not fit.
        (vec![4], "4"),
        (vec![5], "gap 1 5"),
    ];
    for (found, expected) in rows {
        let mut script = archived(9, 3, Rules::default());
        let asked = script.enter(1, Dialect::Chinwag, "", Some(Since { seq: 3, log: None }));
        assert_eq!(asked[1], "1< load  3..6");
        let last = found.last().copied();
        let found: Vec<StoredMessage> = found.into_iter().map(stored).collect();
        assert_eq!(summary(&script.put(Input::Loaded(1, 6, Some(&found)))), expected);
        // The rest is requested when the client is ready.
        let again = script.put(Input::Ready(1));
        match last.filter(|last| *last < 6) {
            Some(last) => assert_eq!(again, [format!("1< load  {last}..6")]),
            None => assert_eq!(again, [""; 0]),
        }
    }
}

#[test]
fn messages_beyond_replay_limit_are_a_gap() {
    let mut script = archived(1000, 3, Rules { replay_messages: 10, ..Rules::default() });
    let out = script.enter(1, Dialect::Chinwag, "", Some(Since { seq: 5, log: Some("arch") }));
    assert_eq!((summary(&out).as_str(), out[2].as_str()), ("gap 985", "1< load  990..997"));
}

/// They cost no reading.
#[test]
fn messages_in_memory_are_sent_beyond_the_replay_limit() {
    let mut script = archived(30, 30, Rules { replay_messages: 10, ..Rules::default() });
    let out = script.enter(1, Dialect::Chinwag, "", Some(Since { seq: 5, log: Some("arch") }));
    let expected: Vec<String> = (6..=30).map(|seq| seq.to_string()).collect();
    assert_eq!(summary(&out), expected.join(" "));
}
