//! The WebSocket handshake itself (RFC 6455 4.2).
//!
//! Owns what a handshake must say, the choice of the subprotocol and the 101 answer. The accept key
//! is tungstenite's. Knows nothing of who may come in.

use std::sync::Arc;

use tungstenite::handshake::derive_accept_key;
use tungstenite::http::header::{
    CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tungstenite::http::{HeaderMap, HeaderValue, Version};

use super::{Policy, bad_request, fields, not_allowed, not_found};
use crate::ws::http::{Method, Request, Response};

/// Is that a handshake, or meant to be one? Some proxies drop `Upgrade` and leave the rest: such a
/// client wants a sentence on what went wrong, not the page.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    fields::lists(headers, UPGRADE, "websocket")
        || headers.contains_key(SEC_WEBSOCKET_KEY)
        || headers.contains_key(SEC_WEBSOCKET_VERSION)
}

/// Method, version, path, and the fields that RFC 6455 4.2.1 wants; the key is left to [`accept`].
pub(super) fn check_request(request: &Request, policy: &Policy) -> Result<(), Response> {
    if request.method() != Method::GET {
        return Err(not_allowed("GET"));
    }
    if request.version() < Version::HTTP_11 {
        return Err(old_version());
    }
    if !(policy.endpoint)(request.uri().path()) {
        return Err(not_found("There is no WebSocket at this path, but at others."));
    }
    check_fields(request.headers())
}

fn check_fields(headers: &HeaderMap) -> Result<(), Response> {
    let required = [
        (
            UPGRADE,
            "websocket",
            "Upgrade: websocket is missing; a proxy in between must pass Upgrade and Connection on.",
        ),
        (
            CONNECTION,
            "upgrade",
            "Connection: Upgrade is missing; a proxy in between must pass Upgrade and Connection on.",
        ),
    ];
    for (name, word, sentence) in required {
        if !fields::lists(headers, name, word) {
            return Err(bad_request(sentence));
        }
    }
    match fields::single(headers, SEC_WEBSOCKET_VERSION) {
        Ok(Some(version)) if version == "13" => {}
        _ => return Err(required_version()),
    }
    match fields::single(headers, SEC_WEBSOCKET_KEY) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(bad_request("Sec-WebSocket-Key is missing.")),
        Err(_) => Err(bad_request("Sec-WebSocket-Key is given more than once.")),
    }
}

/// The first subprotocol in the client's order that the server knows. That none is known is no error: the
/// client decides what it does then (RFC 6455 4.2.2). Names that are no tokens are one (4.2.1).
pub(super) fn choose_protocol(headers: &HeaderMap, known: &[Arc<str>]) -> Result<Option<Arc<str>>, Response> {
    if !headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Ok(None);
    }
    let mut offers = fields::list(headers, SEC_WEBSOCKET_PROTOCOL).peekable();
    if offers.peek().is_none() || !offers.all(fields::is_token) {
        return Err(bad_request("Sec-WebSocket-Protocol must be a list of names, such as chat, superchat."));
    }
    let mut offers = fields::list(headers, SEC_WEBSOCKET_PROTOCOL);
    let of_name = |offer: &[u8]| known.iter().find(|name| name.as_bytes() == offer);
    Ok(offers.find_map(of_name).cloned())
}

/// The value of `Sec-WebSocket-Accept`, which tungstenite computes.
pub(super) fn accept(headers: &HeaderMap) -> Result<String, Response> {
    match headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes) {
        Some(key) if is_key(key) => Ok(derive_accept_key(key)),
        _ => Err(bad_request("Sec-WebSocket-Key must be 16 bytes in base64.")),
    }
}

/// 16 bytes in base64 (RFC 4648 4): 22 digits, of which the last one has two bits only, and two signs that fill up.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    match key {
        [digits @ .., b'A' | b'Q' | b'g' | b'w', b'=', b'='] => digits.len() == 21 && digits.iter().all(is_digit),
        _ => false,
    }
}

/// The 101 answer, spelled as in RFC 6455 1.2: some small clients know no other letter case.
pub(super) fn answer(accept: &str, protocol: Option<&str>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(192);
    bytes.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    let protocol = protocol.map(|name| ("Sec-WebSocket-Protocol", name));
    for (name, value) in [Some(("Sec-WebSocket-Accept", accept)), protocol].into_iter().flatten() {
        [name, ": ", value, "\r\n"].iter().for_each(|part| bytes.extend_from_slice(part.as_bytes()));
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// 400, the status that RFC 6455 4.2.1 names. 505 would be wrong: HTTP/1.0 as such is spoken here, pages are served with it.
pub(super) fn old_version() -> Response {
    bad_request("A WebSocket handshake needs HTTP/1.1; with nginx, set proxy_http_version 1.1.")
}

/// 426: only a WebSocket handshake helps here (RFC 9110 15.5.22).
pub(super) fn required(sentence: &str) -> Response {
    Response::text(426, sentence).with("Upgrade", "websocket").with("Sec-WebSocket-Version", "13")
}

/// 426 with the versions that are spoken (RFC 6455 4.4).
fn required_version() -> Response {
    required("Sec-WebSocket-Version must be given once, and be 13.")
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn a_key_is_16_bytes_in_base64() {
        for (key, right) in [
            ("dGhlIHNhbXBsZSBub25jZQ==", true),
            ("AAAAAAAAAAAAAAAAAAAAAA==", true),
            ("+/+/+/+/+/+/+/+/+/+/+w==", true),
            ("dGhlIHNhbXBsZSBub25jZR==", false),
            ("dGhlIHNhbXBsZSBub25jZQ=", false),
            ("dGhlIHNhbXBsZSBub25jZQAA", false),
            ("dGhlIHNhbXBsZSBub25jZQAA==", false),
            ("dGhlIHNhbXBs-SBub25jZQ==", false),
            ("==AAAAAAAAAAAAAAAAAAAAAA", false),
            ("A===", false),
            ("", false),
        ] {
            assert_eq!(is_key(key.as_bytes()), right, "{key}");
        }
    }
}
