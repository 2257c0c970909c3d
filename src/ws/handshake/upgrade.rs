//! The WebSocket handshake itself (RFC 6455 4.2): what a request must contain, and the 101 response.

use super::{Policy, bad_request};
use crate::ws::deflate::Agreement;
use crate::ws::http::{Method, Request, Response};
use crate::ws::http::{is_additional_field, is_token, list_contains, list_elements, single_field};
use std::{any::Any, borrow::Cow, sync::Arc};
use tungstenite::handshake::derive_accept_key;
use tungstenite::http::header::{CONNECTION, SEC_WEBSOCKET_KEY as KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use tungstenite::http::{HeaderMap, Version, header::SEC_WEBSOCKET_VERSION};

/// Whether the request is meant to be a handshake. Some proxies drop only `Upgrade`. Their clients need to know why the
/// handshake failed, so they do not get a page.
pub(super) fn is_requested(headers: &HeaderMap) -> bool {
    list_contains(headers, &UPGRADE, "websocket")
        || headers.contains_key(KEY)
        || headers.contains_key(SEC_WEBSOCKET_VERSION)
}

/// Checks method, version, path and the fields of RFC 6455 4.2.1. Returns the value of `Sec-WebSocket-Accept`.
#[inline(never)] // See `apply_rules`.
pub(super) fn check(request: &Request, policy: &Policy) -> Result<String, Response> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(Response::text(405, "Only GET is allowed here.").with("Allow", "GET"));
    }
    if request.version() < Version::HTTP_11 {
        return Err(old_version());
    }
    if !policy.is_endpoint(request) {
        return Err(Response::text(404, "No WebSocket endpoint at this path."));
    }
    check_fields(headers)
        .map_err(|why| bad_request(&format!("{why}. Proxies must forward Upgrade and Connection.")))?;
    if !matches!(single_field(headers, &SEC_WEBSOCKET_VERSION), Ok(Some(version)) if version == "13") {
        return Err(required("Sec-WebSocket-Version must be 13, given once."));
    }
    match single_field(headers, &KEY) {
        Ok(Some(key)) if is_key(key.as_bytes()) => Ok(derive_accept_key(key.as_bytes())),
        _ => Err(bad_request("Sec-WebSocket-Key must be 16 bytes in base64, given once.")),
    }
}

/// The fields that a request and a response must have.
pub(crate) fn check_fields(headers: &HeaderMap) -> Result<(), &'static str> {
    if !list_contains(headers, &UPGRADE, "websocket") {
        return Err("Upgrade: websocket is missing");
    }
    if list_contains(headers, &CONNECTION, "upgrade") { Ok(()) } else { Err("Connection: Upgrade is missing") }
}

/// 16 bytes in base64 (RFC 4648 4): 22 digits and two padding characters. The last digit has four unused bits, which need not
/// be zero: they are not in the example of RFC 6455 4.1.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    matches!(key, [digits @ .., b'=', b'='] if digits.len() == 22 && digits.iter().all(is_digit))
}

/// Selects the first subprotocol in the client's order that the server supports. If there is none, the client decides
/// what to do (RFC 6455 4.2.2). Names that are not tokens are an error (4.2.1).
#[inline(never)] // See `apply_rules`.
pub(super) fn select_protocol(headers: &HeaderMap, supported: &[Arc<str>]) -> Result<Option<Arc<str>>, Response> {
    let offers: Vec<&[u8]> = list_elements(headers, &SEC_WEBSOCKET_PROTOCOL).collect();
    let is_empty = offers.is_empty() && headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
    if is_empty || !offers.iter().all(|name| is_token(name)) {
        return Err(bad_request("Sec-WebSocket-Protocol must be a list of names, such as chat, superchat."));
    }
    let find = |offer: &[u8]| supported.iter().find(|name| name.as_bytes() == offer);
    Ok(offers.into_iter().find_map(find).cloned())
}

/// 400, the status that RFC 6455 4.2.1 names. 505 would be wrong, because pages are served with HTTP/1.0.
pub(super) fn old_version() -> Response {
    bad_request("A WebSocket handshake needs HTTP/1.1. With nginx, set proxy_http_version 1.1.")
}

/// 426: a WebSocket handshake of version 13 is required (RFC 9110 15.5.22, RFC 6455 4.4).
pub(super) fn required(sentence: &str) -> Response {
    Response::text(426, sentence).with("Upgrade", "websocket").with("Sec-WebSocket-Version", "13")
}

/// Decides about a handshake or a stream that has passed all other checks: accepts it, or refuses it with any response.
pub type AcceptHook = Arc<dyn Fn(&Request) -> Result<Accept, Response> + Send + Sync>;

/// What a program attaches to a connection.
pub type Data = Box<dyn Any + Send + Sync>;

/// A handshake that succeeded, or a stream that begins.
#[derive(Debug, Default)]
pub struct Upgrade {
    /// The whole 101 response, ready to send. Empty for a stream, whose head the program sends.
    pub response: Vec<u8>,
    /// The selected subprotocol, which the response names.
    pub protocol: Option<Arc<str>>,
    /// For a stream in place of a WebSocket ([`Route::Stream`](crate::http::Route::Stream)): what keeps it alive.
    pub keepalive: Option<&'static [u8]>,
    /// What the program attached ([`Accept::data`]).
    pub data: Option<Data>,
    /// The compression that the response names.
    pub(crate) deflate: Option<Agreement>,
}

