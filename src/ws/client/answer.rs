//! The server's answer to the handshake (RFC 6455 4.1): read within a deadline and a bound, and judged.
//!
//! Owns the checks. Knows sockets only as a [`DeadlineRead`] of bytes.

use super::{Error, request::Request};
use crate::ws::handshake::{DeadlineRead, fields};
use httparse::Status;
use std::{
    io,
    time::{Duration, Instant},
};
use tungstenite::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CONNECTION, CONTENT_LENGTH, LOCATION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL,
        UPGRADE,
    },
};

/// Bytes of an answer's head. Each interim answer may have as many again; what bounds them in all is the deadline.
const HEAD: usize = 16 * 1024;

/// Header fields of one answer.
const FIELDS: usize = 100;

/// The part of a refusal's body that is kept.
const BODY: usize = 1024;

/// How long that body is waited for.
const BODY_WITHIN: Duration = Duration::from_secs(1);

/// A handshake that succeeded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) protocol: Option<String>,
    /// What came behind the answer.
    pub(super) input: Vec<u8>,
}

/// Reads the answer and judges it.
///
/// # Errors
/// A deadline that has passed is [`Failure::Deadline`]: how long it was is the caller's to say.
pub(super) fn read(
    source: &mut impl DeadlineRead,
    deadline: Instant,
    request: &Request,
    offered: &[String],
) -> Result<Agreed, Failure> {
    let mut bytes = Vec::new();
    loop {
        let (status, headers, length) = head(source, deadline, &mut bytes)?;
        bytes.drain(..length);
        match status {
            101 => {
                let protocol = judge(&headers, &request.accept, offered).map_err(Error::Handshake)?;
                return Ok(Agreed { protocol, input: bytes });
            }
            // Interim answers say that there is more to come (RFC 9110 15.2).
            100..=199 => {}
            _ => return Err(refused(source, deadline, status, &headers, bytes).into()),
        }
    }
}

/// Why there is no agreement.
#[derive(Debug)]
pub(super) enum Failure {
    Deadline,
    Error(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Status, fields and length of the next head, read up to its empty line.
fn head(
    source: &mut impl DeadlineRead,
    deadline: Instant,
    bytes: &mut Vec<u8>,
) -> Result<(u16, HeaderMap, usize), Failure> {
    loop {
        if let Some(found) = parse(bytes).map_err(Error::Handshake)? {
            return Ok(found);
        }
        if bytes.len() >= HEAD {
            return Err(Error::Handshake("its head is too large").into());
        }
        if more(source, deadline, bytes, HEAD)? == 0 {
            let why = if bytes.is_empty() { "the connection was closed without one" } else { "it ends in its head" };
            return Err(Error::Handshake(why).into());
        }
    }
}

/// Reads on, to at most so many bytes in all. 0: the end.
fn more(source: &mut impl DeadlineRead, deadline: Instant, bytes: &mut Vec<u8>, most: usize) -> Result<usize, Failure> {
    let start = bytes.len();
    bytes.resize((start + 1024).min(most), 0);
    let read = loop {
        match source.read_before(deadline, &mut bytes[start..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    bytes.truncate(start + read.as_ref().copied().unwrap_or(0));
    read.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failure::Deadline,
        io::ErrorKind::ConnectionReset => Error::Handshake("the connection was reset").into(),
        _ => Error::Connect(error).into(),
    })
}

/// `None`: there has to come more.
fn parse(bytes: &[u8]) -> Result<Option<(u16, HeaderMap, usize)>, &'static str> {
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    let mut slots = vec![httparse::EMPTY_HEADER; lines.min(FIELDS)];
    let mut raw = httparse::Response::new(&mut slots);
    let length = match raw.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        // More fields than lines so far: the last line is not whole.
        Err(httparse::Error::TooManyHeaders) if lines < FIELDS => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err("it has too many header fields"),
        // A record of TLS: an alert, or part of a handshake (RFC 8446 5.1).
        Err(_) if matches!(bytes, [0x15 | 0x16]) => return Ok(None),
        Err(_) if matches!(bytes, [0x15 | 0x16, 3, ..]) => return Err("it is TLS; use wss:// for this port"),
        Err(_) => return Err("it is not HTTP"),
    };
    let mut headers = HeaderMap::new();
    for field in raw.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| "a header field has no valid name")?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| "a header field has no valid value")?;
        headers.append(name, value);
    }
    match (raw.code, raw.version) {
        (Some(101), Some(0)) => Err("a WebSocket needs HTTP/1.1"),
        (Some(status), _) => Ok(Some((status, headers, length))),
        (None, _) => Err("it has no status"),
    }
}

/// The checks of RFC 6455 4.1 on a 101: the subprotocol agreed on.
///
/// As browsers do, and the WHATWG's standard says, it also fails when subprotocols were offered and none was chosen.
fn judge(headers: &HeaderMap, accept: &str, offered: &[String]) -> Result<Option<String>, &'static str> {
    if !fields::lists(headers, UPGRADE, "websocket") {
        return Err("Upgrade: websocket is missing");
    }
    if !fields::lists(headers, CONNECTION, "upgrade") {
        return Err("Connection: Upgrade is missing");
    }
    match fields::single(headers, SEC_WEBSOCKET_ACCEPT) {
        Ok(Some(value)) if value == accept => {}
        Ok(None) => return Err("Sec-WebSocket-Accept is missing"),
        _ => return Err("Sec-WebSocket-Accept is not the answer to this key"),
    }
    if fields::list(headers, SEC_WEBSOCKET_EXTENSIONS).next().is_some() {
        return Err("it uses an extension that was not offered");
    }
    match fields::single(headers, SEC_WEBSOCKET_PROTOCOL) {
        Ok(None) if offered.is_empty() => Ok(None),
        Ok(None) => Err("none of the subprotocols offered was chosen"),
        Ok(Some(chosen)) => {
            let known = offered.iter().find(|name| chosen == name.as_str());
            known.cloned().map(Some).ok_or("a subprotocol was chosen that was not offered")
        }
        Err(_) => Err("more than one subprotocol was chosen"),
    }
}

