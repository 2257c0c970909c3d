//! Reads the head of a request (RFC 9112 2 to 5). docs/HANDSHAKE.md lists what is rejected. Bytes that cannot begin a request
//! are refused before their sender has to wait.

use super::head::{HeadError, first_line, invalid, read_head};
use super::secrets::RequestHead;
use crate::ws::config::Config;
use crate::ws::http::{Method, Request, is_token, percent_encoded};
use std::{io::Read, str};
use tungstenite::http::{Uri, Version};

const INVALID: HeadError = invalid("The first line must be a request line, such as GET / HTTP/1.1.");

/// The longest method in use, `UPDATEREDIRECTREF`, has 17 characters.
const MAX_METHOD: usize = 32;

/// Reads one request head, within [`Config::max_head_size`] and [`Config::max_header_fields`]. Also returns the bytes that
/// arrived after it: a client may send its first frames without waiting for the response. The caller sets the deadline, as a
/// timeout of `io`.
///
/// # Errors
/// The request is missing or invalid. [`HeadError::response`] is what to send.
#[inline(never)] // As `PendingHandshake::run`.
pub fn read_request(io: &mut impl Read, config: &Config) -> Result<(Box<Request>, Vec<u8>), HeadError> {
    let mut buffer = Vec::new();
    let head = read_head(io, &mut buffer, config.max_head_size, config.max_header_fields, parse_line)?;
    let ((method, uri, version), headers, bytes) = head;
    let mut request = new_request();
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.version_mut() = version;
    *request.headers_mut() = headers;
    request.extensions_mut().insert(RequestHead(bytes));
    Ok((request, buffer))
}

#[inline(never)] // The request must not lie on the stack of `read_request`.
fn new_request() -> Box<Request> {
    Box::default()
}

/// Parses the first line. `None`: it is not complete.
///
/// # Errors
/// What has arrived, and the empty lines before it, cannot become a request.
fn parse_line(empty_lines: &[u8], bytes: &[u8]) -> Result<Option<(Method, Uri, Version)>, HeadError> {
    match bytes {
        [] => return Ok(None),
        // A TLS handshake begins with its record type (RFC 8446 5.1). No more is read, so the answer does not depend on packets.
        [0x16, ..] => return Err(HeadError::Tls),
        // Version 2 of the PROXY protocol begins with two empty lines and this.
        [0, ..] if empty_lines == b"\r\n\r\n" => return Err(HeadError::ProxyProtocol),
        _ if bytes.starts_with(b"PROXY ") => return Err(HeadError::ProxyProtocol),
        _ => {}
    }
    match first_line(bytes) {
        Some(line) if may_begin(line) => request_line(line).map(Some),
        None if may_begin(bytes.strip_suffix(b"\r").unwrap_or(bytes)) => Ok(None),
        _ => Err(INVALID),
    }
}

/// Whether a method and a target may begin like this. The end of a UTF-8 character in the target may not have arrived yet.
fn may_begin(line: &[u8]) -> bool {
    let (method, rest) = line.split_at(line.iter().position(|byte| *byte == b' ').unwrap_or(line.len()));
    let is_text = str::from_utf8(rest).map_or_else(|error| error.error_len().is_none(), |_| true);
    is_token(method) && method.len() <= MAX_METHOD && is_text && !rest.iter().any(u8::is_ascii_control)
}

#[inline(never)] // As `PendingHandshake::run`.
fn request_line(line: &[u8]) -> Result<(Method, Uri, Version), HeadError> {
    let parts: Vec<&str> = str::from_utf8(line).unwrap_or_default().split(' ').collect();
    let [method, target, version] = parts[..] else { return Err(INVALID) };
    let version = match version.strip_prefix("HTTP/").map(str::as_bytes) {
        Some(b"1.0") => Version::HTTP_10,
        // A later minor version means 1.1 (RFC 9110 2.5).
        Some([b'1', b'.', b'1'..=b'9']) => Version::HTTP_11,
        Some([b'0'..=b'9', b'.', b'0'..=b'9']) => {
            return Err(HeadError::Invalid(505, "This server supports HTTP/1.1."));
        }
        _ => return Err(INVALID),
    };
    if target.is_empty() {
        return Err(INVALID);
    }
    if target.contains('#') {
        return Err(invalid("The request target must not contain a #."));
    }
    let uri = uri(target, method);
    let uri = uri.ok_or(invalid("The request target must be a path that begins with /, or an http:// URL."))?;
    Ok((Method::from_bytes(method.as_bytes()).map_err(|_| INVALID)?, uri, version))
}

