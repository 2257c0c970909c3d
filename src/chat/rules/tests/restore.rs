//! An archive that does not answer at once: rooms are restored later, and returning clients wait.

use super::archive::{archived, stored};
use super::history::summary;
use super::*;
use crate::chat::protocol::StoredMessage;

/// A chat whose archive has not answered. `ann` is in the lobby and has sent the numbers from 1 to `last`.
fn unrestored(rules: Rules, last: u64) -> Script {
    let mut script = Script::new(Rules { archive: true, rate: None, ..rules });
    script.join(1, Dialect::Chinwag);
    script.name(1, "ann");
    for number in 1..=last {
        let out = script.say(1, &number.to_string());
        assert!(out.len() == 1 && out[0].starts_with("*< "), "sent and not stored: {out:?}");
    }
    script
}

/// The archive recovers, with so many messages.
fn restore(script: &mut Script, last: u64) -> Vec<String> {
    let messages: Vec<StoredMessage> = (1..=last).map(stored).collect();
    let mut out = Vec::new();
    script.chat.restore(&RoomName::lobby(), RoomSnapshot { log: "arch".into(), last, messages }, &mut out);
    out.iter().map(show).collect()
}

#[test]
fn messages_before_restore_are_renumbered_and_stored() {
    let mut script = unrestored(Rules::default(), 2);
    script.join(2, Dialect::Chinwag);
    assert!(script.chat.needs_snapshot(&RoomName::lobby()) && script.chat.unrestored().count() == 1);
    let id = |id| format!(r#"{id}< {{"type":"id","id":{id},"seq":9,"log":"arch","resume":"{}"}}"#, token(id));
    assert_eq!(restore(&mut script, 7), ["store  8: 1".to_owned(), "store  9: 2".to_owned(), id(1), id(2)]);
    assert!(!script.chat.needs_snapshot(&RoomName::lobby()) && script.chat.unrestored().count() == 0);
    assert_eq!(restore(&mut script, 3), [""; 0], "once only");
    let out = script.say(1, "10");
    assert!(out[0] == "store  10: 10" && out[1].contains(r#""seq":10"#), "{out:?}");
    assert_eq!(summary(&script.join(3, Dialect::Chinwag)), "1 2 3 4 5 6 7 1 2 10");
    let back = script.enter(4, Dialect::Chinwag, "", Some(Since { seq: 9, log: Some("arch") }));
    assert_eq!(summary(&back), "10");
    assert_eq!(script.chat.take_lost(), 0);
}

#[test]
fn messages_forgotten_before_restore_are_counted() {
    let mut script = unrestored(Rules { room_messages: 2, ..Rules::default() }, 5);
    let out = restore(&mut script, 7);
    assert_eq!(out[..2], ["store  8: 4", "store  9: 5"]);
    assert_eq!((script.chat.take_lost(), script.chat.take_lost()), (3, 0));
    // A room that is forgotten before it is restored.
    let mut script = unrestored(Rules { rooms: 2, ..Rules::default() }, 0);
    for (id, room) in [(2, "a"), (3, "b")] {
        script.enter(id, Dialect::Chinwag, room, None);
        script.name(id, "bob");
        script.say(id, "hi");
        script.put(Input::Left(id, false));
    }
    assert_eq!((script.chat.unrestored().count(), script.chat.take_lost()), (2, 1));
}

#[test]
fn restore_keeps_the_place_of_a_client_catching_up() {
    let rules = Rules { replay_bytes: stored(1).wire_size(), ..Rules::default() };
    let mut script = unrestored(rules, 3);
    assert_eq!(summary(&script.enter(2, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }))), "1");
    restore(&mut script, 7);
    assert_eq!(summary(&script.put(Input::Ready(2))), "2");
    assert_eq!(summary(&script.put(Input::Ready(2))), "3 userlist");
}

#[test]
fn empty_room_needs_no_restore() {
    let mut script = unrestored(Rules::default(), 0);
    script.put(Input::Left(1, false));
    assert_eq!(script.chat.unrestored().count(), 0);
}

#[test]
fn silent_archive_is_asked_again_for_ten_seconds() {
    let mut script = archived(9, 3, Rules::default());
    let asked = script.enter(1, Dialect::Chinwag, "", Some(Since { seq: 3, log: None }));
    assert_eq!(asked[1], "1< load  3..6");
    let silence = Input::Loaded(1, 6, None);
    for _ in 0..10 {
        assert_eq!(script.put(silence), [""; 0]);
        assert_eq!(script.put(Input::Ready(1)), ["1< load  3..6"]);
        script.now += 999;
    }
    let found: Vec<StoredMessage> = (4..=6).map(stored).collect();
    let answered = Input::Loaded(1, 6, Some(&found));
    assert_eq!(summary(&script.put(answered)), "4 5 6 7 8 9 userlist");
    // If it never answers, the client receives what is in memory.
    script.enter(2, Dialect::Chinwag, "", Some(Since { seq: 3, log: None }));
    let silence = Input::Loaded(2, 6, None);
    assert_eq!(script.put(silence), [""; 0]);
    script.now += 10_000;
    assert_eq!(summary(&script.put(silence)), "gap 3 7 8 9 userlist");
    assert_eq!(script.chat.catching_up().count(), 0);
}

/// What is older than the limit is a gap, once.
#[test]
fn each_client_keeps_its_own_place_while_the_archive_answers() {
    let mut script = archived(9, 3, Rules { replay_messages: 5, ..Rules::default() });
    for (id, seq, asked) in [(1, 0, "1< load  4..6"), (2, 5, "2< load  5..6"), (3, 1, "3< load  4..6")] {
        let out = script.enter(id, Dialect::Chinwag, "", Some(Since { seq, log: None }));
        assert_eq!(out.last().map(String::as_str), Some(asked));
    }
    let found: Vec<StoredMessage> = (5..=6).map(stored).collect();
    for (id, expected) in [(2, "6 7 8 9"), (1, "5 6 7 8 9"), (3, "5 6 7 8 9")] {
        assert_eq!(summary(&script.put(Input::Loaded(id, 6, Some(&found)))), expected, "{id}");
    }
}

/// Numbers of a room that is not restored mean nothing to the archive, and without an archive there is none to ask.
#[test]
fn archive_is_asked_for_restored_rooms_only() {
    for (archive, is_restored, expected) in
        [(true, false, "gap 6 7 8"), (false, true, "gap 3 7 8"), (true, true, "load")]
    {
        let mut script = unrestored(Rules { room_messages: 2, ..Rules::default() }, 5);
        script.chat.rules.archive = archive;
        if is_restored {
            restore(&mut script, 0);
        }
        for number in 6..=8 {
            script.say(1, &number.to_string());
        }
        let out = script.enter(2, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }));
        assert!(summary(&out) == expected || expected == "load" && out[1].contains("load"), "{expected}: {out:?}");
    }
}
