//! Streams of rooms over HTTP: server-sent events, JSON lines, and lines of text.

mod support;

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::thread;
use support::stream::{Stream, posted};
use support::{Client, start_binary, wait_until};

const SSE: &str = "Accept: text/event-stream";
const NDJSON: &str = "Accept: text/html;q=0, application/x-ndjson";

/// Messages of each sender, and senders.
const EACH: usize = 25;
const SENDERS: usize = 4;

fn seq_and_text(object: &Value) -> (u64, String) {
    (object["seq"].as_u64().expect("a number"), object["text"].as_str().expect("a text").to_owned())
}

/// WebSocket in three subprotocols and streams in three formats, while users and scripts send.
#[test]
fn room_is_the_same_in_every_format() {
    let server = start_binary(&["--no-limits"]);
    let (addr, path) = (server.addr(), "/room/kitchen");
    let mut sse = Stream::open(addr, path, &[SSE]);
    let mut ndjson = Stream::open(addr, path, &[NDJSON]);
    let mut lines = Stream::open(addr, "/room/kitchen?format=text", &[]);
    assert_eq!(sse.event().data["type"], "id");
    assert_eq!(serde_json::from_str::<Value>(&ndjson.line()).expect("JSON")["type"], "id");
    let mut page = Client::enter(addr, path);
    let mut old = Client::try_enter(addr, path, &["json"], &[]).expect("a connection");
    page.sign_in("ann");
    old.sign_in("bob");
    // This line comes when the stream has begun.
    let first = posted(addr, path, "first");
    assert_eq!(lines.line(), "guest: first");
    let senders: Vec<_> = (0..SENDERS).map(|sender| thread::spawn(move || send(addr, sender))).collect();
    senders.into_iter().for_each(|sender| sender.join().expect("all are sent"));

    let count = (SENDERS * EACH + 1) as u64;
    let expected: Vec<(u64, String)> = (0..count).map(|_| seq_and_text(&page.wait_for("message"))).collect();
    assert!(expected.iter().map(|(seq, _)| *seq).eq(first..first + count), "{expected:?}");
    let old: Vec<_> = (0..count).map(|_| seq_and_text(&old.wait_for("message"))).collect();
    assert_eq!(old, expected, "json");
    for message in &expected {
        let event = sse.event();
        assert_eq!(
            (event.name.as_str(), event.id, seq_and_text(&event.data)),
            ("message", Some(message.0), message.clone())
        );
        let object: Value = serde_json::from_str(&ndjson.line()).expect("JSON");
        assert_eq!((seq_and_text(&object), &object), (message.clone(), &event.data), "NDJSON");
        if message.0 > first {
            assert!(lines.line().ends_with(&format!(": {}", message.1)), "text");
        }
    }
}

/// Two senders use WebSockets, the others post.
fn send(addr: SocketAddr, sender: usize) {
    let text = |nth: usize| format!("{sender} {nth}");
    if sender >= 2 {
        for nth in 0..EACH {
            posted(addr, "/room/kitchen?name=sensor", &text(nth));
        }
        return;
    }
    let mut client = Client::enter(addr, "/room/kitchen");
    client.sign_in("user");
    (0..EACH).for_each(|nth| client.say_json(&json!({"type": "message", "text": text(nth)})));
    (0..EACH).for_each(|nth| {
        client.wait_until("its own message", |object| object["text"] == text(nth));
    });
}