/// Accepts origin form, absolute form, and `OPTIONS *`. The fourth form is for proxies (`CONNECT`; RFC 9112 3.2). UTF-8 is
/// percent-encoded, as browsers do it.
fn uri(target: &str, method: &str) -> Option<Uri> {
    let uri: Uri = percent_encoded(target.as_bytes(), |byte| byte.is_ascii()).parse().ok()?;
    let is_web = target.starts_with('/') || matches!(uri.scheme_str(), Some("http" | "https"));
    (is_web || (method, target) == ("OPTIONS", "*")).then_some(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_paths_or_urls_of_the_web() {
        for (line, is_valid) in [
            ("GET /", true),
            ("GET /a?b", true),
            ("GET http://a/b", true),
            ("GET https://a", true),
            ("OPTIONS *", true),
            ("GET *", false),
            ("GET ws://a/", false),
            ("GET a:80", false),
            ("OPTIONS a", false),
        ] {
            let parsed = request_line(format!("{line} HTTP/1.1").as_bytes());
            assert_eq!(parsed.is_ok(), is_valid, "{line}");
            assert!(parsed.is_ok_and(|(method, ..)| line.starts_with(method.as_str())) || !is_valid);
        }
    }

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
            assert_eq!(parse_line(b"\r\n", bytes).is_ok(), *expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn other_protocols_and_versions_have_their_errors() {
        let error = |bytes: &[u8]| parse_line(b"\r\n\r\n", bytes).expect_err("an error");
        for bytes in [&b"\x16"[..], b"\x16\x01\x03\x02", b"\x16\x03\x01"] {
            assert!(matches!(error(bytes), HeadError::Tls), "{bytes:?}");
        }
        for bytes in [&b"PROXY T"[..], b"PROXY UNKNOWN\r\n", b"\0", b"\0\r\nQUIT\n", b"\0\r\nQUIT\n\x21\x11"] {
            assert!(matches!(error(bytes), HeadError::ProxyProtocol), "{bytes:?}");
        }
        assert!(matches!(parse_line(b"\r\n", b"\0\r\nQUIT\n"), Err(HeadError::Invalid(400, _))));
        for line in ["PRI * HTTP/2.0\r\n", "GET / HTTP/0.9\n", "GET / HTTP/3.0\n"] {
            assert!(matches!(error(line.as_bytes()), HeadError::Invalid(505, _)), "{line}");
        }
    }

    #[test]
    fn version_and_target_are_normalised() {
        for (line, target, version) in [
            ("GET / HTTP/1.0", "/", Version::HTTP_10),
            ("GET / HTTP/1.2", "/", Version::HTTP_11),
            ("GET / HTTP/1.9", "/", Version::HTTP_11),
            ("GET /\u{fc}?\u{20ac}=%41 HTTP/1.0", "/%C3%BC?%E2%82%AC=%41", Version::HTTP_10),
            ("GET /\u{fc} HTTP/1.7", "/%C3%BC", Version::HTTP_11),
        ] {
            let (_, uri, found) = request_line(line.as_bytes()).expect(line);
            assert_eq!((uri.to_string().as_str(), found), (target, version), "{line}");
        }
        for (line, sentence) in
            [("GET  HTTP/1.1", "first line"), ("GET /a b HTTP/1.1", "first line"), ("GET /#a HTTP/1.1", "#")]
        {
            let error = request_line(line.as_bytes()).expect_err(line).to_string();
            assert!(error.contains(sentence), "{line}: {error}");
        }
    }
}
