//! Requests for the rows of the table.

use chinwag::http::Request;

use crate::script::Script;

/// The example of RFC 6455 1.2, to this machine.
pub(crate) fn handshake() -> String {
    "GET / HTTP/1.1\r\nHost: localhost:6502\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        .to_owned()
}

/// The handshake with more lines.
pub(crate) fn plus(lines: &str) -> String {
    let handshake = handshake();
    let head = handshake.strip_suffix("\r\n").expect("an empty line");
    format!("{head}{lines}\r\n\r\n")
}

/// The handshake without the field with that name.
pub(crate) fn without(name: &str) -> String {
    with(name, "")
}

/// The handshake with these complete lines instead of the field with that name.
pub(crate) fn with(name: &str, lines: &str) -> String {
    let handshake = handshake();
    let mut all = handshake.split_inclusive("\r\n");
    let line = all.find(|line| line.starts_with(&format!("{name}: ")));
    replace(&handshake, line.expect("such a field"), lines)
}

/// The handshake with another request line.
pub(crate) fn line(request_line: &str) -> String {
    replace(&handshake(), "GET / HTTP/1.1", request_line)
}

/// A request with only a `Host`, and optionally more complete lines.
pub(crate) fn plain(request_line: &str, lines: &str) -> String {
    format!("{request_line}\r\nHost: localhost:6502\r\n{lines}\r\n")
}

/// Replaces text that must exist.
pub(crate) fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} in {text}");
    text.replacen(from, to, 1)
}

pub(crate) fn parsed(text: &str) -> (Box<Request>, Vec<u8>) {
    let read = Script::of(text).read();
    read.unwrap_or_else(|error| panic!("{text}: {error}"))
}
