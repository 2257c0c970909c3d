//! Nodes with a history file of their own.

use super::*;
use support::temp::Folder;

/// Only the last messages are in memory.
const SHORT: &[&str] = &["--no-limits", "--limit", "room-messages=5"];

/// A node with a file; with an empty name, one without.
fn start(redis: &Redis, name: &str, file: &str) -> Node {
    let node = Node::start_with(redis, name, file, SHORT);
    node.server().wait_for_log("has read the whole stream");
    node
}

fn say_all(client: &mut Client, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        say(client, &format!("message {number}"));
        receive(client, &format!("message {number}"));
    }
}

/// The messages of the room, and the gaps, that a client receives who knows nothing.
fn everything(node: &Node, last: u64) -> Vec<String> {
    let mut client = Client::enter(node.server().addr(), "/room/x?since=0");
    client.expect("id");
    let mut found = Vec::new();
    while found.last() != Some(&format!("message {last}")) {
        let object = client.next_json();
        match object["type"].as_str() {
            Some("message") => found.push(object["text"].as_str().expect("a text").to_owned()),
            Some("gap") => found.push(format!("gap {}", object["missed"])),
            _ => {}
        }
    }
    found
}

fn texts(numbers: std::ops::RangeInclusive<u64>) -> Vec<String> {
    numbers.map(|number| format!("message {number}")).collect()
}

/// The file has every message that a client received, in the same order.
pub fn check_file(file: &str, transcripts: &[Transcript]) {
    let command = support::binary::command(&["history", file, "--export", "--room", "x"]);
    let output = support::script::run_to_end(command, PATIENCE);
    let objects = support::script::printed(&output);
    let objects = objects.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let stored: std::collections::BTreeMap<u64, String> = objects
        .filter(|object| object["type"] == "message")
        .map(|object| (object["seq"].as_u64().expect("a number"), object["text"].as_str().expect("a text").to_owned()))
        .collect();
    for Transcript { name, messages, .. } in transcripts {
        for (_, seq, text) in messages {
            assert_eq!(stored.get(seq), Some(text), "{name} has received message {seq}");
        }
    }
}

#[test]
fn file_of_a_node_has_what_is_said_on_all() {
    let (Some(redis), folder) = (redis("cluster-file"), Folder::new("cluster-file-history")) else { return };
    let file = folder.path("chat.db");
    let (one, two) = (start(&redis, "a", &file), start(&redis, "b", ""));
    let (mut ann, mut bob) = (one.enter("ann"), two.enter("bob"));
    say_all(&mut ann, 1..=10);
    say_all(&mut bob, 11..=20);
    receive(&mut ann, "message 20");
    assert_eq!(everything(&one, 20), texts(1..=20));
    let gap = vec!["gap 15".to_owned()];
    assert_eq!(everything(&two, 20), [gap, texts(16..=20)].concat(), "it has no file");

    // What is said while the node is away is in its file as far as the stream has it.
    drop((ann, one));
    say_all(&mut bob, 21..=40);
    let one = start(&redis, "a", &file);
    assert_eq!(everything(&one, 40), texts(1..=40));
    assert_eq!(post(&one, "message 41"), 201);
    receive(&mut bob, "message 41");
}

/// `chinwag history` prints everything, also what is not sent any more.
fn printed(file: &str) -> String {
    let output = support::script::run_to_end(support::binary::command(&["history", file]), PATIENCE);
    support::script::printed(&output)
}

#[test]
fn emptied_redis_begins_another_numbering_and_the_file_keeps_the_first() {
    let (Some(redis), folder) = (redis("cluster-begin"), Folder::new("cluster-begin-history")) else { return };
    let file = folder.path("chat.db");
    let one = start(&redis, "a", &file);
    say_all(&mut one.enter("ann"), 1..=10);
    drop(one);
    redis.command("FLUSHALL");
    let (one, two) = (start(&redis, "a", &file), start(&redis, "b", ""));
    say_all(&mut two.enter("bob"), 11..=30);
    // Numbers begin at 1 again.
    assert_eq!(everything(&one, 30), texts(11..=30));
    drop(one);
    let printed = printed(&file);
    assert!((1..=30).all(|number| printed.contains(&format!("message {number}\n"))), "{printed}");
}

