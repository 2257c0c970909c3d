//! Several nodes and a real Redis: one chat, whatever is killed.
#![allow(unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod balancer;
mod crowd;
#[cfg(feature = "history")]
mod history;
mod redis;

use crowd::{END, PATIENCE, Place, Transcript, check, check_numbers};
use redis::{Redis, Wire};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use support::{Chinwag, Client, skip, start_binary, wait_until};

/// A message that is sent again is known by its nonce as long as it is in memory: all of them are.
const LIMITS: &[&str] =
    &["--no-limits", "--limit", "room-messages=100000", "--limit", "room-bytes=64m", "--limit", "history=64m"];

/// A node, and its own wire to Redis.
struct Node {
    name: String,
    wire: Wire,
    server: Option<Chinwag>,
    /// Its history, if it has one.
    file: String,
}

impl Node {
    fn start(redis: &Redis, name: &str) -> Node {
        Node::start_with(redis, name, "", LIMITS)
    }

    fn start_with(redis: &Redis, name: &str, file: &str, limits: &[&str]) -> Node {
        let mut node = Node { name: name.to_owned(), wire: Wire::to(redis), server: None, file: file.to_owned() };
        node.restart(limits);
        node
    }

    fn restart(&mut self, args: &[&str]) {
        let url = self.wire.url();
        let history: &[&str] = if self.file.is_empty() { &[] } else { &["--history", &self.file] };
        let args = [&["--cluster", &url, "--node", &self.name], history, args].concat();
        self.server = Some(start_binary(&args));
    }

    fn server(&self) -> &Chinwag {
        self.server.as_ref().expect("it runs")
    }

    fn enter(&self, name: &str) -> Client {
        let mut client = Client::enter(self.server().addr(), "/room/x");
        client.expect("id");
        client.sign_in(name);
        client
    }
}

fn redis(name: &str) -> Option<Redis> {
    let redis = Redis::start(name);
    if redis.is_none() {
        skip("redis-server is not installed");
    }
    redis
}

fn say(client: &mut Client, text: &str) {
    client.say_json(&json!({"type": "message", "text": text, "nonce": text}));
}

#[track_caller]
fn receive(client: &mut Client, text: &str) -> serde_json::Value {
    client.wait_until(text, |object| object["text"] == text)
}

/// 60 clients and 3 nodes, by default.
struct Crowd {
    place: Arc<Place>,
    clients: Vec<JoinHandle<Transcript>>,
    nodes: Vec<Node>,
}

impl Crowd {
    fn start(redis: &Redis) -> Crowd {
        let mut crowd = Crowd::without_clients(redis, Duration::from_millis(200));
        crowd.publish();
        crowd.add_clients(60);
        crowd
    }

    fn without_clients(redis: &Redis, pause: Duration) -> Crowd {
        // Only one of them has a file.
        let file = if cfg!(feature = "history") { redis.path("chat.db") } else { String::new() };
        let nodes = [("a", &*file), ("b", ""), ("c", "")];
        let nodes = nodes.iter().map(|(name, file)| Node::start_with(redis, name, file, LIMITS)).collect();
        Crowd { place: Arc::new(Place { pause, ..Place::default() }), clients: Vec::new(), nodes }
    }

    fn add_clients(&mut self, count: usize) {
        self.clients = (0..count).map(|number| crowd::start(&self.place, number)).collect();
    }

    /// Tells the clients which nodes there are.
    fn publish(&self) {
        let running = self.nodes.iter().filter_map(|node| node.server.as_ref()).map(Chinwag::addr);
        *self.place.nodes.lock().expect("no panic") = running.collect();
    }

    /// Waits until so many more messages are confirmed.
    fn wait_for_messages(&self, count: u64) {
        let start = self.place.confirmed.load(SeqCst);
        wait_until(PATIENCE, "messages", || self.place.confirmed.load(SeqCst) >= start + count);
    }

    fn kill(&mut self, number: usize) {
        self.nodes[number].server = None;
        self.publish();
        self.wait_for_messages(100);
        self.nodes[number].restart(LIMITS);
        self.publish();
    }

