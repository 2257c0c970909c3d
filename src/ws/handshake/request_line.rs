//! The first line of a request. Bytes that cannot begin a request are refused before their sender has to wait.

use super::head::HeadError;
use crate::ws::http::{is_token, percent_encoded};
use std::str;
use tungstenite::Bytes;

pub(super) const INVALID: HeadError =
    HeadError::Malformed("The first line must be a request line, such as GET / HTTP/1.1.");

/// The longest method in use, `UPDATEREDIRECTREF`, has 17 characters.
const MAX_METHOD: usize = 32;

/// Checks what has arrived of a head, and of the empty lines before it. No byte that cannot begin a request waits for more.
///
/// # Errors
/// It cannot become a request.
pub(super) fn check(empty_lines: &[u8], bytes: &[u8]) -> Result<(), HeadError> {
    match bytes {
        [] => return Ok(()),
        // A TLS handshake begins with its record type (RFC 8446 5.1). No more is read, so the answer does not depend on packets.
        [0x16, ..] => return Err(HeadError::Tls),
        // Version 2 of the PROXY protocol begins with two empty lines and this.
        [0, ..] if empty_lines == b"\r\n\r\n" => return Err(HeadError::ProxyProtocol),
        _ if bytes.starts_with(b"PROXY ") => return Err(HeadError::ProxyProtocol),
        _ => {}
    }
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let line = &bytes[..end.unwrap_or(bytes.len())];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match (may_begin(line), end, version(line)) {
        (true, None, _) | (true, Some(_), Some((b'1', _))) => Ok(()),
        (true, Some(_), Some(_)) => Err(HeadError::Version),
        _ => Err(INVALID),
    }
}

/// Whether a method and a target may begin like this. The end of a UTF-8 character in the target may not have arrived yet.
fn may_begin(line: &[u8]) -> bool {
    let (method, rest) = line.split_at(line.iter().position(|byte| *byte == b' ').unwrap_or(line.len()));
    let is_text = str::from_utf8(rest).map_or_else(|error| error.error_len().is_none(), |_| true);
    is_token(method) && method.len() <= MAX_METHOD && is_text && !rest.iter().any(u8::is_ascii_control)
}

/// The digits of the version at the end of a request line.
fn version(line: &[u8]) -> Option<(u8, u8)> {
    match line {
        [.., b' ', b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9'] => {
            Some((*major, *minor))
        }
        _ => None,
    }
}

/// A head that [`check`] has accepted, with a first line that a parser of HTTP/1.1 accepts. A later minor version means 1.1
/// (RFC 9110 2.5). UTF-8 in the target is percent-encoded, as browsers do it.
pub(super) fn normalised(head: Bytes) -> Bytes {
    let start = head.len() - head.trim_ascii_start().len();
    let end = head[start..].iter().position(|byte| *byte == b'\n').map_or(head.len(), |end| start + end);
    let line = head[start..end].trim_ascii_end();
    let is_later = version(line).is_some_and(|(_, minor)| minor > b'1');
    if !is_later && line.is_ascii() {
        return head;
    }
    let mut normal = percent_encoded(line, |byte| byte.is_ascii());
    if is_later {
        normal.pop();
        normal.push('1');
    }
    [normal.as_bytes(), &head[start + line.len()..]].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_beginning_of_a_request_line_is_waited_for() {
        let long = "M".repeat(33);
        let table: &[(&[u8], bool)] = &[
            (b"", true),
            (b"G", true),
            (b"GET", true),
            (b"GET ", true),
            (b"GET /", true),
            (b"GET /\xc3", true),
            (b"GET /\xc3\xbc", true),
            (b"GET / HTTP/1.1\r", true),
            (b"GET / HTTP/1.1\r\n", true),
            (b"GET / HTTP/1.0\n\x01", true),
            (b"GET / HTTP/1.9\r\n", true),
            (&long.as_bytes()[1..], true),
            (b"PROXY", true),
            (b" ", false),
            (b" GET", false),
            (b"GET\t", false),
            (b"GET\r\n", false),
            (b"GET / \x01", false),
            (b"GET /\x7f", false),
            (b"GET /\xff", false),
            (b"GET /\xc3(", false),
            (b"GET /\xc3 HTTP/1.1\n", false),
            (b"GET /\xc3\n", false),
            (b"GET /\r/", false),
            (b"GET / HTTP/1.1\r\r\n", false),
            (b"GET /\r\n", false),
            (b"GET / http/1.1\n", false),
            (b"GET / HTTP/1.10\n", false),
            (long.as_bytes(), false),
            (b"\x81\x85", false),
            (b"\0", false),
            (b"\0\r\nQUIT", false),
            (b"\x16", false),
            (b"\x16\x02", false),
            (b"SSH-2.0-OpenSSH_9.2\r\n", false),
            (b"EHLO mail.example\r\n", false),
            (b"*1\r\n$4\r\nPING\r\n", false),
        ];
        for (bytes, expected) in table {
            assert_eq!(check(b"\r\n", bytes).is_ok(), *expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn other_protocols_and_versions_have_their_errors() {
        let error = |bytes: &[u8]| check(b"\r\n\r\n", bytes).expect_err("an error");
        for bytes in [&b"\x16"[..], b"\x16\x01\x03\x02", b"\x16\x03\x01"] {
            assert!(matches!(error(bytes), HeadError::Tls), "{bytes:?}");
        }
        for bytes in [&b"PROXY T"[..], b"PROXY UNKNOWN\r\n", b"\0", b"\0\r\nQUIT\n", b"\0\r\nQUIT\n\x21\x11"] {
            assert!(matches!(error(bytes), HeadError::ProxyProtocol), "{bytes:?}");
        }
        assert!(matches!(check(b"\r\n", b"\0\r\nQUIT\n"), Err(HeadError::Malformed(_))));
        for line in ["PRI * HTTP/2.0\r\n", "GET / HTTP/0.9\n", "GET / HTTP/3.0\n"] {
            assert!(matches!(error(line.as_bytes()), HeadError::Version), "{line}");
        }
    }

    #[test]
    fn first_line_is_normalised_and_the_rest_is_kept() {
        for (head, expected) in [
            ("GET / HTTP/1.1\r\nA: HTTP/1.2\r\n\r\n", None),
            ("GET / HTTP/1.0\n\n", None),
            ("GET / HTTP/1.2\r\nA: \u{fc}\r\n\r\n", Some("GET / HTTP/1.1\r\nA: \u{fc}\r\n\r\n")),
            ("\r\n\nGET / HTTP/1.9\n\n", Some("GET / HTTP/1.1\n\n")),
            ("GET /\u{fc}?\u{20ac}=%41 HTTP/1.0\r\n\r\n", Some("GET /%C3%BC?%E2%82%AC=%41 HTTP/1.0\r\n\r\n")),
            ("GET /\u{fc} HTTP/1.7\n\n", Some("GET /%C3%BC HTTP/1.1\n\n")),
        ] {
            assert_eq!(normalised(head.to_owned().into()), expected.unwrap_or(head).as_bytes(), "{head}");
        }
    }
}
