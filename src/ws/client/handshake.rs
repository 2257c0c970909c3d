//! The client's handshake (RFC 6455 4.1): the request, and the checks on the server's response.

use super::{Error, builder::Builder, url::Target};
use crate::ws::connection::PeerInfo;
use crate::ws::handshake::head::{HeadError, first_line, invalid, read_head, read_more};
use crate::ws::handshake::upgrade::check_fields;
use crate::ws::http::{list_elements, single_field};
use std::io::{ErrorKind, Read};
use tungstenite::handshake::{client::generate_key, derive_accept_key};
use tungstenite::http::{HeaderMap, StatusCode, header};

/// Bytes of the head of one response. The deadline bounds the number of interim responses.
const MAX_HEAD_SIZE: usize = 16 * 1024;

const MAX_FIELDS: usize = 100;

/// Bytes of the body of a refusal that are kept.
const MAX_BODY: usize = 1024;

/// The request with a new key, and the `Sec-WebSocket-Accept` that its response must have. The settings have been checked.
pub(super) fn request(target: &Target, settings: &Builder) -> (String, String) {
    let key = generate_key();
    let protocols =
        Some(("Sec-WebSocket-Protocol", settings.protocols.join(", "))).filter(|(_, names)| !names.is_empty());
    let extensions = settings.deflate.map(|deflate| ("Sec-WebSocket-Extensions", deflate.offer()));
    let own = settings.headers.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let more = protocols.into_iter().chain(extensions).chain(own);
    let more: String = more.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let text = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{more}\r\n",
        target.resource, target.host,
    );
    (text, derive_accept_key(key.as_bytes()))
}

/// Reads the response and checks it. Returns what it says about the server, and the bytes that arrived after it.
///
/// # Errors
/// [`Error::Refused`], [`Error::Handshake`], or [`Error::Connect`] if the socket failed or the deadline passed (`TimedOut`).
pub(super) fn read_response(io: &mut impl Read, accept: &str, builder: &Builder) -> Result<(PeerInfo, Vec<u8>), Error> {
    let mut buffer = Vec::new();
    loop {
        let (status, headers, _) = read_head(io, &mut buffer, MAX_HEAD_SIZE, MAX_FIELDS, status)?;
        match status.as_u16() {
            101 => {
                let info = check_upgrade(&headers, accept, builder).map_err(Error::Handshake)?;
                return Ok((info, buffer));
            }
            // An interim response: another one follows (RFC 9110 15.2).
            100..=199 => {}
            status => return Err(refused(io, buffer, status, &headers)),
        }
    }
}

/// The status in the first line of a response. Detects other protocols, whose servers may wait for the client. TLS sends an
/// alert or a handshake (RFC 8446 5.1).
fn status(_: &[u8], bytes: &[u8]) -> Result<Option<StatusCode>, HeadError> {
    if matches!(bytes, [0x15 | 0x16] | [0x15 | 0x16, 3, ..]) {
        return Err(HeadError::Tls);
    }
    if !bytes.iter().zip(b"HTTP/1.").all(|(byte, expected)| byte == expected) {
        return Err(NOT_HTTP);
    }
    let Some(line) = first_line(bytes) else { return Ok(None) };
    let status = line.split(|byte| *byte == b' ').nth(1).and_then(|status| StatusCode::from_bytes(status).ok());
    match status.ok_or(NOT_HTTP)? {
        StatusCode::SWITCHING_PROTOCOLS if line.starts_with(b"HTTP/1.0") => Err(invalid("a WebSocket needs HTTP/1.1")),
        status => Ok(Some(status)),
    }
}

const NOT_HTTP: HeadError = invalid("it is not HTTP/1");

/// The checks of RFC 6455 4.1 on a 101. Returns the selected subprotocol and the agreement on compression.
///
/// As in browsers (WHATWG), it is an error if subprotocols were offered and the server selected none.
fn check_upgrade(headers: &HeaderMap, accept: &str, settings: &Builder) -> Result<PeerInfo, &'static str> {
    check_fields(headers)?;
    if !matches!(single_field(headers, &header::SEC_WEBSOCKET_ACCEPT), Ok(Some(value)) if value == accept) {
        return Err("Sec-WebSocket-Accept is missing or does not match the key");
    }
    let deflate = match settings.deflate {
        Some(deflate) => deflate.check(headers)?,
        None if list_elements(headers, &header::SEC_WEBSOCKET_EXTENSIONS).next().is_none() => None,
        None => return Err("it selects an extension that was not offered"),
    };
    let selected = single_field(headers, &header::SEC_WEBSOCKET_PROTOCOL);
    let selected = selected.map_err(|()| "it selects more than one subprotocol")?;
    let known = settings.protocols.iter().find(|name| selected.is_some_and(|selected| selected == name.as_str()));
    match (selected, known) {
        (Some(_), None) => Err("it selects a subprotocol that was not offered"),
        (None, _) if !settings.protocols.is_empty() => Err("it selects none of the subprotocols offered"),
        _ => Ok(PeerInfo { protocol: known.map(|name| name.as_str().into()), deflate, ..PeerInfo::default() }),
    }
}

/// The refusal, with the beginning of its body. Of one in chunks, with what has arrived.
fn refused(io: &mut impl Read, mut buffer: Vec<u8>, status: u16, headers: &HeaderMap) -> Error {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let is_chunked = headers.contains_key(header::TRANSFER_ENCODING);
    let length = length.unwrap_or(if is_chunked { buffer.len() } else { MAX_BODY }).min(MAX_BODY);
    while buffer.len() < length && read_more(io, &mut buffer, length).is_ok() {}
    buffer.truncate(length);
    let location = headers.get(header::LOCATION).filter(|_| (300..400).contains(&status));
    let body = location.map_or(&buffer[..], |target| target.as_bytes());
    Error::Refused { status, body: String::from_utf8_lossy(body).into_owned() }
}

