//! The cases of `Host`, `Origin` and the access token.

use super::{Row, row};
use crate::requests::{handshake, line, plain, plus, with};

pub(super) fn host_and_origin() -> Vec<Row> {
    let host = |what, name: &str, status, says| row(what, with("Host", &format!("Host: {name}\r\n")), status, says);
    let origin = |what, name: &str, status, says| row(what, plus(&format!("Origin: {name}")), status, says);
    vec![
        host("`Host: 192.168.1.20:6502`", "192.168.1.20:6502", 101, ""),
        host("`Host: [::1]`", "[::1]", 101, ""),
        host("`Host: pi`", "pi", 101, ""),
        host("`Host: PI.local:6502`", "PI.local:6502", 101, ""),
        host("`Host: chat.example`", "chat.example", 101, ""),
        host("`Host: app.localhost.`", "app.localhost.", 101, ""),
        host("`Host: evil.example`", "evil.example", 421, "--host evil.example"),
        row("a page for `evil.example`", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, "--host evil.example"),
        row("a target at `evil.example`", line("GET http://evil.example/ HTTP/1.1"), 421, "--host evil.example"),
        row("no `Origin`", handshake(), 101, ""),
        origin("`Origin` on another port", "http://localhost:3000", 101, ""),
        origin("`Origin: https://app.example`", "https://app.example", 101, ""),
        origin("`Origin: http://app.example`", "http://app.example", 403, "--origin http://app.example"),
        origin("`Origin: https://evil.example`", "https://evil.example", 403, "--origin https://evil.example"),
        origin("`Origin: null`", "null", 403, "--origin null"),
        origin("`Origin: file://`", "file://", 403, "--origin file://"),
        origin("`Origin: ws://localhost`", "ws://localhost", 101, ""),
        origin("`Origin: https://app.example/path`", "https://app.example/path", 101, ""),
        origin(
            "`Origin: https://device.example/path`",
            "https://device.example/path",
            403,
            "--origin https://device.example ",
        ),
        origin("`Origin: app://.`", "app://.", 403, "--origin app://."),
        origin("`Origin: app://a;b`", "app://a;b", 403, "--origin 'app://a;b'"),
        origin("`Origin: ArduinoWebSocketClient`", "ArduinoWebSocketClient", 403, "--origin ArduinoWebSocketClient"),
        origin("`Origin: localhost`", "localhost", 101, ""),
        origin("`Origin: evil.example`", "evil.example", 403, "Origin must be"),
        origin("`Origin: http://localhost@evil.example`", "http://localhost@evil.example", 403, "Origin must be"),
        row(
            "two `Origin`",
            plus("Origin: http://localhost\r\nOrigin: http://localhost"),
            400,
            "Origin is given more than once",
        ),
    ]
}

pub(super) fn required_origin() -> Vec<Row> {
    vec![
        row("no `Origin`", handshake(), 403, "--require-origin"),
        row("`Origin: http://localhost`", plus("Origin: http://localhost"), 101, ""),
        row("`Origin: null`", plus("Origin: null"), 101, ""),
    ]
}

pub(super) fn token() -> Vec<Row> {
    let bearer = |what, value: &str, status, says| row(what, plus(&format!("Authorization: {value}")), status, says);
    let query = |what, query: &str, status, says| row(what, line(&format!("GET /?{query} HTTP/1.1")), status, says);
    let asked = "WWW-Authenticate: Bearer";
    vec![
        row("no token", handshake(), 401, asked),
        bearer("`Authorization: Bearer s3cret+`", "Bearer s3cret+", 101, ""),
        bearer("`Authorization: bearer  s3cret+`", "bearer  s3cret+", 101, ""),
        query("`?a=1&token=s3cret%2B`", "a=1&token=s3cret%2B", 101, ""),
        query("`?token=s3cret+`", "token=s3cret+", 101, ""),
        bearer("`Authorization: Bearer s3cret`", "Bearer s3cret", 401, asked),
        bearer("`Authorization: Basic s3cret+`", "Basic s3cret+", 401, asked),
        query("`?token=`", "token=", 401, asked),
        query("`?Token=s3cret+`", "Token=s3cret+", 401, asked),
        row("a page without the token", plain("GET / HTTP/1.1", ""), 200, ""),
    ]
}
