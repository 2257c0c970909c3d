//! While the disk is full or does not respond, the chat continues. Afterwards the file has all messages.
#![cfg(feature = "history")]

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::binary::{Chinwag, command, start, start_binary};
use support::raw::get;
use support::temp::{Folder, SlowDisk, SmallDisk};
use support::{Client, run, skip, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn full_disk_does_not_stop_the_chat_or_lose_messages() {
    let Some((disk, file, chinwag, mut ann)) = full("full") else { return skip("only root may mount a small disk") };
    assert!(stored(&file).len() >= 10, "what the file holds is readable");
    disk.make_room();
    ann.talk(10);
    chinwag.wait_for_log("nothing was lost");
    ann.talk(10);
    let all = ann.sent;
    assert_eq!(stored(&file), all);

    chinwag.signal("KILL");
    chinwag.wait_for_exit(support::DEADLINE);
    let chinwag = start_binary(&["--history", &file]);
    assert_eq!(Talker::enter(&chinwag).log, ann.log, "the numbering goes on");
}

/// The server is killed while the disk is full. Numbers that clients know and the file does not have are not used again
/// under the same log name.
#[test]
fn numbers_that_a_full_disk_did_not_store_give_the_log_a_new_name() {
    let Some((disk, file, chinwag, ann)) = full("lost") else { return skip("only root may mount a small disk") };
    chinwag.signal("KILL");
    chinwag.wait_for_exit(support::DEADLINE);
    disk.make_room();

    let chinwag = start_binary(&["--history", &file]);
    let bob = Talker::enter(&chinwag);
    assert_ne!(bob.log, ann.log, "{} of 210 messages are there", bob.last);
    assert!((10..210).contains(&bob.last), "{} of 210 messages are there", bob.last);
    assert_eq!(stored(&file), ann.sent[..bob.last as usize]);
}

/// Nobody talks, so nothing but the question itself finds out.
#[test]
fn server_is_not_ready_while_its_disk_is_full_or_frozen() {
    let Some(disk) = SmallDisk::mount("ready") else { return skip("only root may mount a small disk") };
    let chinwag = start_binary(&["--history", &disk.path("chat.db")]);
    let readiness = |chinwag: &Chinwag| {
        let answer = get(chinwag.addr(), "/readyz");
        (answer.status, answer.text())
    };
    assert_eq!(readiness(&chinwag), (200, "ready\n".to_owned()));
    disk.fill();
    assert_eq!(readiness(&chinwag), (503, "history: the disk is full\n".to_owned()));
    disk.make_room();
    assert_eq!(readiness(&chinwag).0, 200);
    assert!(get(chinwag.addr(), "/metrics").text().contains("\nchinwag_history_queue 0\n"));

    let Some(disk) = SlowDisk::mount("ready-frozen") else { return skip("only root may mount a disk in a file") };
    let chinwag = start_binary(&["--history", &disk.path("chat.db")]);
    assert_eq!(readiness(&chinwag).0, 200);
    let frozen = disk.freeze();
    assert_eq!(readiness(&chinwag), (503, "no answer within 1s from the chat thread or its history\n".to_owned()));
    drop(frozen);
    wait_until(PATIENCE, "the disk responds", || readiness(&chinwag).0 == 200);
}

/// A full disk with a history, and a client that has sent 210 messages.
fn full(name: &str) -> Option<(SmallDisk, String, Chinwag, Talker)> {
    let disk = SmallDisk::mount(name)?;
    let file = disk.path("chat.db");
    let chinwag = start_binary(&["--history", &file, "--no-limits"]);
    let mut ann = Talker::enter(&chinwag);
    ann.talk(10);
    disk.fill();
    ann.talk(200);
    chinwag.wait_for_log("the disk is full");
    Some((disk, file, chinwag, ann))
}

/// The same without root: the process must not write beyond 400 KiB of a file, until that limit is lifted.
#[test]
fn file_that_cannot_grow_is_like_a_full_disk() {
    if run_quietly("prlimit", &["--version"]).is_none() {
        return skip("no prlimit, which is part of util-linux");
    }
    let folder = Folder::new("bound");
    let file = folder.path("chat.db");
    let plain = command(&["--listen", "127.0.0.1:0", "--no-limits", "--history", &file]);
    // The ignored SIGXFSZ, which would end the process, stays ignored in the program that `exec` starts.
    let mut bounded = Command::new("sh");
    bounded.args(["-c", "trap '' XFSZ; ulimit -S -f 800; exec \"$0\" \"$@\""]).env_clear();
    bounded.arg(plain.get_program()).args(plain.get_args()).stdin(Stdio::null());
    let chinwag = start(bounded);
    let mut ann = Talker::enter(&chinwag);
    ann.talk(400);
    chinwag.wait_for_log("chat.db: the disk failed");
    let kept = stored(&file);
    assert!(!kept.is_empty() && kept.len() < 400 && kept == ann.sent[..kept.len()], "{} messages are kept", kept.len());
    run_quietly("prlimit", &["--pid", &chinwag.pid().to_string(), "--fsize=unlimited"]).expect("it may be lifted");
    ann.talk(1);
    chinwag.wait_for_log("nothing was lost");
    assert_eq!(stored(&file), ann.sent);
}

/// A write that never ends delays the chat once, by two seconds.
#[test]
fn frozen_disk_does_not_stop_the_chat() {
    let Some(disk) = SlowDisk::mount("slow") else { return skip("only root may mount a disk in a file") };
    let file = disk.path("chat.db");
    let chinwag = start_binary(&["--history", &file, "--no-limits"]);
    let mut ann = Talker::enter(&chinwag);
    ann.talk(3);
    let frozen = disk.freeze();
    let start = Instant::now();
    ann.talk(1);
    let waited = start.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(10)).contains(&waited), "{waited:?}");
    chinwag.wait_for_log("the disk does not respond");
    let start = Instant::now();
    ann.talk(20);
    assert_eq!(Talker::enter(&chinwag).last, 24, "new clients get the history from memory");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    drop(frozen);
    chinwag.wait_for_log("nothing was lost");
    assert_eq!(stored(&file), ann.sent);
}