    /// Ends the clients, when all have everything.
    fn end(self) -> Vec<Transcript> {
        self.place.is_over.store(true, SeqCst);
        let mut last = self.nodes[0].enter("last");
        say(&mut last, END);
        receive(&mut last, END);
        self.clients.into_iter().map(|client| client.join().expect("a client that got what it should")).collect()
    }
}

/// How often something is killed. More often by hand: `CHINWAG_ROUNDS=20`.
fn rounds() -> usize {
    std::env::var("CHINWAG_ROUNDS").map_or(3, |rounds| rounds.parse().expect("a number"))
}

#[test]
fn clients_have_one_transcript_while_nodes_redis_and_connections_die() {
    let Some(mut redis) = redis("cluster-kills") else { return };
    let mut crowd = Crowd::start(&redis);
    for round in 0..rounds() {
        crowd.wait_for_messages(300);
        crowd.kill((round * 2) % 3);
        crowd.wait_for_messages(200);
        match round % 3 {
            0 => {
                let node = &crowd.nodes[(round / 3) % 3];
                node.wire.drop_silently(true);
                node.server().wait_for_log("the connection to Redis is lost");
                node.wire.drop_silently(false);
            }
            1 => {
                redis.stop();
                crowd.nodes.iter().for_each(|node| drop(node.server().wait_for_log("the connection to Redis is lost")));
                redis.restart();
            }
            _ => crowd.nodes[(round / 3) % 3].wire.cut(),
        }
    }
    crowd.wait_for_messages(300);
    let transcripts = crowd.end();
    #[cfg(feature = "history")]
    history::check_file(&redis.path("chat.db"), &transcripts);
    check(&transcripts);
    let gaps: Vec<_> = transcripts.iter().flat_map(|transcript| &transcript.gaps).collect();
    assert!(gaps.is_empty(), "nothing was lost, but there are gaps: {gaps:?}");
    let refused: usize = transcripts.iter().map(|transcript| transcript.refused.len()).sum();
    eprintln!(
        "{} messages, {refused} refused",
        transcripts.iter().map(|transcript| transcript.sent.len()).sum::<usize>()
    );
}

#[test]
fn emptied_redis_gives_new_numberings() {
    let Some(mut redis) = redis("cluster-emptied") else { return };
    let mut crowd = Crowd::start(&redis);
    crowd.wait_for_messages(300);
    redis.lose_data();
    redis.restart();
    crowd.wait_for_messages(600);
    redis.command("FLUSHALL");
    crowd.wait_for_messages(600);
    crowd.kill(1);
    let transcripts = crowd.end();
    check(&transcripts);
    for transcript in &transcripts {
        let logs = transcript.messages.iter().map(|(log, _, _)| log);
        let logs: std::collections::BTreeSet<_> = logs.collect();
        assert!(logs.len() >= 3, "{} has seen {logs:?}", transcript.name);
    }
}

/// As after a failover to a replica that was behind.
#[test]
fn lost_entries_give_new_numberings() {
    let Some(mut redis) = redis("cluster-lost") else { return };
    let crowd = Crowd::start(&redis);
    crowd.wait_for_messages(300);
    redis.copy_data();
    crowd.wait_for_messages(300);
    redis.lose_newest_data();
    redis.restart();
    crowd.wait_for_messages(600);
    let transcripts = crowd.end();
    check_numbers(&transcripts);
    for Transcript { name, gaps, .. } in &transcripts {
        assert!(gaps.contains(&0), "{name} has lost messages and was not told so: {gaps:?}");
    }
}

