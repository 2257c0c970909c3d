//! The cases of RFC 9112: which requests are valid, and which of them this server accepts.

use super::{Row, row};
use crate::requests::{line, plain, plus, replace, with, without};
use crate::script::Then;

pub(super) fn invalid_requests() -> Vec<Row> {
    let many: String = (0..101).map(|n| format!("A{n}: b\r\n")).collect();
    let get = |lines: &str| plain("GET / HTTP/1.1", lines);
    vec![
        row("nothing, and the connection is closed", "", 0, ""),
        row("half a head, and the connection is closed", "GET / HTTP/1.1\r\nHost: lo", 400, "in the middle"),
        slow("nothing in time", ""),
        slow("half a head in time", "GET / HTTP/1.1\r\nHost: lo"),
        row("more than 8 KiB", get(&format!("A: {}\r\n", "b".repeat(8192))), 431, "too large"),
        row("8 KiB of empty lines", "\r\n".repeat(5000), 431, "too large"),
        row("more than 100 header fields", get(&many), 431, "too many"),
        row("a TLS ClientHello", b"\x16\x03\x01\x02\x00\x01", 400, "not use TLS"),
        row(
            "the PROXY protocol, version 1",
            "PROXY TCP4 192.0.2.1 192.0.2.2 5 80\r\nGET / HTTP/1.1\r\n\r\n",
            400,
            "PROXY",
        ),
        row("the PROXY protocol, version 2", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 400, "PROXY"),
        refused_at_once("`SSH-2.0-OpenSSH_9.2`", b"SSH-2.0-OpenSSH_9.2\r\n"),
        refused_at_once("`EHLO mail.example`", b"EHLO mail.example\r\n"),
        refused_at_once("a command of Redis", b"*1\r\n$4\r\nPING\r\n"),
        refused_at_once("a frame", b"\x81\x85\0\0\0\0hello"),
        refused_at_once("octets", b"\xff\xfb\x1f\0"),
        refused_at_once("a method of 33 characters", b"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG"),
        refused_at_once("a control character in the target", b"GET /\x1b[2J"),
        row("`GET /` (HTTP/0.9)", "GET /\r\n\r\n", 400, "request line"),
        row("two spaces in the request line", line("GET  / HTTP/1.1"), 400, "request line"),
        row("a method with a colon", line("GET: / HTTP/1.1"), 400, "request line"),
        row("`PRI * HTTP/2.0`", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.1"),
        row("`HTTP/0.9`", line("GET / HTTP/0.9"), 505, "HTTP/1.1"),
        row("`HTTP/1.10`", line("GET / HTTP/1.10"), 400, "request line"),
        row("`http/1.1`", line("GET / http/1.1"), 400, "request line"),
        row("a space before the colon", get("A : b\r\n"), 400, "invalid name"),
        row("a header field without a colon", get("A\r\n"), 400, "invalid name"),
        row("a folded header field", get("A: b\r\n c\r\n"), 400, "invalid name"),
        row("a control character in a value", get("A: b\0c\r\n"), 400, "invalid value"),
        row("a CR without LF", get("A: b\rc\r\n"), 400, "invalid value"),
    ]
}

pub(super) fn targets_and_bodies() -> Vec<Row> {
    let target = |what, request_line: &str| row(what, line(request_line), 400, "request target");
    vec![
        target("target `*`, but not OPTIONS", "GET * HTTP/1.1"),
        target("authority form", "CONNECT localhost:6502 HTTP/1.1"),
        target("no leading slash", "GET chat HTTP/1.1"),
        target("another scheme", "GET ftp://localhost/ HTTP/1.1"),
        target("an absolute target without a host", "GET http:/// HTTP/1.1"),
        target("a `#`", "GET /#top HTTP/1.1"),
        row("a target that is not UTF-8", b"GET /\xfc HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "request line"),
        row("HTTP/1.0", line("GET / HTTP/1.0"), 400, "needs HTTP/1.1"),
        row("HTTP/1.0 without `Host`", replace(&without("Host"), "1.1", "1.0"), 400, "needs HTTP/1.1"),
        row("no `Host`", without("Host"), 400, "Host is missing"),
        row("two `Host`", plus("Host: localhost:6502"), 400, "Host is given more than once"),
        row("`Host: a b`", with("Host", "Host: a b\r\n"), 400, "Host must be"),
        row("an empty `Host`", with("Host", "Host:\r\n"), 400, "Host must be"),
        row("`Host: localhost:x`", with("Host", "Host: localhost:x\r\n"), 400, "Host must be"),
        row("`Host: user@localhost`", with("Host", "Host: user@localhost\r\n"), 400, "Host must be"),
        row("`Host: ::1`", with("Host", "Host: ::1\r\n"), 400, "Host must be"),
        row("a target `http://user@localhost/`", line("GET http://user@localhost/ HTTP/1.1"), 400, "Host must be"),
        row("`Content-Length: 5`", plus("Content-Length: 5") + "hello", 400, "Content-Length must be 0"),
        row("`Content-Length: x`", plus("Content-Length: x"), 400, "Content-Length must be one number"),
        row(
            "`Content-Length: 0` and `5`",
            plus("Content-Length: 0\r\nContent-Length: 5"),
            400,
            "Content-Length must be one number",
        ),
        row("`Transfer-Encoding: chunked`", plus("Transfer-Encoding: chunked"), 411, "Transfer-Encoding"),
    ]
}

pub(super) fn pages() -> Vec<Row> {
    let html = "Content-Type: text/html; charset=utf-8";
    vec![
        row("`GET /`", plain("GET / HTTP/1.1", ""), 200, html),
        row("`GET /` with HTTP/1.0 and no `Host`", "GET / HTTP/1.0\r\n\r\n", 200, html),
        row(
            "`GET /` with `Upgrade: h2c`",
            plain("GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\n"),
            200,
            html,
        ),
        row("`HEAD /`", plain("HEAD / HTTP/1.1", ""), 200, html),
        row("`GET /style.css`", plain("GET /style.css HTTP/1.1", ""), 200, "Content-Type: text/css; charset=utf-8"),
        row("`GET /` with a matching `If-None-Match`", plain("GET / HTTP/1.1", "If-None-Match: *\r\n"), 304, ""),
        row("`GET /` with HTTP/1.2", plain("GET / HTTP/1.2", ""), 200, html),
        row("`GET /ü`", plain("GET /ü HTTP/1.1", ""), 404, "Nothing is at this path"),
        row("`POST /`", plain("POST / HTTP/1.1", "Content-Length: 0\r\n"), 405, "Allow: GET, HEAD, OPTIONS"),
        row("`OPTIONS /`", plain("OPTIONS / HTTP/1.1", ""), 204, "Allow: GET, HEAD, OPTIONS"),
        row("`OPTIONS /` with HTTP/1.0 and no `Host`", "OPTIONS / HTTP/1.0\r\n\r\n", 204, "Allow: GET, HEAD, OPTIONS"),
        row("`OPTIONS *`", plain("OPTIONS * HTTP/1.1", ""), 204, "Allow: GET, HEAD, OPTIONS"),
        row("`OPTIONS /other`", plain("OPTIONS /other HTTP/1.1", ""), 404, "Nothing is at this path"),
        row("`HEAD /other`", plain("HEAD /other HTTP/1.1", ""), 404, "Content-Length: 25"),
        row("`GET /other`", plain("GET /other HTTP/1.1", ""), 404, "Nothing is at this path"),
        row("`POST /other`", plain("POST /other HTTP/1.1", ""), 404, "Nothing is at this path"),
    ]
}

pub(super) fn no_pages() -> Vec<Row> {
    let upgrade = "Upgrade: websocket";
    vec![
        row("a handshake at `/any/path`", line("GET /any/path HTTP/1.1"), 101, upgrade),
        row("`GET /`", plain("GET / HTTP/1.1", ""), 426, upgrade),
        row("`HEAD /`", plain("HEAD / HTTP/1.1", ""), 426, upgrade),
        row("`OPTIONS /`", plain("OPTIONS / HTTP/1.1", ""), 204, "Allow: GET, HEAD, OPTIONS"),
        row("`DELETE /`", plain("DELETE / HTTP/1.1", ""), 405, "Allow: GET, HEAD, OPTIONS"),
    ]
}

/// Nothing follows, and the peer waits.
fn refused_at_once(what: &'static str, sent: &[u8]) -> Row {
    let row = row(what, sent, 400, "request line");
    Row { then: Then::Waits, ..row }
}

fn slow(what: &'static str, sent: &str) -> Row {
    let row = row(what, sent, 408, "in time");
    Row { then: Then::Waits, ..row }
}
