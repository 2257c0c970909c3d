//! An archive that does not answer at once: rooms that begin anew get their past later, and who comes back waits a while.

use super::history::{archived, entry, story};
use super::*;
use crate::chat::protocol::StoredMessage;

/// A chat whose archive has not answered: ann is in the lobby, and has said the numbers from 1 to `said`.
fn begun(rules: Rules, said: u64) -> Script {
    let mut script = Script::new(Rules { archive: true, rate: None, ..rules });
    script.join(1, Dialect::Chinwag);
    script.name(1, "ann");
    for number in 1..=said {
        let out = script.say(1, &number.to_string());
        assert!(out.len() == 1 && out[0].starts_with("*< "), "it is told, and not stored: {out:?}");
    }
    script
}

/// The archive answers: it has so many messages.
fn answer(script: &mut Script, last: u64) -> Vec<String> {
    let entries: Vec<StoredMessage> = (1..=last).map(entry).collect();
    let mut out = Vec::new();
    script.chat.restore(&RoomName::lobby(), RoomSnapshot { log: "arch".into(), last, messages: entries }, &mut out);
    out.iter().map(show).collect()
}

#[test]
fn what_was_said_meanwhile_comes_behind_the_past_and_is_stored() {
    let mut script = begun(Rules::default(), 2);
    script.join(2, Dialect::Chinwag);
    assert!(script.chat.lacks_past(&RoomName::lobby()) && script.chat.unrestored().count() == 1);
    let id = |id| format!(r#"{id}< {{"type":"id","id":{id},"seq":9,"log":"arch"}}"#);
    assert_eq!(answer(&mut script, 7), ["store  8: 1".to_owned(), "store  9: 2".to_owned(), id(1), id(2)]);
    assert!(!script.chat.lacks_past(&RoomName::lobby()) && script.chat.unrestored().count() == 0);
    assert_eq!(answer(&mut script, 3), [""; 0], "it comes once");
    let said = script.say(1, "10");
    assert!(said[0] == "store  10: 10" && said[1].contains(r#""seq":10"#), "{said:?}");
    assert_eq!(story(&script.join(3, Dialect::Chinwag)), "1 2 3 4 5 6 7 1 2 10");
    let back = script.enter(4, Dialect::Chinwag, "", Some(Since { seq: 9, log: Some("arch") }));
    assert_eq!(story(&back), "10");
    assert_eq!(script.chat.take_unkept(), 0);
}

#[test]
fn what_memory_has_forgotten_by_then_is_counted() {
    let mut script = begun(Rules { room_messages: 2, ..Rules::default() }, 5);
    let out = answer(&mut script, 7);
    assert_eq!(out[..2], ["store  8: 4", "store  9: 5"]);
    assert_eq!((script.chat.take_unkept(), script.chat.take_unkept()), (3, 0));
    // A room that is forgotten before it gets its past.
    let mut script = begun(Rules { rooms: 2, ..Rules::default() }, 0);
    for (id, room) in [(2, "a"), (3, "b")] {
        script.enter(id, Dialect::Chinwag, room, None);
        script.name(id, "bob");
        script.say(id, "hi");
        script.put(Input::Left { id });
    }
    assert_eq!((script.chat.unrestored().count(), script.chat.take_unkept()), (2, 1));
}

#[test]
fn who_is_behind_goes_on_from_where_it_is() {
    let rules = Rules { replay_bytes: entry(1).wire_size(), ..Rules::default() };
    let mut script = begun(rules, 3);
    assert_eq!(story(&script.enter(2, Dialect::Chinwag, "", Some(Since { seq: 0, log: None }))), "1");
    answer(&mut script, 7);
    assert_eq!(story(&script.put(Input::Ready { id: 2 })), "2");
    assert_eq!(story(&script.put(Input::Ready { id: 2 })), "3 userlist");
}

/// A room of which nothing is known, and in which nothing was said, is left as it was.
#[test]
fn an_empty_room_wants_no_past() {
    let mut script = begun(Rules::default(), 0);
    script.put(Input::Left { id: 1 });
    assert_eq!(script.chat.unrestored().count(), 0);
}

#[test]
fn an_archive_that_does_not_answer_is_asked_again_for_ten_seconds() {
    let mut script = archived(9, 3, Rules::default());
    let asked = script.enter(1, Dialect::Chinwag, "", Some(Since { seq: 3, log: None }));
    assert_eq!(asked[1], "1< recall  3..6");
    let silence = Input::Recalled { id: 1, up_to: 6, found: None };
    for _ in 0..10 {
        assert_eq!(script.put(silence), [""; 0]);
        assert_eq!(script.put(Input::Ready { id: 1 }), ["1< recall  3..6"]);
        script.now += 999;
    }
    let found: Vec<StoredMessage> = (4..=6).map(entry).collect();
    let answered = Input::Recalled { id: 1, up_to: 6, found: Some(&found) };
    assert_eq!(story(&script.put(answered)), "4 5 6 7 8 9 userlist");
    // And if it never does: what memory has is told.
    script.enter(2, Dialect::Chinwag, "", Some(Since { seq: 3, log: None }));
    let silence = Input::Recalled { id: 2, up_to: 6, found: None };
    assert_eq!(script.put(silence), [""; 0]);
    script.now += 10_000;
    assert_eq!(story(&script.put(silence)), "gap 3 7 8 9 userlist");
    assert_eq!(script.chat.behind().count(), 0);
}