impl From<HeadError> for Error {
    fn from(error: HeadError) -> Self {
        Self::Handshake(match error {
            HeadError::Deadline => return Self::Connect(ErrorKind::TimedOut.into()),
            HeadError::Io(why) if why.kind() != ErrorKind::ConnectionReset => return Self::Connect(why),
            HeadError::Io(_) | HeadError::Closed => "the connection was closed without one",
            HeadError::Tls => "it is TLS; use wss:// for this port",
            HeadError::ProxyProtocol => "it is not HTTP/1",
            HeadError::Invalid(_, why) => why,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns its bytes one at a time, then the end of the stream.
    struct ByteByByte<'a>(&'a [u8]);

    impl Read for ByteByByte<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.0.len().min(1);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn read(text: &str, offered: &[&str]) -> Result<(PeerInfo, Vec<u8>), Error> {
        let settings = Builder::new("").protocols(offered.iter().copied());
        read_response(&mut ByteByByte(text.as_bytes()), "KEY=", &settings)
    }

    const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: KEY=\r\n";

    #[test]
    fn request_has_what_rfc_6455_requires() {
        let target = Target::parse("ws://example.org:6502/room/a?x=1").expect("a URL");
        let settings = Builder::new("").protocols(["chat", "text"]).header("Origin", "http://example.org");
        let (text, accept) = request(&target, &settings);
        assert!(text.starts_with("GET /room/a?x=1 HTTP/1.1\r\nHost: example.org:6502\r\n"), "{text}");
        assert!(
            text.contains("\r\nSec-WebSocket-Protocol: chat, text\r\nOrigin: http://example.org\r\n\r\n"),
            "{text}"
        );
        let key = text.split("Sec-WebSocket-Key: ").nth(1).expect("a key").split('\r').next().expect("a line");
        assert_eq!((key.len(), derive_accept_key(key.as_bytes())), (24, accept));
    }

    #[test]
    fn valid_responses_are_accepted() {
        let (info, input) = read(&format!("HTTP/1.1 100 Continue\r\n\r\n{GOOD}\r\n"), &[]).expect("a 101");
        assert_eq!((info.protocol, info.deflate, input), (None, None, Vec::new()));
        let (info, _) = read(&format!("{GOOD}Sec-WebSocket-Protocol: b\r\n\r\n"), &["a", "b"]).expect("a 101");
        assert_eq!(info.protocol.as_deref(), Some("b"));
    }

    #[test]
    fn invalid_responses_are_rejected() {
        let large = format!("HTTP/1.1 101 X\r\nX: {}", "x".repeat(MAX_HEAD_SIZE));
        let many = format!("HTTP/1.1 101 X\r\n{}\r\n", "X: y\r\n".repeat(MAX_FIELDS + 1));
        for (text, word) in [
            (String::new(), "closed without"),
            ("HTTP/1.1 101".into(), "in the middle of the head"),
            ("SSH-2.0-OpenSSH\r\n".into(), "not HTTP"),
            ("\x15\x03\x01\0\x02\x02\x46".into(), "use wss://"),
            ("HTTP/1.1 101 X\r\nX Y: z\r\n\r\n".into(), "invalid name"),
            ("HTTP/1.1 1010 X\r\n\r\n".into(), "not HTTP"),
            ("HTTP/1.1\r\n\r\n".into(), "not HTTP"),
            (format!("{GOOD}\r\n").replace("1.1", "1.0"), "HTTP/1.1"),
            (format!("{GOOD}\r\n").replace("Upgrade: W", "X: W"), "Upgrade: websocket"),
            (format!("{GOOD}\r\n").replace(", Upgrade", ""), "Connection: Upgrade"),
            (format!("{GOOD}\r\n").replace("KEY=", "KEX="), "not match"),
            (format!("{GOOD}\r\n").replace("Sec-WebSocket-Accept", "X"), "Accept is missing"),
            (format!("{GOOD}Sec-WebSocket-Accept: KEY=\r\n\r\n"), "not match"),
            (format!("{GOOD}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"), "extension"),
            (format!("{GOOD}Sec-WebSocket-Protocol: c\r\n\r\n"), "not offered"),
            (format!("{GOOD}Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n\r\n"), "more than one"),
            (format!("{GOOD}\r\n"), "none of the subprotocols"),
            (large, "too large"),
            (many, "too many"),
        ] {
            match read(&text, &["a"]) {
                Err(Error::Handshake(why)) => assert!(why.contains(word), "{why}: {text}"),
                other => panic!("{other:?}: {text}"),
            }
        }
    }

    #[test]
    fn refusal_quotes_the_server() {
        for (text, expected) in [
            ("HTTP/1.1 401 No\r\nContent-Length: 7\r\n\r\nA token", "401 instead of 101: A token"),
            ("HTTP/1.1 404 No\r\n\r\n\n not\x1b[31m here\nmore", "404 instead of 101: not\\u{1b}[31m here"),
            ("HTTP/1.0 302 Found\r\nLocation: /else\r\n\r\n", "302 instead of 101: /else"),
            ("HTTP/1.1 200 OK\r\nLocation: /else\r\nContent-Length: 2\r\n\r\nhi there", "200 instead of 101: hi"),
        ] {
            let error = read(text, &[]).expect_err(text);
            assert_eq!(error.to_string(), format!("the server responded with {expected}"));
        }
        let long = format!("HTTP/1.1 500 X\r\n\r\n{}", "x".repeat(5000));
        let Err(Error::Refused { body, .. }) = read(&long, &[]) else { panic!("a refusal") };
        assert_eq!(body.len(), MAX_BODY);
    }
}