/// Redis loses its data while nodes run: they have the messages in memory.
#[test]
fn new_name_of_a_numbering_keeps_what_is_in_memory() {
    let (Some(redis), folder) = (redis("cluster-renumber"), Folder::new("cluster-renumber-history")) else { return };
    let file = folder.path("chat.db");
    let (one, two) = (start(&redis, "a", &file), start(&redis, "b", ""));
    let (mut ann, mut bob) = (one.enter("ann"), two.enter("bob"));
    say_all(&mut ann, 1..=10);
    receive(&mut bob, "message 10");
    redis.command("FLUSHALL");
    bob.wait_until("the new name", |object| object["type"] == "id");
    say_all(&mut bob, 11..=30);
    let found = everything(&one, 30);
    assert_eq!(found, [vec!["gap 5".to_owned()], texts(6..=30)].concat());
    let printed = printed(&file);
    assert!((1..=30).all(|number| printed.contains(&format!("message {number}\n"))), "{printed}");
}

/// The file of a server that ran alone has nothing to do with the cluster.
#[test]
fn file_of_a_server_alone_is_kept_aside() {
    let (Some(redis), folder) = (redis("cluster-alone"), Folder::new("cluster-alone-history")) else { return };
    let file = folder.path("chat.db");
    let alone = start_binary(&["--history", &file, "--no-limits"]);
    let mut eve = Client::enter(alone.addr(), "/room/x");
    eve.sign_in("eve");
    (1..=15).for_each(|number| {
        say(&mut eve, &format!("secret {number}"));
        receive(&mut eve, &format!("secret {number}"));
    });
    drop((eve, alone));
    let two = start(&redis, "b", "");
    say_all(&mut two.enter("bob"), 1..=20);
    let one = start(&redis, "a", &file);
    // Memory begins with message 16, the number after the last one of the file.
    say_all(&mut one.enter("ann"), 21..=22);
    let found = everything(&one, 22);
    assert!(found.iter().all(|text| !text.contains("secret")), "{found:?}");
    assert!(printed(&file).contains("secret 15"));
}

/// The text must not come back with the stream, and what she says later stays.
#[test]
fn forgotten_messages_stay_forgotten_after_a_restart() {
    let (Some(redis), folder) = (redis("cluster-forget"), Folder::new("cluster-forget-history")) else { return };
    let (file, admin) = (folder.path("chat.db"), format!("unix:{}", folder.path("admin.sock")));
    let mut one = Node { name: "a".to_owned(), wire: Wire::to(&redis), server: None, file };
    let args = [SHORT, &["--admin", &admin]].concat();
    one.restart(&args);
    one.server().wait_for_log("has read the whole stream");
    let mut ann = one.enter("ann");
    say_all(&mut ann, 1..=9);
    let forget = support::binary::command(&["ctl", "--admin", &admin, "forget", "ann"]);
    let output = support::script::run_to_end(forget, PATIENCE);
    let answer = support::script::printed(&output);
    assert!(answer.starts_with("Messages deleted: 5. All servers execute this now."), "{answer}");
    say_all(&mut ann, 10..=19);
    drop(ann);
    for _ in 0..2 {
        assert_eq!(everything(&one, 19), texts(10..=19));
        one.server = None;
        one.restart(&args);
        one.server().wait_for_log("has read the whole stream");
    }
}

/// A node reads the stream again at each start: two numberings of the room.
#[test]
fn room_that_was_forgotten_has_one_row_for_each_numbering() {
    let (Some(redis), folder) = (redis("cluster-evicted"), Folder::new("cluster-evicted-history")) else { return };
    let file = folder.path("chat.db");
    let few = [SHORT, &["--limit", "rooms=3"]].concat();
    let mut one = Node::start_with(&redis, "a", &file, &few);
    one.server().wait_for_log("has read the whole stream");
    say_all(&mut one.enter("ann"), 1..=9);
    for room in 0..4 {
        let mut client = Client::enter(one.server().addr(), &format!("/room/{room}"));
        client.sign_in("ann");
        say(&mut client, "other");
        receive(&mut client, "other");
    }
    say_all(&mut one.enter("ann"), 10..=19);
    for _ in 0..3 {
        assert_eq!(everything(&one, 19), texts(10..=19));
        one.server = None;
        one.restart(&few);
        one.server().wait_for_log("has read the whole stream");
    }
    let printed = printed(&file);
    for number in 1..=19 {
        assert_eq!(printed.matches(&format!("message {number}\n")).count(), 1, "{printed}");
    }
}
