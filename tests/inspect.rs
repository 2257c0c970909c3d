//! What a connection learns about itself: the bytes that arrived, bytes that the server plays, and slow motion.

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::frames::{CLOSE, PING, TEXT, frame};
use support::{Client, start_binary};

fn inspect(client: &mut Client, play: &[u8]) -> Value {
    let hex: Vec<_> = play.iter().map(|byte| format!("{byte:02x}")).collect();
    client.say_json(&json!({"type": "inspect", "play": hex.join(" ")}));
    client.wait_for("handshake")
}

/// The payloads of masked frames with up to 125 bytes.
fn payloads(hex: &str) -> Vec<String> {
    let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal");
    let (mut at, mut payloads) = (0, Vec::new());
    while 2 * at < hex.len() {
        let (length, key) = (usize::from(byte(at + 1) - 0x80), at + 2);
        let payload = (0..length).map(|n| byte(key + 4 + n) ^ byte(key + n % 4)).collect();
        payloads.push(String::from_utf8(payload).expect("UTF-8"));
        at = key + 4 + length;
    }
    payloads
}

/// The first answer begins the record. The next one has every byte since, with the masks of the frames.
#[test]
fn bytes_that_arrived_are_returned_as_they_came() {
    let chinwag = start_binary(&[]);
    let mut client = Client::enter(chinwag.addr(), "/");
    let first = inspect(&mut client, b"");
    assert_eq!(first["received"], "");
    assert_eq!(first["response"][0], "HTTP/1.1 101 Switching Protocols");
    client.say("not JSON");
    client.wait_for("error");
    let second = inspect(&mut client, b"");
    let received = second["received"].as_str().expect("a string");
    assert_eq!(payloads(received), ["not JSON", r#"{"play":"","type":"inspect"}"#]);
    client.say(&"x".repeat(5000));
    client.wait_for("error");
    let long = inspect(&mut client, b"");
    assert_eq!(long["received"].as_str().map(str::len), Some(2 * 4096), "the rest does not count");
}

/// Played bytes are read before the next ones that arrive, by the connection's own parser.
#[test]
fn played_bytes_are_read_as_if_they_had_arrived() {
    let chinwag = start_binary(&[]);
    let rows: [(&[u8], u16); 6] = [
        (b"\x81\x05hello", 1002),
        (b"\xc1\x80\0\0\0\0", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (&frame(TEXT, b"\xc3\x28"), 1007),
        (b"\x81\xff\0\0\0\0\0\x01\x11\x70\0\0\0\0", 1009),
        (&frame(CLOSE, &4321_u16.to_be_bytes()), 4321),
    ];
    for (play, code) in rows {
        let mut client = Client::enter(chinwag.addr(), "/");
        inspect(&mut client, play);
        client.say(r#"{"type":"ping"}"#);
        assert_eq!(client.wait_for_close().0, code, "{play:02x?}");
    }
    let mut client = Client::enter(chinwag.addr(), "/");
    inspect(&mut client, &[frame(TEXT, b"first"), frame(PING, b"")].concat());
    client.say(r#"{"type":"ping"}"#);
    assert_eq!(client.wait_for("error")["reason"], "bad-json");
    client.wait_for("pong");
    let received = inspect(&mut client, b"")["received"].as_str().map(payloads);
    assert_eq!(received.expect("bytes").first().map(String::as_str), Some(r#"{"type":"ping"}"#), "not the played ones");
}

/// For learners: CONNECTING and CLOSING last as long as they asked, and no other connection waits.
#[test]
fn slow_connection_opens_and_closes_slowly() {
    const SLOW: Duration = Duration::from_millis(300);
    let chinwag = start_binary(&[]);
    let begin = Instant::now();
    let mut slow = Client::enter(chinwag.addr(), "/?slow=300");
    assert!(begin.elapsed() >= SLOW, "{:?}", begin.elapsed());
    slow.wait_for("id");
    slow.say(r#"{"type":"ping"}"#);
    slow.wait_for("pong");
    let begin = Instant::now();
    assert_eq!(slow.close(1000).0, 1000);
    assert!(begin.elapsed() >= SLOW, "{:?}", begin.elapsed());
}
