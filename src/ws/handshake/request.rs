//! Reads and parses the head of a request (RFC 9112 2 to 5). docs/HANDSHAKE.md lists what is rejected.

use super::head::{DeadlineRead, HeadError, HeadReader, field_map, field_slots};
use crate::ws::config::Config;
use crate::ws::http::{Method, Request};
use httparse::Status;
use std::time::Instant;
use tungstenite::{
    Bytes,
    http::{Uri, Version},
};

/// Reads one request head, within [`Config::max_head_size`] and [`Config::max_header_fields`]. Also returns the bytes that
/// arrived after it: a client may send its first frames without waiting for the response.
///
/// # Errors
/// There is no valid request. [`HeadError::response`] is what to send.
pub fn read_request(
    io: &mut impl DeadlineRead,
    config: &Config,
    deadline: Instant,
) -> Result<(Request, Vec<u8>), HeadError> {
    let mut reader = HeadReader::new(io, deadline);
    let head = reader.read_head(config.max_head_size, reject_tls)?;
    Ok((parse(&head, config.max_header_fields)?, reader.buffer))
}

/// A TLS handshake begins with its record type, and with the major version 3 (RFC 8446 5.1).
fn reject_tls(bytes: &[u8]) -> Result<(), HeadError> {
    if bytes.starts_with(&[0x16, 0x03]) { Err(HeadError::Tls) } else { Ok(()) }
}

fn parse(head: &Bytes, max_fields: usize) -> Result<Request, HeadError> {
    let mut slots = field_slots(head, max_fields)?;
    let mut raw = httparse::Request::new(&mut slots);
    match raw.parse(head) {
        Ok(Status::Complete(length)) if length == head.len() => {}
        Ok(_) => return Err(HeadError::LINE_END),
        Err(error) => return Err(explain(error, head)),
    }
    let (Some(method), Some(target), Some(minor)) = (raw.method, raw.path, raw.version) else {
        return Err(HeadError::REQUEST_LINE);
    };
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| HeadError::REQUEST_LINE)?;
    *request.uri_mut() = uri(head, target)?;
    *request.version_mut() = if minor == 0 { Version::HTTP_10 } else { Version::HTTP_11 };
    *request.headers_mut() = field_map(head, raw.headers)?;
    super::secrets::record_fields(&mut request, raw.headers);
    Ok(request)
}

/// Accepts origin form and absolute form. The other forms are for proxies (`CONNECT`) and for `OPTIONS *`
/// (RFC 9112 3.2).
fn uri(head: &Bytes, target: &str) -> Result<Uri, HeadError> {
    if target.contains('#') {
        return Err(HeadError::FRAGMENT);
    }
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(HeadError::TARGET);
    }
    let uri = Uri::from_maybe_shared(head.slice_ref(target.as_bytes())).map_err(|_| HeadError::TARGET)?;
    let is_web = target.starts_with('/') || matches!(uri.scheme_str(), Some("http" | "https"));
    if is_web { Ok(uri) } else { Err(HeadError::TARGET) }
}

fn explain(error: httparse::Error, head: &[u8]) -> HeadError {
    match error {
        httparse::Error::HeaderName => HeadError::FIELD_NAME,
        httparse::Error::HeaderValue => HeadError::FIELD_VALUE,
        httparse::Error::NewLine => HeadError::LINE_END,
        httparse::Error::TooManyHeaders => HeadError::TooManyFields,
        httparse::Error::Version if names_version(head) => HeadError::Version,
        _ => HeadError::REQUEST_LINE,
    }
}

/// Whether the first line ends with `HTTP/`DIGIT`.`DIGIT. Otherwise it is not a request line at all.
fn names_version(head: &[u8]) -> bool {
    let line = head.trim_ascii_start().split(|byte| *byte == b'\n').next().unwrap_or_default();
    match line.trim_ascii_end() {
        [.., b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor] => {
            major.is_ascii_digit() && minor.is_ascii_digit()
        }
        _ => false,
    }
}
