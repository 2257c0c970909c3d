//! Each example as a process of its own: what it prints and replies. Also the echo server of the README.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use support::example::Example;
use support::markdown::{ROOT, check_quotes, read};
use support::raw::get;
use support::{Client, DEADLINE, python, run, skip, wait_until};
use tungstenite::Message;

/// The handshake and the frame that RFC 6455 has as examples (1.2, 5.7), then a Close with 4000.
const REQUEST: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const HELLO: [u8; 11] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
const CLOSE: [u8; 8] = [0x88, 0x82, 0x10, 0x20, 0x30, 0x40, 0x1f, 0x80];

/// Examples that are clearer with more than 60 lines.
const LONGER: [(&str, usize); 3] = [("00_chat", 120), ("01_handshake", 100), ("14_sse", 100)];

/// Input of the example with the rules. docs/course quotes its output.
const TYPED: &str = "1 join\n2 join\n1 /name ann\n2 /msg ann hi\n1 hello\n2 leave\n";

/// The echo server of README.md and src/lib.rs (tests/docs.rs compares them).
mod echo_server {
    include!("support/echo_server.rs");

    pub(super) fn run() -> Result<(), chinwag::Error> {
        main()
    }
}

#[test]
fn examples_are_short_and_have_a_header_that_explains_how_to_run_them() {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(format!("{ROOT}/examples")).expect("a folder") {
        let name = entry.expect("a readable folder").file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".rs") else { continue };
        let text = read(&format!("examples/{name}"));
        let lines: Vec<&str> = text.lines().collect();
        let most = LONGER.iter().find(|(longer, _)| *longer == stem).map_or(60, |(_, most)| *most);
        assert!(lines.len() <= most, "{name} has {} lines", lines.len());
        let header = lines.iter().take_while(|line| line.starts_with("//!")).copied().collect::<Vec<_>>().join("\n");
        let run = format!("--example {stem}");
        assert!(
            header.contains("//! Run:      cargo run ") && header.contains(&run),
            "{name} has no line `{run}`: {header}"
        );
        assert!(header.contains("//! Look at:  "), "{name} has no line `Look at:`: {header}");
        assert!(read("README.md").contains(&format!("(examples/{name})")), "README.md has no link to {name}");
        names.insert(name);
    }
    assert!(names.len() >= 7, "{names:?}");
}

