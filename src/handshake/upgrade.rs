//! The WebSocket handshake itself (RFC 6455 4.2).
//!
//! Owns what a handshake must say, the choice of the subprotocol and the 101 answer. The last word, and the
//! accept key, are tungstenite's. Knows nothing of who may come in.

use std::sync::Arc;

use tungstenite::error::ProtocolError;
use tungstenite::handshake::server::create_response;
use tungstenite::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use tungstenite::http::{HeaderMap, HeaderValue, Version};

use super::{Policy, bad_request, fields, not_allowed, not_found};
use crate::http::{Method, Request, Response};

/// Is that a handshake, or meant to be one? Some proxies drop `Upgrade` and leave the rest: such a
/// client wants a sentence on what went wrong, not the page.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    fields::lists(headers, UPGRADE, "websocket")
        || headers.contains_key(SEC_WEBSOCKET_KEY)
        || headers.contains_key(SEC_WEBSOCKET_VERSION)
}

/// Method, version, path, and the fields that RFC 6455 4.2.1 wants; the key is left to [`accept`].
#[inline(never)]
pub(super) fn check_request(request: &Request, policy: &Policy) -> Result<(), Response> {
    if request.method() != Method::GET {
        return Err(not_allowed("GET"));
    }
    if request.version() < Version::HTTP_11 {
        return Err(old_version());
    }
    if !(policy.endpoint)(request.uri().path()) {
        return Err(not_found());
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
#[inline(never)]
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

/// Has tungstenite check the handshake, and returns the value of `Sec-WebSocket-Accept`.
///
/// It understands one `Connection` field and one word in `Upgrade`, so it is shown the request in that form.
#[inline(never)]
pub(super) fn accept(request: &Request) -> Result<HeaderValue, Response> {
    let answer = create_response(&plain_form(request)).map_err(|error| explain(&error))?;
    let accept = answer.headers().get(SEC_WEBSOCKET_ACCEPT).cloned();
    accept.ok_or_else(|| bad_request("The handshake has no answer."))
}

#[inline(never)]
fn plain_form(request: &Request) -> Box<Request> {
    let mut plain = Box::new(Request::new(()));
    *plain.method_mut() = request.method().clone();
    *plain.version_mut() = request.version();
    let headers = plain.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    for name in [SEC_WEBSOCKET_VERSION, SEC_WEBSOCKET_KEY] {
        if let Some(value) = request.headers().get(&name) {
            headers.insert(name, value.clone());
        }
    }
    plain
}

#[inline(never)]
fn explain(error: &tungstenite::Error) -> Response {
    use tungstenite::Error::Protocol;
    match error {
        Protocol(ProtocolError::InvalidSecWebSocketKey) => bad_request("Sec-WebSocket-Key must be 16 bytes in base64."),
        other => bad_request(&format!("This is no WebSocket handshake: {other}.")),
    }
}

/// The 101 answer, spelled as in RFC 6455 1.2: some small clients know no other letter case.
#[inline(never)]
pub(super) fn answer(accept: &HeaderValue, protocol: Option<&str>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(192);
    bytes.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    let protocol = protocol.map(|name| ("Sec-WebSocket-Protocol", name.as_bytes()));
    for (name, value) in [Some(("Sec-WebSocket-Accept", accept.as_bytes())), protocol].into_iter().flatten() {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
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
