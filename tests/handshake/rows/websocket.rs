//! The cases of RFC 6455 4.2: what a handshake must contain, and in which forms.

use super::{Row, row};
use crate::requests::{handshake, line, plus, with, without};

pub(super) fn accepted() -> Vec<Row> {
    let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    let ok = |what, sent: String| row(what, sent, 101, accept);
    vec![
        ok("the example of RFC 6455 1.2", handshake()),
        ok("`Connection: keep-alive, Upgrade`", with("Connection", "Connection: keep-alive, Upgrade\r\n")),
        ok("`Connection` with tabs", with("Connection", "Connection:\tkeep-alive\t,\tupgrade\t\r\n")),
        ok("`Connection` over several fields", with("Connection", "Connection: keep-alive\r\nConnection: upgrade\r\n")),
        ok("`Connection` in another letter case", with("Connection", "CONNECTION: UPGRADE\r\n")),
        ok("`Upgrade: WebSocket`", with("Upgrade", "upgrade: WebSocket\r\n")),
        ok("`Upgrade: h2c, websocket`", with("Upgrade", "Upgrade: h2c, websocket\r\n")),
        ok("`Upgrade` over several fields", with("Upgrade", "Upgrade: h2c\r\nUpgrade: websocket\r\n")),
        ok("an absolute target", line("GET http://localhost:6502/ HTTP/1.1")),
        ok("a query", line("GET /?since=7 HTTP/1.1")),
        ok("a query with UTF-8", line("GET /?ü HTTP/1.1")),
        ok("HTTP/1.2", line("GET / HTTP/1.2")),
        row(
            "the key of RFC 6455 4.1",
            with("Sec-WebSocket-Key", "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEC==\r\n"),
            101,
            "Sec-WebSocket-Accept: ",
        ),
        ok("lines that end in LF only", handshake().replace("\r\n", "\n")),
        ok("empty lines before the request", format!("\r\n\n{}", handshake())),
        ok("`Content-Length: 0`", plus("Content-Length: 0")),
        ok("extensions", plus("Sec-WebSocket-Extensions: permessage-deflate")),
        ok("an unknown subprotocol", plus("Sec-WebSocket-Protocol: soap")),
        offering("subprotocol `json`", "Sec-WebSocket-Protocol: json", "Sec-WebSocket-Protocol: json"),
        offering(
            "subprotocols `soap, text, json`",
            "Sec-WebSocket-Protocol: soap, text, json",
            "Sec-WebSocket-Protocol: text",
        ),
        offering(
            "subprotocols in several fields",
            "Sec-WebSocket-Protocol: soap\r\nSec-WebSocket-Protocol: chinwag.v1,\tjson",
            "Sec-WebSocket-Protocol: chinwag.v1",
        ),
        offering(
            "subprotocols twice, with gaps",
            "Sec-WebSocket-Protocol: ,text,, text",
            "Sec-WebSocket-Protocol: text",
        ),
    ]
}

pub(super) fn invalid_handshakes() -> Vec<Row> {
    let version = "Sec-WebSocket-Version: 13";
    let key = |lines: &str| with("Sec-WebSocket-Key", lines);
    vec![
        row("`POST`", line("POST / HTTP/1.1"), 405, "Allow: GET"),
        row("another path", line("GET /other HTTP/1.1"), 404, "No WebSocket endpoint at this path"),
        row("no `Upgrade`", without("Upgrade"), 400, "Upgrade: websocket is missing"),
        row("`Upgrade: h2c`", with("Upgrade", "Upgrade: h2c\r\n"), 400, "Upgrade: websocket is missing"),
        row("`Upgrade: websockets`", with("Upgrade", "Upgrade: websockets\r\n"), 400, "Upgrade: websocket is missing"),
        row("no `Connection`", without("Connection"), 400, "Connection: Upgrade is missing"),
        row(
            "`Connection: keep-alive`",
            with("Connection", "Connection: keep-alive\r\n"),
            400,
            "Connection: Upgrade is missing",
        ),
        row("no version", without("Sec-WebSocket-Version"), 426, version),
        row("version 8", with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n"), 426, version),
        row("version `13, 8`", with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13, 8\r\n"), 426, version),
        row("version 13 twice", plus(version), 426, version),
        row("no key", key(""), 400, "given once"),
        row("two keys", plus("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400, "given once"),
        row("an empty key", key("Sec-WebSocket-Key:\r\n"), 400, "16 bytes"),
        row("a key of 15 bytes", key("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n"), 400, "16 bytes"),
        row("a key of 17 bytes", key("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=\r\n"), 400, "16 bytes"),
        row("a key of 22 characters", key("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n"), 400, "16 bytes"),
        row("a key that is not base64", key("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==\r\n"), 400, "16 bytes"),
        row("`Sec-WebSocket-Protocol: a b`", plus("Sec-WebSocket-Protocol: a b"), 400, "a list of names"),
        row("an empty `Sec-WebSocket-Protocol`", plus("Sec-WebSocket-Protocol: ,"), 400, "a list of names"),
    ]
}

fn offering(what: &'static str, lines: &str, says: &'static str) -> Row {
    row(what, plus(lines), 101, says)
}
