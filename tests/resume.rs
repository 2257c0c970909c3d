//! Coming back: who was away hears what it missed, from memory or from an archive; and nobody hears what is not kept.

mod support;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use chinwag::chat::protocol::{ByteBudget, Dialect, StoredMessage};
use chinwag::chat::rules::{RoomSnapshot, Rules};
use chinwag::chat::server::{Archive, ChatServer};
use chinwag::{Server, Shutdown};
use serde_json::{Value, json};
use support::{Client, DEADLINE, start_binary};

fn say(client: &mut Client, text: &str) {
    client.say_json(&json!({"type": "message", "text": text}));
}

fn messages(client: &mut Client, texts: &[&str]) {
    for text in texts {
        assert_eq!(client.wait_for("message")["text"], **text);
    }
}

#[test]
fn a_thousand_comings_and_goings_make_one_transcript() {
    let server = start_binary(&["--no-limits"]);
    let mut talker = Client::enter(server.addr(), "/room/x");
    talker.sign_in("ann");
    let mut heard: Vec<u64> = Vec::new();
    for round in 0..20 {
        let since = heard.last().copied().unwrap_or_default();
        let mut listener = Client::enter(server.addr(), &format!("/room/x?since={since}"));
        listener.expect("id");
        for number in 0..10 {
            say(&mut talker, &format!("{round} {number}"));
        }
        // Leaves in the middle of it, wherever that is.
        for _ in 0..1 + round % 5 {
            heard.push(listener.wait_for("message")["seq"].as_u64().expect("a number"));
        }
    }
    let mut last = Client::enter(server.addr(), &format!("/room/x?since={}", heard[heard.len() - 1]));
    last.expect("id");
    while heard.len() < 200 {
        heard.push(last.wait_for("message")["seq"].as_u64().expect("a number"));
    }
    assert!(heard.iter().copied().eq(1..=200), "{heard:?}");
}

/// What is told at once fits into what may wait for a client, however much there is.
#[test]
fn a_long_history_of_long_messages_drops_nobody() {
    let server = start_binary(&["--no-limits", "--limit", "outbox=262144"]);
    let mut ann = Client::enter(server.addr(), "/");
    ann.sign_in("ann");
    for number in 1..=60 {
        say(&mut ann, &format!("{number} {}", "<".repeat(7000)));
        ann.wait_for("message");
    }
    for protocol in ["json", "chinwag.v1", "text"] {
        let mut client = Client::try_enter(server.addr(), "/?since=0", &[protocol], &[]).expect("it is let in");
        let last = loop {
            let text = client.next_text();
            if text.contains("60 <") || text.contains("60 &lt;") {
                break text;
            }
        };
        assert!(last.len() > 7000);
    }
}

#[test]
fn numbers_begin_anew_with_another_token_when_the_process_does() {
    let hello = |server: &support::Chinwag| Client::enter(server.addr(), "/").expect("id");
    let (one, other) = (start_binary(&[]), start_binary(&[]));
    assert_ne!(hello(&one)["log"], hello(&other)["log"]);
    assert_eq!(hello(&one)["log"], hello(&one)["log"]);
    let log = hello(&one)["log"].clone();
    let mut back = Client::enter(other.addr(), &format!("/?since=0&log={}", log.as_str().expect("a string")));
    back.expect("id");
    assert_eq!(back.next_json(), json!({"type": "gap"}));
}

/// Asks, and waits for the answer.
type Gate = (Sender<usize>, Receiver<()>);

/// An archive in this process, which can be told to take its time.
#[derive(Debug, Clone, Default)]
struct Shelf {
    rooms: Arc<Mutex<HashMap<String, Vec<StoredMessage>>>>,
    /// It does not answer what it is asked.
    is_silent: Arc<AtomicBool>,
    /// Said before each commit, and answered when it may go on.
    gate: Arc<Mutex<Option<Gate>>>,
}

impl Archive for Shelf {
    fn load_room(&mut self, room: &str, messages: usize) -> Option<RoomSnapshot> {
        if self.is_silent.load(Ordering::Relaxed) {
            return None;
        }
        let rooms = self.rooms.lock().expect("no panic");
        let all = rooms.get(room).cloned().unwrap_or_default();
        let entries = all[all.len().saturating_sub(messages)..].to_vec();
        Some(RoomSnapshot::new("shelf", all.len() as u64, entries))
    }

