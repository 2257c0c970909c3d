//! The program that grows in nine steps, and the designs that do not work: examples/grow.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use support::example::{self, Example};
use support::frames::{self, PING, TEXT, frame, server_frame};
use support::markdown::read;
use support::{Client, DEADLINE, printed, python, run, skip};
use tungstenite::Message;

const STEPS: [&str; 9] =
    ["1_tcp_echo", "2_handshake", "3_frame", "4_mask", "5_fragments", "6_ping", "7_close", "8_threads", "9_chat"];

/// `Hello` with the mask of RFC 6455 5.7: the masked bytes are not UTF-8.
const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
const CLOSE_4000: &[u8] = b"\x88\x82\0\0\0\0\x0f\xa0";

/// Changed lines from one step to the next, without the comment at the top.
const MAX_CHANGES: usize = 45;

/// What a step adds: after a handshake, the server replies to these bytes with those.
fn abilities() -> Vec<(usize, Vec<u8>, Vec<u8>)> {
    let in_three = b"\x01\x83\0\0\0\0in \x00\x86\0\0\0\0three \x80\x86\0\0\0\0frames";
    let ping_between = [b"\x01\x83\0\0\0\0in ", &frame(PING, b"alive?")[..], b"\x80\x83\0\0\0\0two"].concat();
    vec![
        (2, vec![], vec![]),
        (3, HELLO.to_vec(), b"\x81\x05".to_vec()),
        (4, HELLO.to_vec(), b"\x81\x05Hello".to_vec()),
        (5, in_three.to_vec(), b"\x81\x0fin three frames".to_vec()),
        (5, frame(TEXT, &[b'x'; 126]), server_frame(TEXT, &[b'x'; 126])),
        (5, frame(TEXT, &[b'x'; 65_535]), server_frame(TEXT, &[b'x'; 65_535])),
        (6, frame(PING, b"alive?"), b"\x8a\x06alive?".to_vec()),
        (6, ping_between, b"\x8a\x06alive?\x81\x06in two".to_vec()),
        (7, CLOSE_4000.to_vec(), b"\x88\x02\x0f\xa0".to_vec()),
        (7, b"\x81\x05Hello and more".to_vec(), server_frame(8, b"\x03\xeaa frame without a mask")),
        (7, frame(2, b"binary"), server_frame(8, b"\x03\xeaa frame of another kind")),
    ]
}

/// Each step can do what the steps before it can do, and one thing more. The last one speaks JSON only.
#[test]
fn each_step_adds_one_ability() {
    for (step, name) in (1..).zip(&STEPS[..8]) {
        let (_example, addr) = Example::serve(&format!("grow_{name}"));
        for (added, sent, expected) in abilities() {
            let is_able = replies(addr, &sent, &expected);
            assert_eq!(is_able, step >= added, "step {step}, {:?}", sent.escape_ascii().to_string());
        }
    }
}

#[test]
fn first_step_echoes_bytes() {
    let (_example, addr) = Example::serve("grow_1_tcp_echo");
    for bytes in [&b"hello\n"[..], &[0, 255]] {
        let mut stream = connect(addr);
        stream.write_all(bytes).expect("it reads");
        assert!(begins_with(&mut stream, bytes));
    }
}

#[test]
fn request_without_a_key_ends_only_that_connection() {
    for name in &STEPS[1..] {
        let (_example, addr) = Example::serve(&format!("grow_{name}"));
        let mut stream = connect(addr);
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("it reads");
        assert_eq!(stream.read(&mut [0]).expect("a FIN"), 0, "{name}");
        assert!(open(addr).is_some(), "{name}");
    }
}

#[test]
fn second_client_waits_until_there_are_threads() {
    for (step, name) in (3..).zip(&STEPS[2..8]) {
        let (_example, addr) = Example::serve(&format!("grow_{name}"));
        let mut first = open(addr).expect("a handshake");
        let mut second = connect(addr);
        second.write_all(&frames::handshake(addr, "")).expect("the system buffers it");
        if step < 8 {
            first.write_all(HELLO).expect("it reads");
            assert!(begins_with(&mut first, b"\x81\x05"), "{name}");
            second.set_nonblocking(true).expect("an option");
            let error = second.peek(&mut [0]).expect_err("it has to wait");
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "{name}");
            second.set_nonblocking(false).expect("an option");
            drop(first);
        }
        assert!(frames::read_head(&mut second).starts_with("HTTP/1.1 101 "), "{name}");
    }
}

#[test]
fn threads_send_each_message_to_all() {
    let (_example, addr) = Example::serve("grow_8_threads");
    let [mut ann, mut bob] = [(), ()].map(|()| {
        let mut client = Client::connect(addr, &[]);
        client.say("here");
        assert_eq!(client.next_text(), "here");
        client
    });
    assert_eq!(ann.next_text(), "here");
    bob.say("hi");
    assert_eq!([ann.next_text(), bob.next_text()], ["hi", "hi"]);
    drop(bob);
    ann.send(Message::Ping("alive?".into()));
    assert_eq!(ann.try_next().expect("a reply"), Message::Pong("alive?".into()));
    assert_eq!(ann.close(4001).0, 4001);
    ann.wait_for_end();
}

