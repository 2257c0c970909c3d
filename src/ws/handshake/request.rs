//! Reads and parses the head of a request (RFC 9112 2 to 5). docs/HANDSHAKE.md lists what is rejected.

use super::head::{DeadlineRead, HeadError, HeadReader, field_map, field_slots};
use super::secrets::record_fields;
use crate::ws::{config::Config, http::Method, http::Request};
use httparse::Status;
use std::time::Instant;
use tungstenite::{Bytes, http::Uri, http::Version};

/// Reads one request head, within [`Config::max_head_size`] and [`Config::max_header_fields`]. Also returns the bytes that
/// arrived after it: a client may send its first frames without waiting for the response.
///
/// # Errors
/// The request is missing or invalid. [`HeadError::response`] is what to send.
pub fn read_request(
    io: &mut impl DeadlineRead,
    config: &Config,
    deadline: Instant,
) -> Result<(Request, Vec<u8>), HeadError> {
    let mut reader = HeadReader { io, deadline, buffer: Vec::new() };
    // A TLS handshake begins with its record type, and with the major version 3 (RFC 8446 5.1).
    let check = |bytes: &[u8]| if bytes.starts_with(&[0x16, 0x03]) { Err(HeadError::Tls) } else { Ok(()) };
    let head = reader.read_head(config.max_head_size, check)?;
    Ok((parse(&head, config.max_header_fields)?, reader.buffer))
}

const REQUEST_LINE: HeadError = HeadError::Malformed("The first line must be a request line, such as GET / HTTP/1.1.");
const TARGET: HeadError =
    HeadError::Malformed("The request target must be a path that begins with /, or an http:// URL.");

fn parse(head: &Bytes, max_fields: usize) -> Result<Request, HeadError> {
    let mut slots = field_slots(head, max_fields)?;
    let mut raw = httparse::Request::new(&mut slots);
    match raw.parse(head) {
        Ok(Status::Complete(length)) if length == head.len() => {}
        Ok(_) => return Err(explain(httparse::Error::NewLine, head)),
        Err(error) => return Err(explain(error, head)),
    }
    let (method, target) = (raw.method.unwrap_or_default(), raw.path.unwrap_or_default());
    if target.contains('#') {
        return Err(HeadError::Malformed("The request target must not contain a #."));
    }
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| REQUEST_LINE)?;
    *request.uri_mut() = uri(head, target).ok_or(TARGET)?;
    *request.version_mut() = if raw.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    *request.headers_mut() = field_map(head, raw.headers)?;
    record_fields(&mut request, raw.headers);
    Ok(request)
}

/// Accepts origin form and absolute form. The other forms are for proxies (`CONNECT`) and for `OPTIONS *`
/// (RFC 9112 3.2).
fn uri(head: &Bytes, target: &str) -> Option<Uri> {
    let is_visible = target.bytes().all(|byte| byte.is_ascii_graphic());
    let uri = Uri::from_maybe_shared(head.slice_ref(target.as_bytes())).ok()?;
    let is_web = target.starts_with('/') || matches!(uri.scheme_str(), Some("http" | "https"));
    (is_visible && is_web).then_some(uri)
}

fn explain(error: httparse::Error, head: &[u8]) -> HeadError {
    let line = head.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    // Otherwise it is not a request line at all.
    let has_version = matches!(line, [.., b' ', b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']);
    match error {
        httparse::Error::HeaderName => HeadError::FIELD_NAME,
        httparse::Error::HeaderValue => HeadError::FIELD_VALUE,
        httparse::Error::NewLine => HeadError::Malformed("A line of the head has an invalid line end."),
        httparse::Error::TooManyHeaders => HeadError::TooManyFields,
        httparse::Error::Version if has_version => HeadError::Version,
        _ => REQUEST_LINE,
    }
}