#[test]
fn handshake_example_prints_each_step() {
    let (example, addr) = Example::serve("01_handshake");
    let mut stream = connect(addr);
    stream.write_all(REQUEST.as_bytes()).expect("it reads");
    expect(&mut stream, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    expect(&mut stream, b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    stream.write_all(&HELLO).expect("it reads");
    expect(&mut stream, b"\x81\x05Hello");
    stream.write_all(&CLOSE).expect("it reads");
    expect(&mut stream, b"\x88\x02\x0f\xa0");
    assert_eq!(stream.read(&mut [0]).expect("a FIN, not a reset"), 0);
    let mut lines = (0..20).map(|_| example.next_line() + "\n");
    let (handshake, frames): (String, String) = (lines.by_ref().take(10).collect(), lines.collect());
    let printed = |source: &str| match source {
        "01_handshake handshake" => Some(handshake.clone()),
        "01_handshake frames" => Some(frames.clone()),
        _ => None,
    };
    assert_eq!(check_quotes("printed", printed), 4);
}

#[test]
fn handshake_example_survives_a_frame_without_a_mask() {
    let (example, addr) = Example::serve("01_handshake");
    let mut stream = connect(addr);
    stream.write_all(&[REQUEST.as_bytes(), b"\x81\x05Hello"].concat()).expect("it reads");
    while !example.next_line().starts_with("connection failed: not masked") {}
    let mut client = Client::connect(addr, &[]);
    client.say("hi");
    assert_eq!(client.next_text(), "hi");
    assert_eq!(client.close(1000).0, 1000);
}

#[test]
fn echo_example_replies() {
    let (_example, addr) = Example::serve("02_echo");
    let mut client = Client::connect(addr, &[]);
    client.say("hi");
    assert_eq!(client.next_text(), "hi");
    echo_with_python(&format!("ws://{addr}/"), &[]);
}

#[test]
fn readme_echo_server_replies() {
    let addr = SocketAddr::from(([127, 0, 0, 1], 9000));
    if TcpListener::bind(addr).is_err() {
        return skip("port 9000, which the README's echo server uses, is taken");
    }
    std::thread::spawn(echo_server::run);
    wait_until(DEADLINE, "the echo server listens", || TcpStream::connect(addr).is_ok());
    echo_with_python(&format!("ws://{addr}/"), &[]);
}

#[test]
fn broadcast_example_sends_to_all_peers() {
    let (_example, addr) = Example::serve("03_broadcast");
    // Each client gets a reply before the next one connects, so their numbers are 1 and 2.
    let [mut ann, mut bob] = [(), ()].map(|()| {
        let mut client = Client::connect(addr, &[]);
        client.say("here");
        while client.next_text() != "here" {}
        client
    });
    assert_eq!([ann.next_text(), ann.next_text()], ["from 2:", "here"]);
    ann.say("hi");
    for client in [&mut ann, &mut bob] {
        assert_eq!([client.next_text(), client.next_text()], ["from 1:", "hi"]);
    }
    drop(ann);
    assert_eq!(bob.next_text(), "1 left: lost without a Close frame");
}

#[test]
fn rules_example_prints_the_outputs() {
    let printed = Example::start("04_rules", &[]).finish(TYPED).join("\n") + "\n";
    assert!(printed.contains("to all: ann: hello"), "{printed}");
    assert_eq!(check_quotes("printed", |source| (source == "04_rules").then(|| printed.clone())), 1);
    assert_eq!(Example::start("04_rules", &[]).finish("nonsense\n").len(), 1);
}

#[test]
fn chat_example_limits_the_text() {
    let (_example, addr) = Example::serve("05_chat");
    let page = get(addr, "/");
    assert_eq!(page.status, 200);
    let mut ann = Client::connect(addr, &["chinwag.v1"]);
    ann.sign_in("ann");
    ann.say_json(&serde_json::json!({"type": "message", "text": "x".repeat(141)}));
    assert_eq!(ann.wait_for("error")["reason"], "too-long");
    ann.say_json(&serde_json::json!({"type": "message", "text": "x".repeat(140)}));
    ann.wait_for("message");
}

#[test]
fn subprotocol_is_the_first_one_that_the_server_knows() {
    let (_example, addr) = Example::serve("06_subprotocols");
    for (offered, chosen, reply) in
        [(&["morse", "upper", "reverse"][..], "upper", "ABC"), (&["reverse", "upper"], "reverse", "cba")]
    {
        let mut client = Client::connect(addr, offered);
        assert_eq!(client.protocol(), Some(chosen));
        client.say("abc");
        assert_eq!(client.next_text(), reply);
        client.send(Message::binary(vec![1]));
        assert_eq!(client.wait_for_close().0, 1003);
    }
    let mut client = Client::connect(addr, &[]);
    assert_eq!(client.wait_for_close(), (4000, "ask for upper or reverse".into()));
}

#[test]
fn own_protocol_example_sends_strokes_to_all_and_the_board_to_new_clients() {
    let (_example, addr) = Example::serve("09_own_protocol");
    assert!(get(addr, "/").body.starts_with(b"<!doctype html>"));
    let [mut ann, mut bob] = [(), ()].map(|()| Client::connect(addr, &[]));
    let stroke = Message::binary((1..=8).collect::<Vec<u8>>());
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.try_next().expect("the board"), Message::binary(vec![]));
    }
    ann.send(stroke.clone());
    ann.send(stroke.clone());
    for client in [&mut ann, &mut bob] {
        assert_eq!([(); 2].map(|()| client.try_next().expect("a stroke")), [stroke.clone(), stroke.clone()]);
    }
    let mut late = Client::connect(addr, &[]);
    assert_eq!(late.try_next().expect("the board").len(), 16);
    ann.send(Message::binary(vec![1, 2, 3]));
    assert_eq!(ann.wait_for_close().0, 1007);
    bob.say("no");
    assert_eq!(bob.wait_for_close().0, 1003);
}

