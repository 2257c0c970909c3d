//! Bytes that cannot begin a request are refused at once, although their sender waits. The deadline for requests is longer
//! than that of the tests.

mod support;

use support::raw::{Answer, raw_in_single_bytes};
use support::{Client, raw, start_binary};

#[test]
fn other_protocols_are_refused_at_once() {
    let chinwag = start_binary(&["--limit", "handshake-seconds=300"]);
    let table: &[(&[u8], u16, &str)] = &[
        (b"SSH-2.0-OpenSSH_9.6\r\n", 400, "request line"),
        (b"EHLO client.example\r\n", 400, "request line"),
        (b"USER anonymous\r\n", 400, "request line"),
        (b"PING\r\n", 400, "request line"),
        (b"*1\r\n$4\r\nPING\r\n", 400, "request line"),
        (b"{\"id\":1}\n", 400, "request line"),
        (b"<?xml version='1.0'?>", 400, "request line"),
        (b"OPTIONS sip:chat SIP/2.0\r\n", 400, "request line"),
        (b"GET /\r\n", 400, "request line"),
        (b"\x81\x85\x01\x02\x03\x04hello", 400, "request line"),
        (b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", 400, "request line"),
        (b"\0\0\0\x08\x04\xd2\x16\x2f", 400, "request line"),
        (b"\x05\x01\0", 400, "request line"),
        (b"\xff\xfd\x18\xff\xfd\x20", 400, "request line"),
        (b"\x9d\xf3\x01\x7e", 400, "request line"),
        (b"\0", 400, "request line"),
        (b"\x01", 400, "request line"),
        (b"\x16", 400, "does not use TLS"),
        (b"\x16\x03\x01\x02\0\x01", 400, "does not use TLS"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 80\r\n", 400, "PROXY protocol"),
        (b"PROXY UNKNOWN\r\n", 400, "PROXY protocol"),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 400, "PROXY protocol"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", 505, "HTTP/1.1"),
    ];
    for &(bytes, status, part) in table {
        for answer in [raw(chinwag.addr(), bytes), raw_in_single_bytes(chinwag.addr(), bytes)] {
            let answer = Answer::parse(&answer);
            assert_eq!(answer.status, status, "{bytes:?}");
            assert!(answer.text().contains(part) && answer.header("date").is_some(), "{answer:?}");
        }
    }
    Client::connect(chinwag.addr(), &["text"]);
}