    fn load_messages(&mut self, room: &str, after: u64, up_to: u64, bytes: usize) -> Option<Vec<StoredMessage>> {
        if self.is_silent.load(Ordering::Relaxed) {
            return None;
        }
        let rooms = self.rooms.lock().expect("no panic");
        let all = rooms.get(room).map(Vec::as_slice).unwrap_or_default();
        let mut part = ByteBudget::new(bytes);
        let wanted = all.iter().filter(|entry| entry.seq > after && entry.seq <= up_to);
        Some(wanted.take_while(|entry| part.spend(entry)).cloned().collect())
    }

    fn commit(&mut self, entries: &mut Vec<StoredMessage>) {
        if let Some((ask, go)) = &*self.gate.lock().expect("no panic") {
            ask.send(entries.len()).expect("the test listens");
            go.recv_timeout(DEADLINE).expect("the test lets it go on");
        }
        let mut rooms = self.rooms.lock().expect("no panic");
        for entry in entries.drain(..) {
            rooms.entry(entry.room.to_string()).or_default().push(entry);
        }
    }
}

/// A chat in this process, with that archive.
struct Running {
    addr: SocketAddr,
    shutdown: Shutdown,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    fn start(shelf: &Shelf, rules: Rules) -> Self {
        let server = Server::builder()
            .protocols(ChatServer::protocols())
            .endpoint(ChatServer::is_endpoint)
            .listen("127.0.0.1:0")
            .and_then(|builder| builder.start())
            .expect("it starts");
        let (addr, shutdown) = (server.local_addrs()[0], server.shutdown_handle());
        let chat = ChatServer::new(server, rules, Dialect::Json).archive(Box::new(shelf.clone()));
        Self { addr, shutdown, thread: Some(thread::spawn(move || chat.run())) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.start();
        let ended = self.thread.take().map(thread::JoinHandle::join);
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()));
    }
}

fn rules(messages: usize) -> Rules {
    let mut rules = Rules::unlimited();
    rules.room_messages = messages;
    rules
}

