//! Reading header fields: single ones, lists, and those that announce a body.
//!
//! Owns the syntax of values. Knows nothing of WebSockets.

use tungstenite::http::header::{AsHeaderName, CONTENT_LENGTH, TRANSFER_ENCODING};
use tungstenite::http::{HeaderMap, HeaderValue};

use super::bad_request;
use crate::ws::http::Response;

/// A field that may be there once was there twice.
#[derive(Debug)]
pub(crate) struct Repeated;

/// The only field of that name.
pub(crate) fn single(headers: &HeaderMap, name: impl AsHeaderName) -> Result<Option<&HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Repeated),
        (value, None) => Ok(value),
    }
}

/// The elements of a list that may be spread over several fields; empty ones are ignored (RFC 9110 5.6.1.2).
pub(crate) fn list(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(name).into_iter();
    let elements = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Is that word in the list, in any letter case?
pub(crate) fn lists(headers: &HeaderMap, name: impl AsHeaderName, word: &str) -> bool {
    list(headers, name).any(|element| element.eq_ignore_ascii_case(word.as_bytes()))
}

/// RFC 9110 5.6.2.
pub(crate) fn is_token(text: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(allowed)
}

/// No request to this server has a body, so that what follows the head can only be frames.
pub(super) fn no_body(headers: &HeaderMap) -> Result<(), Response> {
    if headers.contains_key(TRANSFER_ENCODING) {
        return Err(bad_request("A request to this server has no body: leave Transfer-Encoding out."));
    }
    if headers.get_all(CONTENT_LENGTH).iter().all(is_zero) {
        return Ok(());
    }
    Err(bad_request("A request to this server has no body: Content-Length must be 0 or left out."))
}

/// `0`, `00` and `0, 0` are: proxies join repeated fields (RFC 9110 8.6).
fn is_zero(length: &HeaderValue) -> bool {
    let zeros = |part: &[u8]| !part.is_empty() && part.iter().all(|byte| *byte == b'0');
    let mut parts = length.as_bytes().split(|byte| *byte == b',');
    parts.all(|part| zeros(part.trim_ascii()))
}
