//! The file of a node in a cluster, where other nodes decide as well.

use super::*;
use chinwag::chat::rules::Erasure;

fn begin(history: &mut History, room: &str, log: &str) {
    history.begin(room.into(), log.into());
}

/// A message of another time.
fn other(room: &str, seq: u64) -> StoredMessage {
    let mut message = message(room, seq);
    (message.date, message.text) = (1_800_000_000_000 + seq, "other".into());
    message
}

fn deleted(room: &str, seq: u64) -> StoredMessage {
    let mut deleted = StoredMessage::new(room, seq, "", "");
    deleted.date = message(room, seq).date;
    deleted
}

fn stored(history: &mut History, room: &str) -> Vec<StoredMessage> {
    history.load_messages(room, 0, 1000, usize::MAX).expect("readable")
}

/// How many messages the file has, in all numberings.
fn count(file: &str) -> u64 {
    let db = Connection::open(file).expect("a database");
    db.query_row("SELECT count(*) FROM message", [], |row| row.get(0)).expect("a number")
}

#[test]
fn each_numbering_of_a_room_has_its_own_messages() {
    let folder = Folder::new("follower");
    let file = folder.path("chat.db");
    // Of a server alone.
    filled(&file, 4);
    for round in 0..3 {
        let mut history = open(&file);
        begin(&mut history, "", "l1");
        history.commit(&mut messages("", 1..=9));
        begin(&mut history, "kitchen", "l2");
        history.commit(&mut messages("kitchen", 3..=5));
        assert_eq!(stored(&mut history, ""), messages("", 1..=9));
        begin(&mut history, "", "l3");
        let before = stored(&mut history, "").len();
        assert_eq!(
            before,
            if round == 0 { 0 } else { 2 },
            "nothing of another numbering, before its first message either"
        );
        history.commit(&mut (1..=2).map(|seq| other("", seq)).collect());
        // The node starts again, and reads both numberings again.
        assert_eq!(texts(&stored(&mut history, "")), [(1, "other"), (2, "other")]);
        assert_eq!(stored(&mut history, "kitchen"), messages("kitchen", 3..=5));
        drop(history);
        assert_eq!(count(&file), 4 + 9 + 3 + 2, "each message once, and nothing is lost");
    }
    // The file does not take itself for a backup.
    let log = |file: &str| open(file).load_room("", 1).expect("readable").log;
    assert_eq!((&*log(&file), &*log(&file)), ("l3", "l3"));
}

/// Numbers and texts.
fn texts(messages: &[StoredMessage]) -> Vec<(u64, &str)> {
    messages.iter().map(|message| (message.seq, &*message.text)).collect()
}

#[test]
fn messages_that_come_again_change_nothing_but_deletions_do() {
    let folder = Folder::new("follower-again");
    let file = folder.path("chat.db");
    let mut history = open(&file);
    begin(&mut history, "", "l1");
    history.commit(&mut messages("", 1..=6));
    history.erase(Erasure::Numbers("".into(), vec![2])).expect("writable");
    drop(history);
    sql(&file, "DELETE FROM message WHERE seq = 1");
    let mut history = open(&file);
    begin(&mut history, "", "l1");
    history.commit(&mut messages("", 1..=3));
    history.commit(&mut vec![deleted("", 4)]);
    history.commit(&mut messages("", 4..=7));
    assert_eq!(error(&history), "");
    let expected = [vec![deleted("", 2), message("", 3), deleted("", 4)], messages("", 5..=7)].concat();
    assert_eq!(stored(&mut history, ""), expected, "1 was deleted by age, and stays away");
    drop(history);
    let log = |file: &str| open(file).load_room("", 1).expect("readable").log;
    assert_eq!((&*log(&file), &*log(&file)), ("l1", "l1"));
}

/// Redis lost messages, and nobody was left to rename the numbering.
#[test]
fn another_message_under_a_number_begins_the_room_anew() {
    let folder = Folder::new("follower-other");
    let file = folder.path("chat.db");
    for _ in 0..3 {
        let mut history = open(&file);
        begin(&mut history, "", "l1");
        history.commit(&mut messages("", 1..=3));
        history.commit(&mut vec![other("", 3), other("", 4)]);
        assert_eq!(texts(&stored(&mut history, "")), [(3, "other"), (4, "other")]);
        assert_eq!(error(&history), "");
    }
}

/// Nothing of an earlier numbering is sent while the file cannot be written.
#[test]
fn room_is_not_read_before_its_numbering_is_written() {
    let folder = Folder::new("follower-locked");
    let file = folder.path("chat.db");
    let mut history = open(&file);
    begin(&mut history, "", "l1");
    history.commit(&mut messages("", 1..=3));
    let locked = Connection::open(&file).expect("a database");
    locked.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    begin(&mut history, "", "l2");
    assert_eq!(history.load_messages("", 0, 9, usize::MAX), None);
    history.commit(&mut vec![other("", 1)]);
    begin(&mut history, "", "l3");
    history.commit(&mut vec![message("", 1)]);
    locked.execute_batch("ROLLBACK").expect("unlocked");
    drop(locked);
    wait_until(DEADLINE, "everything is stored", || history.is_complete());
    assert_eq!(stored(&mut history, ""), messages("", 1..=1));
    drop(history);
    assert_eq!(count(&file), 5, "in order");
}
