//! From the bytes of a head to a request (RFC 9112 2 to 5).
//!
//! Owns the syntax. Knows nothing of WebSockets and of who may come in.

use std::borrow::Cow;

use httparse::Status;
use tungstenite::Bytes;
use tungstenite::http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};

use super::head::Limits;
use super::head_error::HeadError;
use super::transcript;
use crate::ws::http::{Method, Request};

const REQUEST_LINE: HeadError = HeadError::Malformed("The first line must be a request line, such as GET / HTTP/1.1.");
const FIELD_NAME: HeadError = HeadError::Malformed("The name of a header field is not a valid one.");
const FIELD_VALUE: HeadError = HeadError::Malformed("The value of a header field is not a valid one.");
const LINE_END: HeadError = HeadError::Malformed("A line of the request does not end as it should.");
const TARGET: HeadError =
    HeadError::Malformed("The request target must be a path that begins with /, or an http:// URL.");
const FRAGMENT: HeadError = HeadError::Malformed("The request target must not have a # in it.");

/// Parses a whole head, its empty line included. What the request says stays where it is: nothing is copied but names
/// that nobody knows.
pub(super) fn request(head: &Bytes, limits: &Limits) -> Result<Request, HeadError> {
    let lines = head.iter().filter(|byte| **byte == b'\n').count();
    // One line is the request line, one is empty. Just as many slots as needed, and not on the stack.
    let fields = lines.saturating_sub(2);
    if fields > limits.max_header_fields {
        return Err(HeadError::TooManyFields);
    }
    let mut slots = vec![httparse::EMPTY_HEADER; fields];
    let mut raw = httparse::Request::new(&mut slots);
    match raw.parse(head) {
        Ok(Status::Complete(length)) if length == head.len() => build(head, &raw),
        Ok(_) => Err(LINE_END),
        Err(error) => Err(explain(error, head)),
    }
}

fn build(head: &Bytes, raw: &httparse::Request<'_, '_>) -> Result<Request, HeadError> {
    let (Some(method), Some(target), Some(minor)) = (raw.method, raw.path, raw.version) else {
        return Err(REQUEST_LINE);
    };
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| REQUEST_LINE)?;
    *request.uri_mut() = uri(head, target)?;
    *request.version_mut() = match minor {
        0 => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    *request.headers_mut() = headers(head, raw.headers)?;
    transcript::keep(raw.headers, &mut request);
    Ok(request)
}

/// Origin form and absolute form; the others are for proxies (`CONNECT`) and for `OPTIONS *` (RFC 9112 3.2).
fn uri(head: &Bytes, target: &str) -> Result<Uri, HeadError> {
    if target.contains('#') {
        return Err(FRAGMENT);
    }
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(TARGET);
    }
    let uri = Uri::from_maybe_shared(head.slice_ref(target.as_bytes())).map_err(|_| TARGET)?;
    let web = target.starts_with('/') || matches!(uri.scheme_str(), Some("http" | "https"));
    if web { Ok(uri) } else { Err(TARGET) }
}

fn headers(head: &Bytes, raw: &[httparse::Header<'_>]) -> Result<HeaderMap, HeadError> {
    let mut headers = HeaderMap::with_capacity(raw.len());
    for field in raw {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| FIELD_NAME)?;
        let value =
            HeaderValue::from_maybe_shared(head.slice_ref(field.value.trim_ascii())).map_err(|_| FIELD_VALUE)?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn explain(error: httparse::Error, head: &[u8]) -> HeadError {
    match error {
        httparse::Error::HeaderName => FIELD_NAME,
        httparse::Error::HeaderValue => FIELD_VALUE,
        httparse::Error::NewLine => LINE_END,
        httparse::Error::TooManyHeaders => HeadError::TooManyFields,
        httparse::Error::Version if names_a_version(head) => HeadError::Version,
        _ => REQUEST_LINE,
    }
}

/// Does the request line end with some `HTTP/`DIGIT`.`DIGIT? Without that it is no request line at all.
fn names_a_version(head: &[u8]) -> bool {
    let line: Cow<'_, str> = match head.split(|byte| *byte == b'\n').next() {
        Some(line) => String::from_utf8_lossy(line),
        None => return false,
    };
    let last = line.trim_end().rsplit(' ').next().unwrap_or_default();
    let version = last.strip_prefix("HTTP/").unwrap_or_default();
    matches!(version.as_bytes(), [major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit())
}