/// Rooms that are open stay open. Another one is opened when the disk responds, with its history.
#[test]
fn room_is_opened_when_the_frozen_disk_responds() {
    let Some(disk) = SlowDisk::mount("late") else { return skip("only root may mount a disk in a file") };
    let file = disk.path("chat.db");
    let before = start_binary(&["--history", &file]);
    let mut bob = Talker::enter_room(&before, "/room/den");
    bob.talk(3);
    before.signal("TERM");
    before.wait_for_exit(support::DEADLINE);

    let chinwag = start_binary(&["--history", &file, "--no-limits"]);
    let mut ann = Talker::enter(&chinwag);
    let frozen = disk.freeze();
    ann.talk(1);
    chinwag.wait_for_log("the disk does not respond");
    for room in ["/room/den", "/room/attic"] {
        let mut early = Client::enter(chinwag.addr(), room);
        assert_eq!(early.wait_for_close(), (1013, "the history does not answer; try again later".to_owned()));
    }
    assert_eq!(Talker::enter(&chinwag).last, 1);
    drop(frozen);
    chinwag.wait_for_log("nothing was lost");
    let late = Talker::enter_room(&chinwag, "/room/den");
    assert_eq!((late.last, late.log), (3, bob.log));
    assert_eq!((stored_of(&file, "den"), stored(&file)), (bob.sent, ann.sent));
}

/// Nothing is written to a file after damage is found, and the chat continues.
#[test]
fn damage_found_later_does_not_stop_the_chat_or_change_the_file() {
    let folder = Folder::new("damage");
    let file = folder.path("chat.db");
    let before = start_binary(&["--history", &file, "--no-limits"]);
    let mut old = Talker::enter(&before);
    old.talk(50);
    before.signal("TERM");
    before.wait_for_exit(support::DEADLINE);
    let chinwag = start_binary(&["--history", &file, "--no-limits"]);
    let mut ann = Talker::enter_room(&chinwag, "/room/attic");
    let mut bytes = fs::read(&file).expect("it is there");
    bytes[20_000..].fill(0x5a);
    // In place: a file that is empty for a moment counts as lost.
    let open = fs::OpenOptions::new().write(true).open(&file).expect("it is there");
    std::os::unix::fs::FileExt::write_all_at(&open, &bytes, 0).expect("written");
    let mut bob = Talker::enter(&chinwag);
    chinwag.wait_for_log("damaged");
    assert!(bob.last == 0 && bob.log != old.log, "a room that cannot be read begins anew");
    ann.talk(3);
    bob.talk(3);
    chinwag.signal("TERM");
    assert_eq!(chinwag.wait_for_exit(support::DEADLINE).0.code(), Some(0));
    assert!(fs::read(&file).expect("it is there") == bytes, "it was changed");
}

fn run_quietly(program: &str, args: &[&str]) -> Option<()> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    output.status.success().then_some(())
}

/// The texts in the file, in order of their numbers, which have no gap.
fn stored(file: &str) -> Vec<String> {
    stored_of(file, "")
}

fn stored_of(file: &str, room: &str) -> Vec<String> {
    let output = run(command(&["history", file, "--export", "--room", room]), PATIENCE);
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    // The first line is about the room.
    let lines = text.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).expect("JSON")).zip(1..);
    let text = |(entry, number): (Value, u64)| {
        assert_eq!(entry["seq"], number);
        entry["text"].as_str().expect("a text").to_owned()
    };
    lines.map(text).collect()
}

/// A client that sends long messages and receives each of them.
struct Talker {
    client: Client,
    log: String,
    last: u64,
    sent: Vec<String>,
    /// The numbers of its messages.
    received: Vec<u64>,
}

impl Talker {
    fn enter(chinwag: &Chinwag) -> Talker {
        Talker::enter_room(chinwag, "/")
    }

    fn enter_room(chinwag: &Chinwag, path: &str) -> Talker {
        let mut client = Client::enter(chinwag.addr(), path);
        let id = client.expect("id");
        let (log, last) = (id["log"].as_str().expect("a name").to_owned(), id["seq"].as_u64().expect("a number"));
        client.sign_in("ann");
        Talker { client, log, last, sent: Vec::new(), received: Vec::new() }
    }

    fn talk(&mut self, count: usize) {
        for _ in 0..count {
            let text = format!("{:>2000}", self.sent.len());
            self.client.say_json(&json!({"type": "message", "text": text}));
            let received = self.client.wait_for("message");
            assert_eq!(received["text"], text);
            self.received.push(received["seq"].as_u64().expect("a number"));
            self.sent.push(text);
        }
    }
}