/// How a handshake is accepted; of a stream, only the data counts. [`Builder::accept`](crate::Builder::accept) has an example.
#[derive(Debug, Default)]
#[must_use]
pub struct Accept {
    protocol: Option<Arc<str>>,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    pub(super) data: Option<Data>,
}

impl Accept {
    /// Accepts without additions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects this subprotocol, which the client must have offered. Default: the choice by
    /// [`Builder::protocols`](crate::Builder::protocols).
    pub fn protocol(mut self, name: &str) -> Self {
        self.protocol = Some(name.into());
        self
    }

    /// Adds a header field to the 101 response, such as `Set-Cookie`.
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Attaches a value to the connection, for [`Peer::data`](crate::Peer::data). It replaces an earlier one.
    pub fn data(mut self, data: impl Any + Send + Sync) -> Self {
        self.data = Some(Box::new(data));
        self
    }

    /// The outcome, with the value of `Sec-WebSocket-Accept` and the subprotocol that the server would choose.
    ///
    /// # Errors
    /// What the program did wrong.
    #[inline(never)] // See `apply_rules`.
    pub(super) fn into_upgrade(
        self,
        request: &HeaderMap,
        key: &str,
        default: Option<Arc<str>>,
        deflate: Option<Agreement>,
        date: &str,
    ) -> Result<Upgrade, String> {
        let Self { protocol, headers, data } = self;
        let is_offered =
            |name: &str| list_elements(request, &SEC_WEBSOCKET_PROTOCOL).any(|offer| offer == name.as_bytes());
        if let Some(name) = protocol.as_ref().filter(|name| !is_offered(name)) {
            return Err(format!("the subprotocol {name:?} was not offered"));
        }
        if let Some((name, _)) = headers.iter().find(|(name, value)| !is_additional_field(name, value)) {
            return Err(format!("the header field {name:?} cannot be sent"));
        }
        let protocol = protocol.or(default);
        let named = protocol.as_ref().map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
        let extensions = deflate.as_ref().map(|deflate| format!("Sec-WebSocket-Extensions: {}\r\n", deflate.response));
        let extensions = extensions.unwrap_or_default();
        let more: String = headers.iter().flat_map(|(name, value)| [*name, ": ", value, "\r\n"]).collect();
        // Spelled as in RFC 6455 1.2: some small clients expect exactly these letter cases.
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {key}\r\n{named}{extensions}{more}{date}\r\n"
        );
        Ok(Upgrade { response: response.into_bytes(), protocol, keepalive: None, data, deflate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_of_a_handshake_makes_it_one() {
        for (name, value, expected) in [
            ("upgrade", "websocket", true),
            ("upgrade", "h2c", false),
            ("sec-websocket-key", "", true),
            ("sec-websocket-version", "8", true),
            ("sec-websocket-protocol", "text", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a value"));
            assert_eq!(is_requested(&headers), expected, "{name}: {value}");
        }
    }

    #[test]
    fn first_offer_that_is_supported_is_selected() {
        let list = "400: Sec-WebSocket-Protocol must be a list of names, such as chat, superchat.";
        for (fields, expected) in [
            (&[][..], Ok(None)),
            (&["c"], Ok(None)),
            (&["A"], Ok(None)),
            (&["a"], Ok(Some("a"))),
            (&["c, b,a"], Ok(Some("b"))),
            (&["c", ",a"], Ok(Some("a"))),
            (&["a b"], Err(list)),
            (&["a", "b;c"], Err(list)),
            (&[","], Err(list)),
            (&[""], Err(list)),
        ] {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(SEC_WEBSOCKET_PROTOCOL, field.parse().expect("a value"));
            }
            let found = select_protocol(&headers, &["a".into(), "b".into()]).map_err(|response| {
                format!("{}: {}", response.status, String::from_utf8_lossy(response.body.trim_ascii()))
            });
            let found = found.as_ref().map(Option::as_deref).map_err(String::as_str);
            assert_eq!(found, expected, "{fields:?}");
        }
    }

    #[test]
    fn key_must_be_16_bytes_in_base64() {
        for (key, valid) in [
            ("dGhlIHNhbXBsZSBub25jZQ==", true),
            ("AAAAAAAAAAAAAAAAAAAAAA==", true),
            ("+/+/+/+/+/+/+/+/+/+/+w==", true),
            ("AQIDBAUGBwgJCgsMDQ4PEC==", true),
            ("zzzzzzzzzzzzzzzzzzzzzz==", true),
            ("AAAAAAAAAAAAAAAAAAAAA+==", true),
            ("AAAAAAAAAAAAAAAAAAAAA/==", true),
            ("AAAAAAAAAAAAAAAAAAAA_A==", false),
            ("AAAAAAAAAAAAAAAAAAAAA===", false),
            ("AAAAAAAAAAAAAAAAAAAAAA=A", false),
            ("AAAAAAAAAAAAAAAAAAAAAA", false),
            ("AAAAAAAAAAAAAAAAAAAAAAA==", false),
            ("AAAAAAAAAAAAAAAAAAAAA==", false),
            ("dGhlIHNhbXBsZSBub25jZQ=", false),
            ("dGhlIHNhbXBsZSBub25jZQAA", false),
            ("dGhlIHNhbXBsZSBub25jZQAA==", false),
            ("dGhlIHNhbXBs-SBub25jZQ==", false),
            ("==AAAAAAAAAAAAAAAAAAAAAA", false),
            ("A===", false),
            ("", false),
        ] {
            assert_eq!(is_key(key.as_bytes()), valid, "{key}");
        }
    }
}
