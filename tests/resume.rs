//! Reconnecting clients receive what they missed, from memory or from an archive. Nothing is sent before it is stored.

mod support;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use chinwag::chat::protocol::{ByteBudget, Dialect, StoredMessage};
use chinwag::chat::rules::{Erasure, RoomSnapshot, Rules};
use chinwag::chat::server::{Archive, ChatServer};
use chinwag::{Handle, Server};
use serde_json::{Value, json};
use support::{Client, DEADLINE, start_binary};

fn send(client: &mut Client, text: &str) {
    client.say_json(&json!({"type": "message", "text": text}));
}

fn messages(client: &mut Client, texts: &[&str]) {
    for text in texts {
        assert_eq!(client.wait_for("message")["text"], **text);
    }
}

#[test]
fn twenty_reconnects_make_one_transcript() {
    let server = start_binary(&["--no-limits"]);
    let mut sender = Client::enter(server.addr(), "/room/x");
    sender.sign_in("ann");
    let mut received: Vec<u64> = Vec::new();
    for round in 0..20 {
        let since = received.last().copied().unwrap_or_default();
        let mut listener = Client::enter(server.addr(), &format!("/room/x?since={since}"));
        listener.expect("id");
        for number in 0..10 {
            send(&mut sender, &format!("{round} {number}"));
        }
        // Leaves in the middle, at a different place each time.
        for _ in 0..1 + round % 5 {
            received.push(listener.wait_for("message")["seq"].as_u64().expect("a number"));
        }
    }
    let mut last = Client::enter(server.addr(), &format!("/room/x?since={}", received[received.len() - 1]));
    last.expect("id");
    while received.len() < 200 {
        received.push(last.wait_for("message")["seq"].as_u64().expect("a number"));
    }
    assert!(received.iter().copied().eq(1..=200), "{received:?}");
}