#[test]
fn stream_begins_where_its_reader_ended() {
    let server = start_binary(&["--limit", "room-messages=5"]);
    for nth in 1..=8 {
        assert_eq!(posted(server.addr(), "/", &nth.to_string()), nth);
    }
    let log = Stream::open(server.addr(), "/?since=8", &[SSE]).event().data["log"].as_str().expect("a name").to_owned();
    let right = format!("/?since=6&log={log}");
    // The target, the header field, and all up to the message 9.
    let rows: [(&str, &str, &str); 10] = [
        ("/", "", "id8 9"),
        ("/?since=8", "", "id8 9"),
        ("/?since=6", "", "id6 7 8 9"),
        (&right, "", "id6 7 8 9"),
        ("/?since=6&log=other", "", "id0 gap? gap3 4 5 6 7 8 9"),
        ("/?since=0", "", "id0 gap3 4 5 6 7 8 9"),
        ("/?since=99", "", "id0 gap? gap3 4 5 6 7 8 9"),
        ("/?since=0", "Last-Event-ID: 7", "id7 8 9"),
        ("/?since=7", "Last-Event-ID: x", "id7 8 9"),
        ("/?since=0&log=other", "Last-Event-ID: 8", "id8 9"),
    ];
    let mut streams: Vec<Stream> = rows
        .iter()
        .map(|(target, field, _)| {
            let fields = [SSE, field];
            let mut stream = Stream::open(server.addr(), target, &fields[..if field.is_empty() { 1 } else { 2 }]);
            let event = stream.event();
            assert_eq!((event.name.as_str(), event.id), ("id", event.data["seq"].as_u64()));
            stream.head = format!("id{}", event.data["seq"]);
            stream
        })
        .collect();
    posted(server.addr(), "/", "9");
    for ((target, field, expected), stream) in rows.iter().zip(&mut streams) {
        let mut seen = std::mem::take(&mut stream.head);
        while !seen.ends_with(" 9") {
            let event = stream.event();
            seen += &match event.name.as_str() {
                "gap" => format!(" gap{}", event.data.get("missed").map_or("?".to_owned(), Value::to_string)),
                _ => format!(" {}", event.data["text"].as_str().expect("a text")),
            };
        }
        assert_eq!(seen, *expected, "{target} {field}");
    }
}

#[test]
fn earlier_lines_of_text_have_a_date() {
    let server = start_binary(&[]);
    posted(server.addr(), "/?name=Ann+B", "one\ntwo");
    let mut lines = Stream::open(server.addr(), "/?format=text&since=0", &[]);
    let line = lines.line();
    assert!(line.starts_with("[20") && line.ends_with("] \"Ann B\": one ⏎ two"), "{line}");
    posted(server.addr(), "/", "new");
    assert_eq!(lines.line(), "guest: new");
    assert!(lines.head.contains("\nContent-Type: text/plain; charset=utf-8\n"), "{}", lines.head);
}

/// Some libraries end lines at more characters than these formats do.
#[test]
fn texts_and_names_cannot_end_a_line() {
    let server = start_binary(&[]);
    let evil = "x\r\n\r\ndata: {}\rid: 9\n\u{2028}y\u{2029}z\u{85}\u{b}\u{c}\u{1c}w";
    posted(server.addr(), "/?name=%22data:", evil);
    posted(server.addr(), "/", "next");
    let mut sse = Stream::open(server.addr(), "/?since=0", &[SSE]);
    let events = [sse.event(), sse.event(), sse.event()].map(|event| event.data["text"].clone());
    assert_eq!(
        events,
        [Value::Null, json!(evil.replace(['\u{85}', '\u{b}', '\u{c}', '\u{1c}'], "\u{fffd}")), json!("next")]
    );
    for (format, before) in [("ndjson", 1), ("text", 0)] {
        let mut stream = Stream::open(server.addr(), &format!("/?since=0&format={format}"), &[]);
        (0..before).for_each(|_| drop(stream.line()));
        let (line, next) = (stream.line(), stream.line());
        assert!(!line.contains(['\r', '\u{2028}', '\u{2029}', '\u{85}', '\u{b}', '\u{c}', '\u{1c}']), "{line:?}");
        assert!(next.contains("next"), "{next}");
    }
}

