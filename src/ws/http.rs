//! What the server answers to plain HTTP: a response, as data.
//!
//! Owns the shape of an answer and how it is written. Knows no sockets and no routes.

use std::borrow::Cow;
use std::sync::Arc;

pub use tungstenite::http::Method;

/// The head of a request, as tungstenite and the `http` crate know it.
pub type Request = tungstenite::handshake::server::Request;

/// What answers requests that are no WebSocket handshakes: `None` means that nothing is at that path.
pub type HttpHandler = Arc<dyn Fn(&Request) -> Option<Response> + Send + Sync>;

/// A handshake as it went over the wire, secrets hidden: an extension of the request that comes with
/// [`Event::Connected`](crate::Event::Connected).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeTranscript {
    /// The request's head: a line each, as it was spelled, without the empty one.
    pub request: String,
    /// The answer's head, likewise.
    pub response: String,
}

/// A whole HTTP/1.1 answer. `Content-Length` and `Connection: close` are added when it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code, such as 200 or 404.
    pub status: u16,
    /// Header fields beyond `Content-Length` and `Connection`.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; a HEAD request gets its length only.
    pub body: Cow<'static, [u8]>,
}

/// What is not plain becomes `%` and two digits (RFC 3986 2.1).
pub(crate) fn percent_encoded(bytes: &[u8], is_plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(bytes.len());
    for byte in bytes {
        match is_plain(*byte) {
            true => encoded.push(char::from(*byte)),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

impl Response {
    /// An answer without a body and without header fields of its own.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Cow::Borrowed(&[]) }
    }

    /// A plain text answer of one line; the line feed is added here.
    pub fn text(status: u16, sentence: impl AsRef<str>) -> Self {
        let body = format!("{}\n", sentence.as_ref()).into_bytes();
        Self { body: body.into(), ..Self::empty(status) }
            .with("Content-Type", "text/plain; charset=utf-8")
            .with("X-Content-Type-Options", "nosniff")
    }

    /// The same answer with one more header field. Names and values must be valid ones: they are written as they are.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The first header field of that name, letter case ignored.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }

    /// The bytes to send: status line, header fields, and the body unless `head_only` (the request's method was HEAD).
    ///
    /// A status that never has a body (1xx, 204, 304) gets no `Content-Length` and no body (RFC 9110 8.6).
    #[must_use]
    pub fn to_bytes(&self, head_only: bool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256 + self.body.len());
        self.write_head(&mut bytes);
        if !head_only && self.may_have_body() {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }

    fn write_head(&self, bytes: &mut Vec<u8>) {
        let mut line = |text: &[&str]| {
            text.iter().for_each(|part| bytes.extend_from_slice(part.as_bytes()));
            bytes.extend_from_slice(b"\r\n");
        };
        line(&["HTTP/1.1 ", &self.status.to_string(), " ", self.reason()]);
        for (name, value) in &self.headers {
            line(&[name, ": ", value]);
        }
        if self.may_have_body() {
            line(&["Content-Length: ", &self.body.len().to_string()]);
        }
        // Who sends Upgrade names it in Connection (RFC 9110 7.8).
        let upgrade = self.header("Upgrade").map_or("", |_| ", Upgrade");
        line(&["Connection: close", upgrade]);
        line(&[]);
    }

    fn may_have_body(&self) -> bool {
        self.status >= 200 && self.status != 204 && self.status != 304
    }

    /// The words beside the status code; they are for people only (RFC 9112 4).
    fn reason(&self) -> &'static str {
        let status = tungstenite::http::StatusCode::from_u16(self.status).ok();
        status.and_then(|status| status.canonical_reason()).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(response: &Response, head_only: bool) -> String {
        String::from_utf8(response.to_bytes(head_only)).expect("text")
    }

    #[test]
    fn an_answer_says_how_long_it_is_and_that_it_is_the_last() {
        let answer = Response::text(404, "Nothing.");
        let head = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n\
            X-Content-Type-Options: nosniff\r\nContent-Length: 9\r\nConnection: close\r\n\r\n";
        assert_eq!(text(&answer, true), head);
        assert_eq!(text(&answer, false), format!("{head}Nothing.\n"));
    }

    #[test]
    fn without_a_body_there_is_no_length() {
        let answer = text(&Response::empty(304), false);
        assert_eq!(answer, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
    }

    #[test]
    fn an_upgrade_is_named_in_connection() {
        let answer = text(&Response::empty(426).with("Upgrade", "websocket"), false);
        assert!(answer.contains("\r\nConnection: close, Upgrade\r\n"), "{answer}");
    }

    #[test]
    fn an_unknown_status_has_no_words() {
        assert!(text(&Response::empty(799), false).starts_with("HTTP/1.1 799 \r\n"));
    }
}