/// Each part of history fits into the send buffer.
#[test]
fn long_history_of_long_messages_does_not_overflow_send_buffer() {
    let server = start_binary(&["--no-limits", "--limit", "outbox=262144"]);
    let mut ann = Client::enter(server.addr(), "/");
    ann.sign_in("ann");
    for number in 1..=60 {
        send(&mut ann, &format!("{number} {}", "<".repeat(7000)));
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
fn new_process_has_another_numbering() {
    let hello = |server: &support::Chinwag| Client::enter(server.addr(), "/").expect("id");
    let (one, other) = (start_binary(&[]), start_binary(&[]));
    assert_ne!(hello(&one)["log"], hello(&other)["log"]);
    assert_eq!(hello(&one)["log"], hello(&one)["log"]);
    let log = hello(&one)["log"].clone();
    let mut back = Client::enter(other.addr(), &format!("/?since=0&log={}", log.as_str().expect("a string")));
    back.expect("id");
    assert_eq!(back.next_json(), json!({"type": "gap"}));
}

/// Announces a commit, and waits for permission.
type Gate = (Sender<usize>, Receiver<()>);

/// An archive in this process, which can be stopped.
#[derive(Debug, Clone, Default)]
struct TestArchive {
    rooms: Arc<Mutex<HashMap<String, Vec<StoredMessage>>>>,
    /// Whether it does not answer.
    is_silent: Arc<AtomicBool>,
    /// Used before each commit.
    gate: Arc<Mutex<Option<Gate>>>,
}

impl Archive for TestArchive {
    fn load_room(&mut self, room: &str, messages: usize) -> Option<RoomSnapshot> {
        if self.is_silent.load(Ordering::Relaxed) {
            return None;
        }
        let rooms = self.rooms.lock().expect("no panic");
        let all = rooms.get(room).cloned().unwrap_or_default();
        let messages = all[all.len().saturating_sub(messages)..].to_vec();
        Some(RoomSnapshot { log: "archive".into(), last: all.len() as u64, messages })
    }

    fn load_messages(&mut self, room: &str, after: u64, up_to: u64, bytes: usize) -> Option<Vec<StoredMessage>> {
        if self.is_silent.load(Ordering::Relaxed) {
            return None;
        }
        let rooms = self.rooms.lock().expect("no panic");
        let all = rooms.get(room).map(Vec::as_slice).unwrap_or_default();
        let mut budget = ByteBudget::new(bytes);
        let wanted = all.iter().filter(|message| message.seq > after && message.seq <= up_to);
        Some(wanted.take_while(|message| budget.spend(message)).cloned().collect())
    }

    fn commit(&mut self, messages: &mut Vec<StoredMessage>) {
        if let Some((ask, go)) = &*self.gate.lock().expect("no panic") {
            ask.send(messages.len()).expect("the test listens");
            go.recv_timeout(DEADLINE).expect("the test lets it go on");
        }
        let mut rooms = self.rooms.lock().expect("no panic");
        for message in messages.drain(..) {
            rooms.entry(message.room.to_string()).or_default().push(message);
        }
    }

    fn erase(&mut self, _: Erasure) -> Option<Vec<(Arc<str>, u64)>> {
        None
    }

    fn check(&mut self, done: Box<dyn FnOnce(Option<String>) + Send>) {
        done(None);
    }

    fn is_complete(&self) -> bool {
        true
    }

    fn begin(&mut self, _: Arc<str>, _: Arc<str>) {}

    fn queued(&self) -> usize {
        0
    }
}

/// A chat in this process, with that archive.
struct Running {
    addr: SocketAddr,
    shutdown: Handle,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    fn start(archive: &TestArchive, rules: Rules) -> Self {
        let server = Server::builder()
            .protocols(ChatServer::protocols())
            .endpoint(ChatServer::is_endpoint)
            .route(ChatServer::route)
            .listen("127.0.0.1:0")
            .and_then(|builder| builder.start())
            .expect("it starts");
        let (addr, shutdown) = (server.local_addrs()[0], server.handle());
        let chat = ChatServer::new(server, rules, Dialect::Json).archive(Box::new(archive.clone()));
        Self { addr, shutdown, thread: Some(thread::spawn(move || chat.run())) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.shut_down();
        let ended = self.thread.take().map(thread::JoinHandle::join);
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()));
    }
}

fn rules(messages: usize) -> Rules {
    let mut rules = Rules::unlimited();
    rules.room_messages = messages;
    rules
}

/// The receipt of a post says that it is stored, and its number must stay.
#[test]
fn post_is_refused_while_the_archive_does_not_answer() {
    let archive = TestArchive::default();
    archive.is_silent.store(true, Ordering::Relaxed);
    let running = Running::start(&archive, rules(500));
    let post = || {
        support::http(running.addr, "POST /room/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi").status
    };
    assert_eq!(post(), 503);
    archive.is_silent.store(false, Ordering::Relaxed);
    assert_eq!(post(), 201);
}

#[test]
fn archive_keeps_rooms_over_a_restart() {
    let archive = TestArchive::default();
    let texts: Vec<String> = (1..=30).map(|number| number.to_string()).collect();
    let first = Running::start(&archive, rules(500));
    let mut ann = Client::enter(first.addr, "/room/x");
    ann.sign_in("ann");
    texts.iter().for_each(|text| send(&mut ann, text));
    messages(&mut ann, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    drop((ann, first));

    // Few messages are in memory. The others come from the archive, in order and each once.
    let second = Running::start(&archive, rules(4));
    let mut back = Client::enter(second.addr, "/room/X?since=7&log=archive");
    let hello = back.expect("id");
    assert_eq!((&hello["seq"], &hello["log"]), (&json!(30), &json!("archive")));
    for number in 8..=30 {
        let message = back.expect("message");
        assert_eq!((&message["seq"], &message["text"]), (&json!(number), &json!(number.to_string())));
    }
    back.sign_in("ann");
    send(&mut back, "31");
    assert_eq!(back.wait_for("message")["seq"], 31);
    drop((back, second));

    // All messages come, however small the parts are.
    let mut small = rules(4);
    small.replay_bytes = 400;
    let third = Running::start(&archive, small);
    let mut late = Client::enter(third.addr, "/room/x?since=0&log=archive");
    late.expect("id");
    for number in 1..=31 {
        assert_eq!(late.expect("message")["seq"], number);
    }
    late.sign_in("bob");
    send(&mut late, "32");
    assert_eq!(late.wait_for("message")["seq"], 32);
}

/// The client missed much more than its send buffer holds, and others go on sending.
#[test]
fn megabytes_of_missed_messages_arrive_before_new_ones() {
    let archive = TestArchive::default();
    let text = "x".repeat(1000);
    let messages = (1..=8000).map(|seq| StoredMessage::new("", seq, "ann", text.as_str()));
    archive.rooms.lock().expect("no panic").insert(String::new(), messages.collect());
    let running = Running::start(&archive, rules(500));
    let mut ann = Client::enter(running.addr, "/");
    ann.sign_in("ann");
    let mut back = Client::enter(running.addr, "/?since=0");
    back.expect("id");
    for _ in 0..500 {
        send(&mut ann, "meanwhile");
    }
    for number in 1..=8500 {
        assert_eq!(back.wait_for("message")["seq"], number);
    }
}

/// An archive with so many messages in the lobby.
fn filled(last: u64) -> TestArchive {
    let archive = TestArchive::default();
    let messages = (1..=last).map(|seq| StoredMessage::new("", seq, "ann", "before"));
    archive.rooms.lock().expect("no panic").insert(String::new(), messages.collect());
    archive
}

/// A slow archive is not one that has lost messages.
#[test]
fn client_waits_for_a_silent_archive() {
    let archive = filled(30);
    let running = Running::start(&archive, rules(4));
    let mut ann = Client::enter(running.addr, "/");
    ann.sign_in("ann");
    archive.is_silent.store(true, Ordering::Relaxed);
    let mut back = Client::enter(running.addr, "/?since=7&log=archive");
    assert_eq!(back.expect("id")["seq"], 30);
    send(&mut ann, "now");
    messages(&mut ann, &["now"]);
    archive.is_silent.store(false, Ordering::Relaxed);
    for number in 8..=31 {
        assert_eq!(back.expect("message")["seq"], number);
    }
}

/// A room never begins without its history.
#[test]
fn room_opens_when_the_archive_answers() {
    let archive = filled(30);
    archive.is_silent.store(true, Ordering::Relaxed);
    let running = Running::start(&archive, rules(500));
    let mut early = Client::connect(running.addr, &["chinwag.v1"]);
    assert_eq!(early.wait_for_close(), (1013, "the history does not answer; try again later".to_owned()));
    archive.is_silent.store(false, Ordering::Relaxed);
    let mut ann = Client::enter(running.addr, "/");
    assert_eq!(ann.expect("id")["seq"], 30);
    archive.is_silent.store(true, Ordering::Relaxed);
    let mut bob = Client::enter(running.addr, "/");
    assert_eq!(bob.expect("id")["seq"], 30, "the room is open");
}

/// Neither a message, nor a Close after it, is sent before the archive has the message.
#[test]
fn nothing_is_sent_before_it_is_stored() {
    let archive = TestArchive::default();
    // User lists are sent at once.
    let mut eager = rules(500);
    eager.list_interval = 0;
    let running = Running::start(&archive, eager);
    let mut ann = Client::enter(running.addr, "/");
    ann.sign_in("ann");
    let mut quitter = Client::try_enter(running.addr, "/", &["text"], &[]).expect("it is let in");
    // Its name has the number of its connection, which is not the second one of this process.
    let is_guest = |name: &str| name.starts_with("guest-");
    ann.wait_until("the other one", |object| object["name"].as_str().is_some_and(is_guest));
    while !quitter.next_text().ends_with(" signed in") {}
    let (ask, asked) = channel();
    let (go, gone) = channel();
    *archive.gate.lock().expect("no panic") = Some((ask, gone));

    quitter.say("hello");
    assert!(asked.recv_timeout(DEADLINE).expect("a commit") > 0);
    quitter.say("/quit");
    // The commit waits. By the time that another connection is open, anything sent would have arrived.
    let probe = Client::enter(running.addr, "/");
    assert!(archive.rooms.lock().expect("no panic").is_empty());
    for client in [&ann, &quitter] {
        let mut byte = [0; 1];
        client.stream().set_nonblocking(true).expect("a socket");
        let waiting = client.stream().peek(&mut byte).map(|_| ());
        client.stream().set_nonblocking(false).expect("a socket");
        assert_eq!(waiting.map_err(|error| error.kind()), Err(std::io::ErrorKind::WouldBlock), "nothing was sent");
    }
    go.send(()).expect("it waits");
    *archive.gate.lock().expect("no panic") = None;
    messages(&mut ann, &["hello"]);
    assert_eq!(quitter.wait_for_close(), (1000, "bye".to_owned()));
    drop(probe);
}

/// A message that is sent again after a restart is not a duplicate.
#[test]
fn nonces_survive_a_restart_with_the_archive() {
    let archive = TestArchive::default();
    let line = json!({"type": "message", "text": "hi", "nonce": "n1"});
    let seqs: Vec<Value> = (0..2)
        .map(|_| {
            let running = Running::start(&archive, rules(500));
            let mut ann = Client::enter(running.addr, "/?since=0");
            ann.sign_in("ann");
            ann.say_json(&line);
            ann.wait_for("message")["seq"].clone()
        })
        .collect();
    assert_eq!(seqs, [json!(1), json!(1)]);
    assert_eq!(archive.rooms.lock().expect("no panic")[""].len(), 1);
}