/// With as much of the body as came soon.
fn refused(
    source: &mut impl DeadlineRead,
    deadline: Instant,
    status: u16,
    headers: &HeaderMap,
    mut body: Vec<u8>,
) -> Error {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let wanted = length.unwrap_or(BODY).min(BODY);
    let soon = deadline.min(Instant::now() + BODY_WITHIN);
    while body.len() < wanted {
        if !matches!(more(source, soon, &mut body, wanted), Ok(1..)) {
            break;
        }
    }
    body.truncate(wanted);
    let location = headers.get(LOCATION).filter(|_| (300..400).contains(&status));
    let location = location.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Error::Refused { status, body: String::from_utf8_lossy(&body).into_owned(), location }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes, one at a time, then the end.
    struct Slow<'a>(&'a [u8]);

    impl DeadlineRead for Slow<'_> {
        fn read_before(&mut self, _: Instant, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(1);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn answered(text: &str, offered: &[&str]) -> Result<Agreed, Failure> {
        let request = Request { bytes: Vec::new(), accept: "KEY=".into() };
        let offered: Vec<_> = offered.iter().map(|name| (*name).to_owned()).collect();
        read(&mut Slow(text.as_bytes()), Instant::now(), &request, &offered)
    }

    const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: KEY=\r\n";

    #[test]
    fn answers_that_are_fine() {
        let agreed = answered(&format!("HTTP/1.1 100 Continue\r\n\r\n{GOOD}\r\n"), &[]).expect("fine");
        assert_eq!(agreed, Agreed { protocol: None, input: Vec::new() });
        let agreed = answered(&format!("{GOOD}Sec-WebSocket-Protocol: b\r\n\r\n"), &["a", "b"]).expect("fine");
        assert_eq!(agreed.protocol.as_deref(), Some("b"));
    }

    #[test]
    fn answers_that_are_not() {
        let large = format!("HTTP/1.1 101 X\r\nX: {}", "x".repeat(HEAD));
        let many = format!("HTTP/1.1 101 X\r\n{}\r\n", "X: y\r\n".repeat(FIELDS + 1));
        for (text, word) in [
            (String::new(), "closed without"),
            ("HTTP/1.1 101".into(), "ends in its head"),
            ("SSH-2.0-OpenSSH\r\n\r\n".into(), "not HTTP"),
            ("\x15\x03\x01\0\x02\x02\x46".into(), "use wss://"),
            (format!("{GOOD}\r\n").replace("1.1", "1.0"), "HTTP/1.1"),
            (format!("{GOOD}\r\n").replace("Upgrade: W", "X: W"), "Upgrade: websocket"),
            (format!("{GOOD}\r\n").replace(", Upgrade", ""), "Connection: Upgrade"),
            (format!("{GOOD}\r\n").replace("KEY=", "KEX="), "not the answer"),
            (format!("{GOOD}\r\n").replace("Sec-WebSocket-Accept", "X"), "Accept is missing"),
            (format!("{GOOD}Sec-WebSocket-Accept: KEY=\r\n\r\n"), "not the answer"),
            (format!("{GOOD}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"), "extension"),
            (format!("{GOOD}Sec-WebSocket-Protocol: c\r\n\r\n"), "not offered"),
            (format!("{GOOD}Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n\r\n"), "more than one"),
            (format!("{GOOD}\r\n"), "none of the subprotocols"),
            (large, "too large"),
            (many, "too many"),
        ] {
            match answered(&text, &["a"]) {
                Err(Failure::Error(Error::Handshake(why))) => assert!(why.contains(word), "{why}: {text}"),
                other => panic!("{other:?}: {text}"),
            }
        }
    }

    #[test]
    fn a_refusal_says_what_the_server_said() {
        for (text, expected) in [
            ("HTTP/1.1 401 No\r\nContent-Length: 7\r\n\r\nA token", "401 instead of 101: A token"),
            ("HTTP/1.1 404 No\r\n\r\n\n not\x1b[31m here\nmore", "404 instead of 101: not\\u{1b}[31m here"),
            ("HTTP/1.0 302 Found\r\nLocation: /else\r\n\r\n", "302 instead of 101, and names /else"),
            ("HTTP/1.1 200 OK\r\nLocation: /else\r\nContent-Length: 2\r\n\r\nhi there", "200 instead of 101: hi"),
        ] {
            match answered(text, &[]) {
                Err(Failure::Error(error)) => assert_eq!(error.to_string(), format!("the server answered {expected}")),
                other => panic!("{other:?}: {text}"),
            }
        }
        let long = format!("HTTP/1.1 500 X\r\n\r\n{}", "x".repeat(5000));
        let Err(Failure::Error(Error::Refused { body, .. })) = answered(&long, &[]) else { panic!("a refusal") };
        assert_eq!(body.len(), BODY);
    }
}