#[test]
fn without_redis_users_stay_and_messages_wait() {
    let Some(mut redis) = redis("cluster-away") else { return };
    let (one, two) = (Node::start(&redis, "a"), Node::start(&redis, "b"));
    let (mut ann, mut bob) = (one.enter("ann"), two.enter("bob"));
    say(&mut ann, "before");
    receive(&mut bob, "before");
    let readiness = || support::raw::get(one.server().addr(), "/readyz").status;
    wait_until(PATIENCE, "the node is ready", || readiness() == 200);
    redis.stop();
    one.server().wait_for_log("the connection to Redis is lost");
    two.server().wait_for_log("the connection to Redis is lost");
    for client in [&mut ann, &mut bob] {
        client.say_json(&json!({"type": "ping"}));
        client.wait_for("pong");
    }
    wait_until(PATIENCE, "the node notices that it is not ready", || readiness() == 503);
    // More than may wait. What is refused is refused by its nonce, and everything else waits.
    let long = "x".repeat(60_000);
    let mut sent: Vec<String> = Vec::new();
    for number in 0..100 {
        let nonce = format!("n{number}");
        ann.say_json(&json!({"type": "message", "text": format!("{number} {long}"), "nonce": nonce}));
        sent.push(nonce);
    }
    ann.say_json(&json!({"type": "ping"}));
    let mut refused = Vec::new();
    loop {
        let object = ann.next_json();
        match object["type"].as_str() {
            Some("pong") => break,
            Some("error") => refused.push(object["nonce"].as_str().expect("a nonce").to_owned()),
            _ => {}
        }
    }
    assert!(refused.len() > 10 && refused.len() < 60, "{} of {} were refused", refused.len(), sent.len());
    redis.restart();
    wait_until(PATIENCE, "the node is ready again", || readiness() == 200);
    let waited: Vec<String> = sent.into_iter().filter(|nonce| !refused.contains(nonce)).collect();
    for nonce in &waited {
        let number = format!("{} ", &nonce[1..]);
        let is_next = |object: &serde_json::Value| object["type"] == "message";
        assert!(bob.wait_until("a message", is_next)["text"].as_str().expect("a text").starts_with(&number));
        assert_eq!(ann.wait_until("a message", is_next)["nonce"], **nonce);
    }
    say(&mut bob, "after");
    receive(&mut ann, "after");
    assert_eq!(post(&one, "posted"), 201);
    for client in [&mut ann, &mut bob] {
        receive(client, "posted");
    }
}

/// Posts a message as a script does. Returns the status.
fn post(node: &Node, text: &str) -> u16 {
    let head = format!("Host: localhost\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len());
    support::http(node.server().addr(), &format!("POST /room/x HTTP/1.1\r\n{head}")).status
}

#[test]
fn user_of_a_dead_node_comes_back_on_another_one() {
    let Some(redis) = redis("cluster-dead") else { return };
    let (mut one, two) = (Node::start(&redis, "a"), Node::start(&redis, "b"));
    let mut bob = two.enter("bob");
    let mut ann = Client::enter(one.server().addr(), "/room/x");
    let id = ann.expect("id");
    ann.sign_in("ann");
    say(&mut ann, "hello");
    let seq = receive(&mut bob, "hello")["seq"].clone();
    one.server = None;
    // For the others she leaves when the lease of her node ends, also while they are busy.
    let (addr, is_over) = (two.server().addr(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut carl = Client::enter(addr, "/room/y");
            carl.sign_in("carl");
            while !is_over.load(SeqCst) {
                say(&mut carl, "busy");
                receive(&mut carl, "busy");
            }
        });
        bob.wait_until("the list without ann", |object| object["users"] == json!(["bob"]));
        is_over.store(true, SeqCst);
    });
    say(&mut bob, "missed");
    receive(&mut bob, "missed");
    let target = format!("/room/x?since={seq}&log={}", id["log"].as_str().expect("a name"));
    let mut ann = Client::enter(two.server().addr(), &target);
    ann.expect("id");
    assert_eq!(ann.wait_for("message")["text"], "missed", "and no gap");
    ann.say_json(&json!({"type": "username", "name": "ann", "resume": id["resume"]}));
    assert_eq!(ann.wait_for("username")["was"], id["id"]);
}

