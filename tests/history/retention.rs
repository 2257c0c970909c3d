//! Messages that are too old or too many are deleted by their own dates, and a clock that has jumped deletes nothing.

use std::fs;
use std::time::{Duration, Instant};

use chinwag::chat::history::{History, Settings};
use chinwag::chat::protocol::StoredMessage;
use chinwag::chat::server::Archive;

use super::support::binary::start_binary;
use super::support::temp::Folder;
use super::support::{DEADLINE, wait_until};
use super::{count, message, now, open, sql};

/// A file whose messages are that many days old.
fn dated(file: &str, days: &[u64]) {
    let date = |(seq, days): (u64, &u64)| {
        let mut message = message("", seq);
        message.date = now() - days * 86_400_000;
        message
    };
    open(file).commit(&mut (1..).zip(days).map(date).collect());
}

fn numbers(file: &str) -> Vec<u64> {
    let messages = open(file).load_messages("", 0, u64::MAX, usize::MAX).expect("readable");
    messages.iter().map(|message| message.seq).collect()
}

#[test]
fn each_message_is_deleted_by_its_own_date() {
    let folder = Folder::new("own-date");
    let file = folder.path("chat.db");
    // The clock was slow for a while, and fast for another.
    dated(&file, &[0, 3, 0, 5, 2, 0]);
    let chinwag = start_binary(&["--history", &file, "--history-days", "1", "-v"]);
    let line = chinwag.wait_for_log("more than a tenth of 6 messages is too old");
    assert!(line.contains("WARN"), "{line}");
    chinwag.wait_for_log("deleted 3 old messages");
    drop(chinwag);
    assert_eq!(numbers(&file), [1, 3, 6]);
}

/// The newest message is three years old, as if the clock were three years ahead.
#[test]
fn clock_that_is_years_ahead_at_the_start_deletes_nothing() {
    let folder = Folder::new("ahead");
    let file = folder.path("chat.db");
    dated(&file, &[1100, 1098, 1097, 1097]);
    let chinwag = start_binary(&["--history", &file, "--history-days", "30"]);
    chinwag.wait_for_log("the system's clock shows");
    chinwag.signal("TERM");
    let (_, log) = chinwag.wait_for_exit(DEADLINE);
    assert!(!log.iter().any(|line| line.contains("deleted")), "{log:#?}");
    assert_eq!(numbers(&file), [1, 2, 3, 4]);
}

/// The first deletion in a large file is done in steps, between which messages are written.
#[test]
fn deleting_most_of_a_large_file_does_not_block_the_chat() {
    let folder = Folder::new("large");
    let mut settings = Settings::new(folder.path("chat.db"));
    dated(&folder.path("chat.db"), &[0]);
    sql(
        &folder.path("chat.db"),
        &format!(
            "WITH RECURSIVE n (seq) AS (SELECT 2 UNION ALL SELECT seq + 1 FROM n WHERE seq < 500000)
             INSERT INTO message SELECT 1, seq, {} - seq, 1, 'ann', 'this is message number ' || seq, NULL FROM n",
            now() - 90 * 86_400_000
        ),
    );
    settings.days = Some(30);
    let mut history = History::open(&settings).expect("a history");
    let (mut slowest, mut seq) = (Duration::ZERO, 500_000);
    wait_until(Duration::from_secs(60), "the old ones are gone", || {
        seq += 1;
        let start = Instant::now();
        let mut new = message("", seq);
        new.date = now();
        history.commit(&mut vec![new]);
        slowest = slowest.max(start.elapsed());
        seq % 100 == 0 && count(&folder.path("chat.db")) < 400_000
    });
    println!("the slowest of {} commits took {slowest:?}", seq - 500_000);
    assert_eq!(history.error(), None);
}

/// The bytes of a history on disk.
fn size(file: &str) -> u64 {
    ["", "-wal"].iter().map(|ending| fs::metadata(format!("{file}{ending}")).map_or(0, |file| file.len())).sum()
}

#[test]
fn files_stay_near_their_maximum_of_bytes() {
    for (bytes, text) in [(64 << 10, 20), (1 << 20, 60), (1 << 20, 8000), (4 << 20, 300)] {
        let folder = Folder::new("bytes");
        let mut settings = Settings::new(folder.path("chat.db"));
        let file = folder.path("chat.db");
        // A file that is too large shrinks.
        let long = |room: &str, numbers: std::ops::RangeInclusive<u64>| -> Vec<StoredMessage> {
            numbers.map(|seq| StoredMessage::new(room, seq, "ann", "x".repeat(text))).collect()
        };
        let total = 2 * bytes / (text as u64 + 40);
        open(&file).commit(&mut long("", 1..=total));
        assert!(size(&file) > bytes, "{}", size(&file));
        settings.bytes = Some(bytes);
        let mut history = History::open(&settings).expect("a history");
        wait_until(DEADLINE, "it shrinks", || size(&file) < bytes + bytes / 4);
        // It stays so while new messages come.
        let mut most = 0;
        for nth in 0..100 {
            let first = total + nth * total / 50 + 1;
            history.commit(&mut long("", first..=first + total / 50 - 1));
            most = most.max(size(&file));
        }
        println!("{bytes} bytes, messages of {text}: at most {most}");
        assert!(most < bytes / 2 * 3 + (64 << 10), "{most} above {bytes}");
        wait_until(DEADLINE, "it shrinks again", || size(&file) < bytes + bytes / 4);
        assert!(count(&file) > 5, "{} are left", count(&file));
        let newest = history.load_room("", 1).expect("readable");
        assert_eq!(newest.messages[0].seq, newest.last, "the oldest are deleted");
    }
}