#[test]
fn readers_are_not_shown_and_see_messages_only() {
    let server = start_binary(&["--list-rooms"]);
    let mut sse = Stream::open(server.addr(), "/", &[SSE]);
    let mut ann = Client::enter(server.addr(), "/");
    ann.sign_in("ann");
    let mut bob = Client::enter(server.addr(), "/");
    let list = bob.sign_in("bob");
    ann.say_json(&json!({"type": "message", "text": "psst", "target": "bob"}));
    bob.wait_for("message");
    ann.say_json(&json!({"type": "message", "text": "hi", "nonce": "secret"}));
    assert_eq!(sse.event().name, "id", "{list}");
    let message = sse.event().data;
    assert_eq!((&message["text"], message.get("nonce")), (&json!("hi"), None));
    let rooms = support::raw::get(server.addr(), "/rooms").text();
    assert!(rooms.contains(r#""users":2"#), "{rooms}");
}

#[test]
fn silent_room_is_kept_alive() {
    let server = start_binary(&["--limit", "ping-seconds=1", "--limit", "pong-seconds=1"]);
    // The format, the lines before it, and those of a keepalive.
    let rows = [("sse", 4, ":--"), ("ndjson", 1, r#"{"type":"keepalive"}-"#), ("text", 0, "-")];
    let streams = rows.map(|(format, before, keepalive)| {
        let mut stream = Stream::open(server.addr(), &format!("/?format={format}"), &[]);
        (0..before).for_each(|_| drop(stream.line()));
        (stream, keepalive)
    });
    for (mut stream, keepalive) in streams {
        // Longer than a client of a WebSocket may take to answer a Ping.
        for _ in 0..3 {
            let lines: String = keepalive.matches('-').map(|_| stream.line() + "-").collect();
            assert_eq!(lines, keepalive);
        }
    }
}

/// A reader that went away takes no place, and what it sends is ignored.
#[test]
fn stream_ends_with_its_reader() {
    use std::io::Write as _;
    let server = start_binary(&["--limit", "connections=2"]);
    for _ in 0..5 {
        wait_until(support::DEADLINE, "a place", || {
            let Ok(stream) = Stream::try_open(server.addr(), "/?format=text", &[]) else { return false };
            stream.socket().write_all(b"ignored\r\n\r\n").is_ok() && stream.head.contains(" 200 ")
        });
    }
    let mut last = None;
    wait_until(support::DEADLINE, "a place", || {
        last =
            Stream::try_open(server.addr(), "/?format=text", &[]).ok().filter(|stream| stream.head.contains(" 200 "));
        last.is_some()
    });
    let mut stream = last.expect("a stream");
    stream.socket().write_all(&[b'x'; 10_000]).expect("written");
    wait_until(support::DEADLINE, "a place", || {
        support::stream::try_post(server.addr(), "/", &[], "still here").is_ok_and(|status| status == 201)
    });
    assert_eq!(stream.line(), "guest: still here");
}

#[cfg(unix)]
#[test]
fn streams_end_when_the_server_shuts_down() {
    let server = start_binary(&[]);
    let mut streams = [&[SSE], &[NDJSON]].map(|fields| Stream::open(server.addr(), "/", fields)).map(|mut stream| {
        stream.line();
        stream
    });
    server.signal("TERM");
    for stream in &mut streams {
        while stream.try_line().expect("no reset").is_some() {}
    }
    drop(streams);
    let (status, log) = server.wait_for_exit(support::DEADLINE);
    assert!(status.success(), "{log:#?}");
}

#[test]
fn full_room_is_refused_with_503() {
    let server = start_binary(&["--limit", "room-users=1"]);
    let mut first = Stream::open(server.addr(), "/", &[SSE]);
    first.event();
    let refused = support::raw::get(server.addr(), "/?format=sse");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("10")), "{}", refused.text());
    assert!(refused.text().contains("room is full"), "{}", refused.text());
}

#[test]
fn foreign_pages_and_unknown_hosts_get_no_stream() {
    let server = start_binary(&[]);
    let status = |fields: &str| {
        let request = format!("GET / HTTP/1.1\r\n{SSE}\r\n{fields}\r\n\r\n");
        let mut head = String::new();
        let mut stream = std::net::TcpStream::connect(server.addr()).expect("a connection");
        stream.set_read_timeout(Some(support::DEADLINE)).expect("a deadline");
        std::io::Write::write_all(&mut stream, request.as_bytes()).expect("written");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stream), &mut head).expect("a response");
        head[9..12].to_owned()
    };
    let rows = [
        ("Host: localhost", "200"),
        ("Host: localhost\r\nOrigin: http://localhost:3000", "200"),
        ("Host: localhost\r\nSec-Fetch-Site: same-origin", "200"),
        ("Host: localhost\r\nOrigin: http://evil.example", "403"),
        ("Host: localhost\r\nOrigin: null", "403"),
        ("Host: localhost\r\nSec-Fetch-Site: cross-site", "403"),
        ("Host: evil.example", "421"),
        ("Host: localhost\r\nContent-Length: 5\r\n\r\nhello", "400"),
    ];
    for (fields, expected) in rows {
        assert_eq!(status(fields), expected, "{fields}");
    }
}