#[test]
fn chat_has_the_messages_of_mdn() {
    let (_example, addr) = Example::serve("grow_9_chat");
    let [mut ann, mut bob] = [(); 2].map(|()| {
        let mut client = Client::connect(addr, &[]);
        assert!(client.expect("id")["id"].is_u64());
        client
    });
    ann.say_json(&serde_json::json!({"type": "message", "text": "before the name"}));
    for noise in ["no JSON", "[1]", "3", "{}", r#"{"type": 1}"#] {
        ann.say(noise);
    }
    assert_eq!(ann.sign_in("ann")["name"], "ann");
    assert_eq!(ann.expect("userlist")["users"], serde_json::json!(["ann"]));
    bob.wait_for("userlist");
    bob.say_json(&serde_json::json!({"type": "username", "name": "ann"}));
    assert_eq!(bob.expect("rejectusername")["name"], "ann2");
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.expect("username")["name"], "ann2");
        assert_eq!(client.expect("userlist")["users"], serde_json::json!(["ann", "ann2"]));
    }
    bob.say_json(&serde_json::json!({"type": "message", "text": "<b>hi", "date": 7, "name": "eve"}));
    for client in [&mut ann, &mut bob] {
        let message = client.expect("message");
        assert_eq!([&message["name"], &message["text"]], ["ann2", "&lt;b>hi"]);
        assert_eq!(message["date"], 7);
    }
    assert_eq!(bob.close(1000).0, 1000);
    assert_eq!(ann.expect("userlist")["users"], serde_json::json!(["ann"]));
}

/// A message is longer when it is sent than it was when it was received. One that is too long closes the client.
#[test]
fn chat_sends_long_messages() {
    let (_example, addr) = Example::serve("grow_9_chat");
    let mut ann = Client::connect(addr, &[]);
    ann.sign_in("ann");
    let text = "<".repeat(20_000);
    ann.say_json(&serde_json::json!({"type": "message", "text": text}));
    assert_eq!(ann.wait_for("message")["text"], text.replace('<', "&lt;"));
    for part in [r#"{"type": "message", "text": ""#, &text, &text, &text, &text] {
        use tungstenite::protocol::frame::{
            Frame,
            coding::{Data, OpCode},
        };
        let opcode = OpCode::Data(if part.starts_with('{') { Data::Text } else { Data::Continue });
        ann.send(Message::Frame(Frame::message(part.to_owned(), opcode, false)));
    }
    assert_eq!(ann.wait_for_close(), (1002, "a message of more than 65535 bytes".into()));
}

#[cfg_attr(windows, ignore = "under Wine, a socket accepts much more than a slow client reads")]
#[test]
fn chat_drops_a_client_that_does_not_receive() {
    let (_example, addr) = Example::serve("grow_9_chat");
    let mut ann = Client::connect(addr, &[]);
    ann.sign_in("ann");
    let mut slow = Client::connect(addr, &[]);
    slow.sign_in("slow");
    ann.wait_until("both", |object| object["users"] == serde_json::json!(["ann", "slow"]));
    let message = serde_json::json!({"type": "message", "text": "x".repeat(60_000)});
    let is_alone = |object: &serde_json::Value| object["users"] == serde_json::json!(["ann"]);
    for _ in 0..10_000 {
        ann.say_json(&message);
        let received = ann.wait_until("the own message", |object| object["type"] == "message" || is_alone(object));
        if is_alone(&received) {
            return;
        }
    }
    panic!("600 MB were sent to a client that does not receive");
}

/// What the comment at the top of a step says about the step before it, and how a connection closes.
#[test]
fn python_sees_what_the_comments_say() {
    let Some(python) = python(&["websockets.sync.client"]) else {
        return skip("no Python with websockets; set CHINWAG_PYTHON to one");
    };
    let begin = "from websockets.sync.client import connect\nwith connect('ws://127.0.0.1:9100') as ws: ";
    let close = format!("{begin}ws.send('안녕'); print(ws.recv(15)); ws.close(4000, 'bye'); print(ws.close_code)");
    let sign_in = r#"ws.recv(15); ws.send('{"type": "username", "name": "지우"}'); print(ws.recv(15)); ws.close(1000)"#;
    let signed_in = r#"{"date":null,"id":1,"name":"지우","type":"username"}"#;
    for (step, script, expected) in [
        (4, snippet("5_fragments"), "in "),
        (5, snippet("5_fragments"), "in three frames"),
        (5, snippet("6_ping").replace("wait(5)", "wait(1)"), "False"),
        (6, snippet("6_ping").replace("wait(5)", "wait(15)"), "True"),
        (6, close.clone(), "안녕\n1006"),
        (7, close.clone(), "안녕\n4000"),
        (8, close, "안녕\n4000"),
        (9, format!("{begin}{sign_in}"), signed_in),
    ] {
        let name = STEPS[step - 1];
        let (_example, addr) = Example::serve(&format!("grow_{name}"));
        let mut command = Command::new(&python);
        command.arg("-c").arg(script.replace("127.0.0.1:9100", &addr.to_string()));
        let output = run(command, 2 * DEADLINE);
        assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{expected}\n"), "{name}");
    }
}

