//! An archive that does not answer at once: returning clients wait.

use super::archive::{archived, stored};
use super::history::summary;
use super::*;
use crate::chat::protocol::StoredMessage;

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