/// A node that the others have given up gets a new number, and its clients connect again.
#[test]
fn node_that_was_cut_off_comes_back() {
    let Some(redis) = redis("cluster-cut") else { return };
    let (one, two) = (Node::start(&redis, "a"), Node::start(&redis, "b"));
    let (mut ann, mut bob) = (one.enter("ann"), two.enter("bob"));
    one.wire.drop_silently(true);
    two.server().wait_for_log("is gone");
    bob.wait_until("the list without ann", |object| object["users"] == json!(["bob"]));
    one.wire.drop_silently(false);
    assert_eq!(ann.wait_for_close().0, 1012);
    let addr = one.server().addr();
    let mut client = None;
    wait_until(PATIENCE, "the node lets a client in", || {
        let mut candidate = Client::enter(addr, "/room/x");
        let is_in = matches!(candidate.try_next(), Ok(tungstenite::Message::Text(_)));
        client = is_in.then_some(candidate);
        is_in
    });
    let mut ann = client.expect("a client that was let in");
    ann.sign_in("ann2");
    say(&mut ann, "again");
    receive(&mut bob, "again");
}

#[test]
fn node_with_other_limits_does_not_start() {
    let Some(redis) = redis("cluster-limits") else { return };
    let one = Node::start(&redis, "a");
    let url = one.wire.url();
    let command = support::binary::command(&["--listen", "127.0.0.1:0", "--cluster", &url, "--limit", "text=7"]);
    let output = support::script::run_to_end(command, PATIENCE);
    let printed = support::script::printed(&output);
    assert_eq!(output.status.code(), Some(2), "{printed}");
    assert!(printed.contains("\"text_chars: 7\"") && printed.contains("the same version and limits"), "{printed}");
}

#[test]
fn bans_of_a_file_are_refused_and_no_file_is_made() {
    let folder = support::temp::Folder::new("cluster-bans");
    let file = folder.path("bans.txt");
    let command = support::binary::command(&["--cluster", "redis://127.0.0.1:1/", "--bans", &file]);
    let output = support::script::run_to_end(command, PATIENCE);
    let printed = support::script::printed(&output);
    assert!(output.status.code() == Some(2) && printed.contains("--bans is for one server alone"), "{printed}");
    assert!(!std::path::Path::new(&file).exists());
}

#[test]
fn second_node_of_a_name_replaces_the_first() {
    let Some(redis) = redis("cluster-name") else { return };
    let mut one = Node::start(&redis, "a");
    let mut ann = one.enter("ann");
    let _two = Node::start(&redis, "a");
    assert_eq!(ann.wait_for_close().0, 1001);
    let (status, log) = one.server.take().expect("it ran").wait_for_exit(PATIENCE);
    assert!(status.success() && log.iter().any(|line| line.contains("another node has the name \"a\"")), "{log:?}");
}

/// The stream does not grow, and a node that joins has everything that the others have.
#[test]
fn snapshot_replaces_the_entries_before_it() {
    let Some(redis) = redis("cluster-snapshot") else { return };
    let one = Node::start(&redis, "a");
    let mut ann = one.enter("ann");
    let length = || {
        let answer = redis.command("XLEN chinwag:log");
        answer.trim_start_matches(':').lines().next().and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    let mut most = 0;
    let mut sent = 0;
    wait_until(PATIENCE, "the stream is trimmed", || {
        for _ in 0..500 {
            sent += 1;
            ann.say_json(&json!({"type": "message", "text": format!("message {sent}")}));
        }
        receive(&mut ann, &format!("message {sent}"));
        let is_trimmed = length() + 100 < most;
        most = most.max(length());
        is_trimmed
    });
    let two = Node::start(&redis, "b");
    let mut bob = Client::enter(two.server().addr(), &format!("/room/x?since={}", sent - 300));
    bob.expect("id");
    for number in sent - 300 + 1..=sent {
        assert_eq!(bob.wait_for("message")["text"], format!("message {number}"));
    }
    bob.sign_in("bob");
    say(&mut bob, "here");
    receive(&mut ann, "here");
}
