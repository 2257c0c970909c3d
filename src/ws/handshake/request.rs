//! Reads and parses the head of a request (RFC 9112 2 to 5). docs/HANDSHAKE.md lists what is rejected.

use super::head::{HeadError, HeadReader, field_map, field_slots};
use super::{request_line, transcript::record_request};
use crate::ws::{config::Config, http::Method, http::Request};
use httparse::Status;
use std::io::Read;
use tungstenite::{Bytes, http::Uri, http::Version};

/// Reads one request head, within [`Config::max_head_size`] and [`Config::max_header_fields`]. Also returns the bytes that
/// arrived after it: a client may send its first frames without waiting for the response. The caller sets the deadline, as a
/// timeout of `io`.
///
/// # Errors
/// The request is missing or invalid. [`HeadError::response`] is what to send.
pub fn read_request(io: &mut impl Read, config: &Config) -> Result<(Box<Request>, Vec<u8>), HeadError> {
    let mut reader = HeadReader { io, buffer: Vec::new() };
    let head = reader.read_head(config.max_head_size, request_line::check)?;
    Ok((parse(&request_line::normalised(head), config.max_header_fields)?, reader.buffer))
}

const TARGET: HeadError =
    HeadError::Malformed("The request target must be a path that begins with /, or an http:// URL.");

#[inline(never)] // As `PendingHandshake::run`.
fn parse(head: &Bytes, max_fields: usize) -> Result<Box<Request>, HeadError> {
    let mut slots = field_slots(head, max_fields)?;
    let mut raw = httparse::Request::new(&mut slots);
    match raw.parse(head) {
        Ok(Status::Complete(length)) if length == head.len() => {}
        Ok(_) => return Err(explain(httparse::Error::NewLine)),
        Err(error) => return Err(explain(error)),
    }
    let (method, target) = (raw.method.unwrap_or_default(), raw.path.unwrap_or_default());
    if target.contains('#') {
        return Err(HeadError::Malformed("The request target must not contain a #."));
    }
    let mut request = Box::new(Request::new(()));
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| request_line::INVALID)?;
    *request.uri_mut() = uri(head, target, method).ok_or(TARGET)?;
    *request.version_mut() = if raw.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    *request.headers_mut() = field_map(head, raw.headers)?;
    record_request(&mut request, head);
    Ok(request)
}

/// Accepts origin form, absolute form, and `OPTIONS *`. The fourth form is for proxies (`CONNECT`; RFC 9112 3.2).
fn uri(head: &Bytes, target: &str, method: &str) -> Option<Uri> {
    let is_visible = target.bytes().all(|byte| byte.is_ascii_graphic());
    let uri = Uri::from_maybe_shared(head.slice_ref(target.as_bytes())).ok()?;
    let is_web = target.starts_with('/') || matches!(uri.scheme_str(), Some("http" | "https"));
    (is_visible && (is_web || (method, target) == ("OPTIONS", "*"))).then_some(uri)
}

fn explain(error: httparse::Error) -> HeadError {
    match error {
        httparse::Error::HeaderName => HeadError::FIELD_NAME,
        httparse::Error::HeaderValue => HeadError::FIELD_VALUE,
        httparse::Error::NewLine => HeadError::Malformed("A line of the head has an invalid line end."),
        httparse::Error::TooManyHeaders => HeadError::TooManyFields,
        _ => request_line::INVALID,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_of_a_head_has_its_sentence() {
        let too_many = "A: b\r\n".repeat(101);
        for (head, expected) in [
            ("GET / HTTP/1.1\r\nA: b\r\n\rx\n\n", "A line of the head has an invalid line end."),
            ("GET / HTTP/1.1\r\nA b: c\r\n\r\n", "A header field has an invalid name."),
            ("GET / HTTP/1.1\r\nA: b\0\r\n\r\n", "A header field has an invalid value."),
            ("GET / HTTP/1.1\r\n\r\nx", "A line of the head has an invalid line end."),
            ("GET  HTTP/1.1\r\n\r\n", "The first line must be a request line, such as GET / HTTP/1.1."),
            ("GET /#a HTTP/1.1\r\n\r\n", "The request target must not contain a #."),
            (&format!("GET / HTTP/1.1\r\n{too_many}\r\n"), "The request has too many header fields."),
        ] {
            let error = parse(&Bytes::copy_from_slice(head.as_bytes()), 100).expect_err(head);
            assert_eq!(error.to_string(), expected, "{head:.40}");
        }
        assert!(matches!(explain(httparse::Error::TooManyHeaders), HeadError::TooManyFields));
    }

    #[test]
    fn targets_are_paths_or_urls_of_the_web() {
        for (line, is_valid) in [
            ("GET /", true),
            ("GET /a?b", true),
            ("GET http://a/b", true),
            ("GET https://a", true),
            ("OPTIONS *", true),
            ("GET *", false),
            ("GET ws://a/", false),
            ("GET a:80", false),
            ("OPTIONS a", false),
        ] {
            let request = parse(&Bytes::from(format!("{line} HTTP/1.1\r\n\r\n")), 1);
            assert_eq!(request.is_ok(), is_valid, "{line}");
            assert!(request.is_ok_and(|request| line.starts_with(request.method().as_str())) || !is_valid);
        }
    }
}
