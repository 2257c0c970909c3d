//! A disk that is full, or does not answer: the chat goes on, the log says so, and when there is room again the file has what waited.
#![cfg(feature = "history")]

mod support;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::binary::{Chinwag, command, start, start_binary};
use support::temp::{Folder, SlowDisk, SmallDisk};
use support::{Client, run, skip};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_full_disk_stops_no_chat_and_loses_no_message() {
    let Some(disk) = SmallDisk::mount("full") else { return skip("only root may mount a small disk") };
    let file = disk.path("chat.db");
    let chinwag = start_binary(&["--history", &file, "--no-limits"]);
    let mut ann = Talker::enter(&chinwag);

    ann.talk(10);
    disk.fill();
    ann.talk(200);
    chinwag.wait_for_log("the disk is full");
    assert!(stored(&file).len() >= 10, "what the file holds is readable");
    disk.make_room();
    ann.talk(10);
    chinwag.wait_for_log("nothing was lost");
    ann.talk(10);
    let all = ann.said;
    assert_eq!(stored(&file), all);

    chinwag.signal("KILL");
    chinwag.wait_for_exit(support::DEADLINE);
    let chinwag = start_binary(&["--history", &file]);
    assert_eq!(Talker::enter(&chinwag).log, ann.log, "the numbering goes on");
}

/// Killed while the disk is full: the numbers that people have seen and the file has not are not given again under the
/// same name.
#[test]
fn numbers_that_a_full_disk_did_not_take_begin_a_new_numbering() {
    let Some(disk) = SmallDisk::mount("lost") else { return skip("only root may mount a small disk") };
    let file = disk.path("chat.db");
    let chinwag = start_binary(&["--history", &file, "--no-limits"]);
    let mut ann = Talker::enter(&chinwag);
    ann.talk(10);
    disk.fill();
    ann.talk(200);
    chinwag.wait_for_log("the disk is full");
    chinwag.signal("KILL");
    chinwag.wait_for_exit(support::DEADLINE);
    disk.make_room();

    let chinwag = start_binary(&["--history", &file]);
    let bob = Talker::enter(&chinwag);
    assert_ne!(bob.log, ann.log, "{} of 210 messages are there", bob.last);
    assert!((10..210).contains(&bob.last), "{} of 210 messages are there", bob.last);
    assert_eq!(stored(&file), ann.said[..bob.last as usize]);
}

/// The same without root: the process may write no file beyond 400 KiB, until the bound is lifted.
#[test]
fn a_file_that_may_not_grow_is_like_a_full_disk() {
    if run_quietly("prlimit", &["--version"]).is_none() {
        return skip("no prlimit, which is part of util-linux");
    }
    let folder = Folder::new("bound");
    let file = folder.path("chat.db");
    let plain = command(&["--listen", "127.0.0.1:0", "--no-limits", "--history", &file]);
    // SIGXFSZ, which would end the process, is ignored, and so is it by what is executed.
    let mut bounded = Command::new("sh");
    bounded.args(["-c", "trap '' XFSZ; ulimit -S -f 800; exec \"$0\" \"$@\""]).env_clear();
    bounded.arg(plain.get_program()).args(plain.get_args()).stdin(Stdio::null());
    let chinwag = start(bounded);
    let mut ann = Talker::enter(&chinwag);
    ann.talk(400);
    chinwag.wait_for_log("chat.db: the disk failed");
    let kept = stored(&file);
    assert!(!kept.is_empty() && kept.len() < 400 && kept == ann.said[..kept.len()], "{} messages are kept", kept.len());
    run_quietly("prlimit", &["--pid", &chinwag.pid().to_string(), "--fsize=unlimited"]).expect("it may be lifted");
    ann.talk(1);
    chinwag.wait_for_log("nothing was lost");
    assert_eq!(stored(&file), ann.said);
}

/// A write that takes for ever holds nobody up for longer than two seconds, once.
#[test]
fn a_disk_that_does_not_answer_stops_no_chat() {
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
    chinwag.wait_for_log("the disk does not answer");
    let start = Instant::now();
    ann.talk(20);
    assert_eq!(Talker::enter(&chinwag).last, 24, "newcomers are let in, and told the past from memory");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    drop(frozen);
    chinwag.wait_for_log("nothing was lost");
    assert_eq!(stored(&file), ann.said);
}

fn run_quietly(program: &str, args: &[&str]) -> Option<()> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    output.status.success().then_some(())
}

/// The texts in the file, in order of their numbers, which have no gap.
fn stored(file: &str) -> Vec<String> {
    let output = run(command(&["history", file, "--json"]), PATIENCE);
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")).zip(1..);
    let text = |(entry, number): (Value, u64)| {
        assert_eq!(entry["seq"], number);
        entry["text"].as_str().expect("a text").to_owned()
    };
    lines.map(text).collect()
}

/// Somebody who says long things, and hears each of them.
struct Talker {
    client: Client,
    log: String,
    last: u64,
    said: Vec<String>,
}

impl Talker {
    fn enter(chinwag: &Chinwag) -> Talker {
        let mut client = Client::connect(chinwag.addr(), &["chinwag.v1"]);
        let id = client.expect("id");
        let (log, last) = (id["log"].as_str().expect("a name").to_owned(), id["seq"].as_u64().expect("a number"));
        client.sign_in("ann");
        Talker { client, log, last, said: Vec::new() }
    }

    fn talk(&mut self, count: usize) {
        for _ in 0..count {
            let text = format!("{:>2000}", self.said.len());
            self.client.say_json(&json!({"type": "message", "text": text}));
            assert_eq!(self.client.wait_for("message")["text"], text);
            self.said.push(text);
        }
    }
}