#[cfg(feature = "history")]
#[test]
fn history_example_keeps_messages_after_kill_9() {
    let folder = support::temp::Folder::new("example-history");
    let file = folder.path("chat.db");
    let (example, addr) = Example::serve_with("11_history", &[&file]);
    let mut ann = Client::connect(addr, &["chinwag.v1"]);
    ann.sign_in("ann");
    ann.say_json(&serde_json::json!({"type": "message", "text": "remember me"}));
    assert_eq!(ann.wait_for("message")["seq"], 1);
    drop(example);
    let (_example, addr) = Example::serve_with("11_history", &[&file]);
    let mut bob = Client::connect(addr, &["chinwag.v1"]);
    assert_eq!(bob.expect("id")["seq"], 1);
    assert_eq!(bob.expect("message")["text"], "remember me");
}

/// The error is one readable line, and the file is unchanged.
#[cfg(feature = "history")]
#[test]
fn history_example_rejects_a_file_that_is_not_a_database() {
    let folder = support::temp::Folder::new("example-no-history");
    let file = folder.path("diary.txt");
    fs::write(&file, "my diary").expect("written");
    let error = Example::fail("11_history", &["127.0.0.1:0", &file]);
    assert!(error.contains(&format!("{file}: it is not a SQLite database")) && !error.contains('"'), "{error}");
    assert_eq!(fs::read_to_string(&file).expect("text"), "my diary");
}

#[cfg(feature = "tls")]
#[test]
fn tls_example_replies_and_rejects_a_missing_key() {
    let pem = format!("{}/example-tls-{}.pem", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    chinwag::tls::self_signed(pem.as_ref(), &["127.0.0.1".into()]).expect("a certificate");
    let (_example, addr) = Example::serve_with("10_tls", &[&pem, &pem]);
    echo_with_python(&format!("wss://{addr}/"), &[("SSL_CERT_FILE", &pem)]);
    let both = fs::read_to_string(&pem).expect("PEM");
    fs::write(&pem, both.split("-----BEGIN PRIVATE").next().expect("the first part")).expect("written");
    let error = Example::fail("10_tls", &["127.0.0.1:0", &pem]);
    assert!(error.contains("there is no private key in it"), "a certificate without a key: {error}");
    fs::remove_file(pem).expect("it is there");
}

#[test]
fn duplex_example_echoes_and_sends_ticks() {
    let (_example, addr) = Example::serve("12_duplex");
    let mut client = Client::connect(addr, &[]);
    assert_eq!(client.next_text(), "tick");
    client.say("hi");
    let (mut echoed, mut ticked) = (false, false);
    while !(echoed && ticked) {
        match client.next_text().as_str() {
            "hi" => echoed = true,
            other => ticked = other == "tick",
        }
    }
    assert_eq!(client.close(1000).0, 1000);
}

fn echo_with_python(url: &str, environment: &[(&str, &str)]) {
    let Some(python) = python(&["websockets.sync.client"]) else {
        return skip("no Python with websockets; set CHINWAG_PYTHON to one");
    };
    let mut command = Command::new(python);
    command.arg(format!("{ROOT}/tests/python/echo_client.py")).arg(url).envs(environment.iter().copied());
    run(command, Duration::from_secs(30));
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    stream
}

#[track_caller]
fn expect(stream: &mut TcpStream, expected: &[u8]) {
    let mut received = vec![0; expected.len()];
    stream.read_exact(&mut received).expect("enough bytes");
    assert_eq!(received.escape_ascii().to_string(), expected.escape_ascii().to_string());
}