/// A reader that stops for a while receives everything later, and does not delay the posts.
#[test]
fn slow_reader_receives_everything_from_the_log() {
    let limits = ["outbox=65536", "room-messages=9999", "room-bytes=99999999", "history=99999999"];
    let limits: Vec<&str> = limits.iter().flat_map(|limit| ["--limit", limit]).collect();
    let server = start_binary(&[&["--no-limits"], &limits[..]].concat());
    let mut slow = Stream::open(server.addr(), "/", &[SSE]);
    assert_eq!(slow.event().name, "id");
    // Twice as long in JSON. Together it is more than all buffers take.
    let (text, count) = ("\"".repeat(8000), 1000);
    (1..=count).for_each(|seq| assert_eq!(posted(server.addr(), "/", &text), seq));
    for seq in 1..=count {
        let event = slow.event();
        if event.name == "gap" {
            panic!("the log has everything: {}", event.data);
        }
        assert_eq!(event.id, Some(seq));
    }
}

/// The commands of the README, as they are typed there.
#[test]
fn curl_prints_what_the_readme_says() {
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        return support::skip("curl is not installed");
    }
    let readme = include_str!("../README.md");
    let (_, block) = readme.split_once("```console\n$ curl").expect("a block of commands");
    let (block, _) = block.split_once("```").expect("its end");
    let server = start_binary(&[]);
    for command in block.split("$ curl") {
        let (arguments, expected) = command.split_once('\n').expect("a command and its output");
        let arguments = arguments.replace("127.0.0.1:6502", &server.addr().to_string());
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("exec curl -sS {arguments}")]).stdout(std::process::Stdio::piped());
        let mut curl = shell.spawn().expect("a shell");
        let lines = support::script::lines(curl.stdout.take().expect("a pipe"));
        for expected in expected.lines() {
            let line = lines.recv_timeout(support::DEADLINE).expect("a line");
            assert_eq!(masked(&line), masked(expected), "{arguments}");
        }
        // A stream does not end by itself.
        curl.kill().expect("a child that was not waited for");
        curl.wait().expect("its end");
    }
}

/// As it is typed in the README, but without its pauses.
#[test]
fn sensor_of_the_readme_posts() {
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        return support::skip("curl is not installed");
    }
    let readme = include_str!("../README.md");
    let (_, script) = readme.split_once("```sh\nwhile sleep 60").expect("a loop");
    let (script, _) = script.split_once("```").expect("its end");
    let server = start_binary(&["--no-limits"]);
    let mut stream = Stream::open(server.addr(), "/room/kitchen?format=text", &[]);
    let script = format!("while sleep 0.1{}", script.replace("127.0.0.1:6502", &server.addr().to_string()));
    let mut shell = std::process::Command::new("sh");
    let mut shell = shell
        .args(["-c", &script])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("a shell");
    let lines = [stream.line(), stream.line()];
    shell.kill().expect("a child that was not waited for");
    shell.wait().expect("its end");
    assert!(lines.iter().all(|line| line.starts_with("sensor: load ")), "{lines:?}");
}

/// Without what differs each time: numbers, except those of messages, and the name of the numbering.
fn masked(line: &str) -> String {
    let (line, rest) = line.split_once(r#""log":""#).map_or((line, ""), |(line, _)| (line, "log"));
    let (line, seq) = line.split_once(r#""seq":"#).unwrap_or((line, ""));
    let digits = line.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    let digits = digits.split("0000000000000").collect::<String>();
    format!("{digits} {seq} {rest}")
}