/// The script in the comment of a step, between `python3 -c "` and `"`.
fn snippet(name: &str) -> String {
    let text = read(&format!("examples/grow/{name}.rs")).replace("\n//!           ", "\n");
    let script = text.split("python3 -c \"").nth(1).and_then(|rest| rest.split('"').next());
    script.expect("a script").to_owned()
}

#[test]
fn wrong_designs_are_wrong() {
    for (name, at_least) in [("timeout", 50), ("mutex", 200)] {
        let printed = measured(name);
        let words = printed.split("a message takes ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
        let latency: u64 = words.unwrap_or_else(|| panic!("no latency: {printed}"));
        assert!(latency >= at_least, "{name}: {printed}");
    }
}

#[cfg_attr(windows, ignore = "under Wine, a socket accepts much more than a slow client reads")]
#[test]
fn two_websockets_on_one_socket_corrupt_a_message() {
    let printed = measured("try_clone");
    assert!(printed.starts_with("corrupt: from byte ") && printed.contains("[8a"), "{printed}");
}

fn measured(name: &str) -> String {
    let command = Command::new(example::path(&format!("grow_wrong_{name}")));
    printed(&run(command, Duration::from_secs(60)))
}

#[test]
fn each_step_is_a_small_change_and_says_what_fails_without_it() {
    let files = STEPS.map(|name| read(&format!("examples/grow/{name}.rs")));
    for (step, pair) in (2..).zip(files.windows(2)) {
        let [before, after] = [&pair[0], &pair[1]].map(|text| code(text));
        let changes = changed_lines(&before, &after);
        assert!((1..=MAX_CHANGES).contains(&changes), "step {step} changes {changes} lines");
        let head: Vec<&str> = pair[1].lines().take_while(|line| line.starts_with("//!")).collect();
        let head = head.join("\n");
        let name = STEPS[step - 1];
        let run = format!("//! Run:      cargo run --example grow_{name} -- ");
        for words in
            [&format!("//! Step {step} of 9, "), &format!("//! Without:  step {} ", step - 1), "//! See it:   ", &run]
        {
            assert!(head.contains(words), "{name} does not say {words:?}: {head}");
        }
    }
    assert!(files.iter().all(|text| text.lines().count() <= 250));
    let readme = read("README.md");
    for name in STEPS.into_iter().chain(["wrong/timeout", "wrong/mutex", "wrong/try_clone"]) {
        assert!(readme.contains(&format!("(examples/grow/{name}.rs)")), "README.md has no link to {name}");
    }
}

/// The lines without the comment at the top.
fn code(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with("//!")).collect()
}

/// How many lines `diff` prints: those that are only in one of the two.
fn changed_lines(before: &[&str], after: &[&str]) -> usize {
    let mut row = vec![0; after.len() + 1]; // the longest common subsequence, up to here
    for old in before {
        let above = row.clone();
        for (at, new) in after.iter().enumerate() {
            row[at + 1] = if old == new { above[at] + 1 } else { above[at + 1].max(row[at]) };
        }
    }
    before.len() + after.len() - 2 * row[after.len()]
}

/// A green run means that changes are counted.
#[test]
fn changes_are_counted() {
    assert_eq!(changed_lines(&["a", "b", "c"], &["a", "b", "c"]), 0);
    assert_eq!(changed_lines(&["a", "b", "c"], &["a", "x", "c", "d"]), 3);
    assert_eq!(code("//! a\n\nb\n"), ["", "b"]);
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&addr, DEADLINE).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("an option");
    stream.set_write_timeout(Some(DEADLINE)).expect("an option");
    stream
}

/// A connection after the handshake, if there is one.
fn open(addr: SocketAddr) -> Option<TcpStream> {
    let mut stream = connect(addr);
    stream.write_all(&frames::handshake(addr, "")).expect("it reads");
    frames::read_head(&mut stream).starts_with("HTTP/1.1 101 ").then_some(stream)
}

/// Whether the server accepts a handshake and replies to `sent` with `expected`.
fn replies(addr: SocketAddr, sent: &[u8], expected: &[u8]) -> bool {
    let Some(mut stream) = open(addr) else { return false };
    // A step that refuses the first bytes may close before it has read the last ones.
    stream.write_all(sent).is_ok() && begins_with(&mut stream, expected)
}

/// Reads until a byte differs, or the connection ends.
fn begins_with(stream: &mut TcpStream, expected: &[u8]) -> bool {
    expected.iter().all(|byte| {
        let mut received = [0];
        match stream.read_exact(&mut received) {
            Ok(()) => received[0] == *byte,
            Err(error) => {
                assert_ne!(error.kind(), ErrorKind::WouldBlock, "no reply within {DEADLINE:?}");
                false
            }
        }
    })
}
