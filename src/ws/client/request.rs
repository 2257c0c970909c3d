//! The request that a client opens with (RFC 6455 4.1).
//!
//! Owns its bytes, and the checks on what a program wants to have in it.

use super::{Error, url::Target};
use crate::ws::handshake::fields::is_token;
use tungstenite::{
    handshake::{client::generate_key, derive_accept_key},
    http::{HeaderName, HeaderValue},
};

/// The fields that the handshake itself is made of. Nobody else sets them.
const OURS: [&str; 9] = [
    "host",
    "upgrade",
    "connection",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "content-length",
    "transfer-encoding",
];

/// A request, and what has to be in the answer.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) bytes: Vec<u8>,
    /// The value of `Sec-WebSocket-Accept`.
    pub(super) accept: String,
}

impl Request {
    /// With a key of its own. Header fields have been checked.
    pub(super) fn new(target: &Target, protocols: &[String], headers: &[(String, String)]) -> Self {
        let key = generate_key();
        let mut text = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n",
            target.resource,
            target.authority(),
        );
        if !protocols.is_empty() {
            text.push_str(&format!("Sec-WebSocket-Protocol: {}\r\n", protocols.join(", ")));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        Self { bytes: text.into_bytes(), accept: derive_accept_key(key.as_bytes()) }
    }
}

/// Each a token, none twice (RFC 6455 4.1, item 10).
///
/// # Errors
/// [`Error::Protocol`]
pub(super) fn check_protocols(protocols: &[String]) -> Result<(), Error> {
    for (at, name) in protocols.iter().enumerate() {
        if !is_token(name.as_bytes()) || protocols[..at].contains(name) {
            return Err(Error::Protocol(name.clone()));
        }
    }
    Ok(())
}

/// Valid ones, and none that the handshake sets.
///
/// # Errors
/// [`Error::Header`], which does not repeat a value: it may be a secret.
pub(super) fn check_headers(headers: &[(String, String)]) -> Result<(), Error> {
    let wrong = |(name, value): &&(String, String)| {
        OURS.contains(&name.to_ascii_lowercase().as_str())
            || HeaderName::from_bytes(name.as_bytes()).is_err()
            || HeaderValue::from_str(value).is_err()
    };
    match headers.iter().find(wrong) {
        Some((name, _)) => Err(Error::Header(name.clone())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_says_what_rfc_6455_wants() {
        let target = Target::parse("ws://example.org:6502/room/a?x=1", false).expect("a URL");
        let headers = [("Origin".to_owned(), "http://example.org".to_owned())];
        let request = Request::new(&target, &["chat".into(), "text".into()], &headers);
        let text = String::from_utf8(request.bytes).expect("text");
        assert!(text.starts_with("GET /room/a?x=1 HTTP/1.1\r\nHost: example.org:6502\r\n"), "{text}");
        assert!(
            text.contains("\r\nSec-WebSocket-Protocol: chat, text\r\nOrigin: http://example.org\r\n\r\n"),
            "{text}"
        );
        let key = text.split("Sec-WebSocket-Key: ").nth(1).expect("a key").split('\r').next().expect("a line");
        assert_eq!((key.len(), derive_accept_key(key.as_bytes())), (24, request.accept));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for (protocols, fine) in [
            (&["a", "b"][..], true),
            (&[], true),
            (&["a", "a"], false),
            (&[""], false),
            (&["a b"], false),
            (&["a,b"], false),
            (&["\u{e9}"], false),
        ] {
            let protocols: Vec<_> = protocols.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(check_protocols(&protocols).is_ok(), fine, "{protocols:?}");
        }
        for (name, value, fine) in [
            ("Authorization", "Bearer x", true),
            ("Host", "other", false),
            ("sec-websocket-KEY", "x", false),
            ("a b", "x", false),
            ("X", "a\r\nY: b", false),
        ] {
            assert_eq!(check_headers(&[(name.into(), value.into())]).is_ok(), fine, "{name}");
        }
        let said = check_headers(&[("X".into(), "secret\n".into())]).expect_err("a line feed").to_string();
        assert!(!said.contains("secret"), "{said}");
    }
}