#[test]
fn an_archive_carries_rooms_over_a_restart() {
    let shelf = Shelf::default();
    let texts: Vec<String> = (1..=30).map(|number| number.to_string()).collect();
    let first = Running::start(&shelf, rules(500));
    let mut ann = Client::enter(first.addr, "/room/x");
    ann.sign_in("ann");
    texts.iter().for_each(|text| say(&mut ann, text));
    messages(&mut ann, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    drop((ann, first));

    // Little of it is in memory: the rest comes from the archive, in order, and without an end or a double.
    let second = Running::start(&shelf, rules(4));
    let mut back = Client::enter(second.addr, "/room/X?since=7&log=shelf");
    let hello = back.expect("id");
    assert_eq!((&hello["seq"], &hello["log"]), (&json!(30), &json!("shelf")));
    for number in 8..=30 {
        let said = back.expect("message");
        assert_eq!((&said["seq"], &said["text"]), (&json!(number), &json!(number.to_string())));
    }
    back.sign_in("ann");
    say(&mut back, "31");
    assert_eq!(back.wait_for("message")["seq"], 31);
    drop((back, second));

    // However small the parts are, it is told everything.
    let mut small = rules(4);
    small.replay_bytes = 400;
    let third = Running::start(&shelf, small);
    let mut late = Client::enter(third.addr, "/room/x?since=0&log=shelf");
    late.expect("id");
    for number in 1..=31 {
        assert_eq!(late.expect("message")["seq"], number);
    }
    late.sign_in("bob");
    say(&mut late, "32");
    assert_eq!(late.wait_for("message")["seq"], 32);
}

/// Somebody who comes back to much more than may wait for it at once, while others go on talking as fast as they may.
#[test]
fn who_missed_megabytes_is_told_all_of_it_and_then_hears_the_rest() {
    let shelf = Shelf::default();
    let text = "x".repeat(1000);
    let entries = (1..=8000).map(|seq| StoredMessage::new("", seq, "ann", text.as_str()));
    shelf.rooms.lock().expect("no panic").insert(String::new(), entries.collect());
    let running = Running::start(&shelf, rules(500));
    let mut ann = Client::enter(running.addr, "/");
    ann.sign_in("ann");
    let mut back = Client::enter(running.addr, "/?since=0");
    back.expect("id");
    for _ in 0..500 {
        say(&mut ann, "meanwhile");
    }
    for number in 1..=8500 {
        assert_eq!(back.wait_for("message")["seq"], number);
    }
}

/// A shelf with so many messages in the lobby.
fn filled(last: u64) -> Shelf {
    let shelf = Shelf::default();
    let entries = (1..=last).map(|seq| StoredMessage::new("", seq, "ann", "before"));
    shelf.rooms.lock().expect("no panic").insert(String::new(), entries.collect());
    shelf
}

/// An archive that is slow is no archive that has lost something.
#[test]
fn who_comes_back_while_the_archive_does_not_answer_waits_and_misses_nothing() {
    let shelf = filled(30);
    let running = Running::start(&shelf, rules(4));
    let mut ann = Client::enter(running.addr, "/");
    ann.sign_in("ann");
    shelf.is_silent.store(true, Ordering::Relaxed);
    let mut back = Client::enter(running.addr, "/?since=7&log=shelf");
    assert_eq!(back.expect("id")["seq"], 30);
    say(&mut ann, "now");
    messages(&mut ann, &["now"]);
    shelf.is_silent.store(false, Ordering::Relaxed);
    for number in 8..=31 {
        assert_eq!(back.expect("message")["seq"], number);
    }
}

/// Nor are rooms that were entered meanwhile without a past for ever.
#[test]
fn a_room_that_began_without_its_past_gets_it_when_the_archive_answers() {
    let shelf = filled(30);
    shelf.is_silent.store(true, Ordering::Relaxed);
    let running = Running::start(&shelf, rules(500));
    let mut ann = Client::enter(running.addr, "/");
    assert_eq!(ann.expect("id")["seq"], 0);
    ann.sign_in("ann");
    for text in ["a", "b"] {
        say(&mut ann, text);
        messages(&mut ann, &[text]);
    }
    shelf.is_silent.store(false, Ordering::Relaxed);
    let id = ann.wait_for("id");
    assert_eq!((&id["seq"], &id["log"]), (&json!(32), &json!("shelf")));
    say(&mut ann, "c");
    assert_eq!(ann.wait_for("message")["seq"], 33);
    let rooms = shelf.rooms.lock().expect("no panic");
    assert!(rooms[""].iter().map(|entry| entry.seq).eq(1..=33));
    assert!(rooms[""][30..].iter().map(|entry| &*entry.text).eq(["a", "b", "c"]));
}

/// Neither a message nor a Close that is said after it leaves before the archive has what was said.
#[test]
fn nobody_is_told_what_is_not_kept() {
    let shelf = Shelf::default();
    // No user list comes later than what it is about.
    let mut eager = rules(500);
    eager.list_interval = 0;
    let running = Running::start(&shelf, eager);
    let mut ann = Client::enter(running.addr, "/");
    ann.sign_in("ann");
    let mut quitter = Client::try_enter(running.addr, "/", &["text"], &[]).expect("it is let in");
    ann.wait_until("the other one", |object| object["name"] == "guest-2");
    while quitter.next_text() != "* guest-2 signed in" {}
    let (ask, asked) = channel();
    let (go, gone) = channel();
    *shelf.gate.lock().expect("no panic") = Some((ask, gone));

    quitter.say("hello");
    assert!(asked.recv_timeout(DEADLINE).expect("a commit") > 0);
    quitter.say("/quit");
    // The commit waits: whatever could be on its way would be there by the time that this other connection is.
    let probe = Client::enter(running.addr, "/");
    assert!(shelf.rooms.lock().expect("no panic").is_empty());
    for client in [&ann, &quitter] {
        let mut byte = [0; 1];
        client.stream().set_nonblocking(true).expect("a socket");
        let waiting = client.stream().peek(&mut byte).map(|_| ());
        client.stream().set_nonblocking(false).expect("a socket");
        assert_eq!(waiting.map_err(|error| error.kind()), Err(std::io::ErrorKind::WouldBlock), "nothing has come");
    }
    go.send(()).expect("it waits");
    *shelf.gate.lock().expect("no panic") = None;
    messages(&mut ann, &["hello"]);
    assert_eq!(quitter.wait_for_close(), (1000, "bye".to_owned()));
    drop(probe);
}

/// Resending what was said before a restart does not say it again.
#[test]
fn nonces_outlive_the_process_with_the_archive() {
    let shelf = Shelf::default();
    let line = json!({"type": "message", "text": "hi", "nonce": "n1"});
    let seqs: Vec<Value> = (0..2)
        .map(|_| {
            let running = Running::start(&shelf, rules(500));
            let mut ann = Client::enter(running.addr, "/?since=0");
            ann.sign_in("ann");
            ann.say_json(&line);
            ann.wait_for("message")["seq"].clone()
        })
        .collect();
    assert_eq!(seqs, [json!(1), json!(1)]);
    assert_eq!(shelf.rooms.lock().expect("no panic")[""].len(), 1);
}
