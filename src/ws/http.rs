//! HTTP as far as this server needs it: a response as data, header fields, and percent-encoding.

pub(crate) mod date;
mod files;
mod request;

use std::{borrow::Cow, net::SocketAddr, sync::Arc};
use tungstenite::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

pub(crate) use date::date_line;
pub use files::files;
pub use request::{bearer, below, cookie, query};
pub use tungstenite::http::Method;
#[cfg(feature = "chat")]
pub(crate) use {files::media_type, request::path_below};

/// The head of a request, as tungstenite and the `http` crate represent it.
pub type Request = tungstenite::handshake::server::Request;

/// Responds to requests that are not WebSocket handshakes. `None` means that nothing is at that path.
pub type HttpHandler = Arc<dyn Fn(&Request) -> Option<Response> + Send + Sync>;

/// Decides about requests before the [`HttpHandler`]. `None`: they are for that.
pub type Router = Arc<dyn Fn(&Request) -> Option<Route> + Send + Sync>;

/// What happens to a request that is not for the [`HttpHandler`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// This is the response. Unless it is a refusal, the client must be one that may open a connection.
    Respond(Response),
    /// The body is read, at most [`Config::max_message_size`](crate::Config::max_message_size) bytes. Then the program
    /// responds: [`Event::Request`](crate::Event::Request). [`Builder::accept`](crate::Builder::accept) is not asked.
    Ask,
    /// The request opens a connection, as a handshake does, and then the server sends bytes until one side ends it. What
    /// the client sends is ignored. The program sends the head of the response first, then the rest with
    /// [`Peer::send_frames`](crate::Peer::send_frames) and [`Frames::raw`](crate::Frames::raw). Limits are those of a
    /// WebSocket. [`Builder::accept`](crate::Builder::accept) may refuse it, or attach data; the rest of its answer is ignored.
    Stream {
        /// What [`Peer::protocol`](crate::Peer::protocol) returns.
        protocol: &'static str,
        /// Sent after each [`Config::ping_interval`](crate::Config::ping_interval).
        keepalive: &'static [u8],
    },
}

/// Whether a request has the right access token, or needs none. It is an extension of each request.
#[derive(Debug, Clone)]
pub struct TokenCheck(pub Result<(), Response>);

/// The client showed the token of operators. It is an extension of such a request.
#[derive(Debug, Clone, Copy)]
pub struct ShowedAdminToken;

/// The client's address, as [`Peer::addr`](crate::Peer::addr). It is an extension of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr(pub SocketAddr);

/// The certificates that the client showed in the TLS handshake, its own first, in DER. It is an extension of requests over TLS,
/// and empty unless `tls::Acceptor::from_config` asks clients for certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificates(pub Vec<Vec<u8>>);

/// Both heads of a handshake, without secrets, from the request that comes with [`Event::Connected`](crate::Event::Connected).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandshakeTranscript {
    /// The head of the request, one line for each field, spelled as received, without the empty line.
    pub request: String,
    /// The head of the response, in the same form.
    pub response: String,
}

/// A complete HTTP/1.1 response. `Date`, `Content-Length` and `Connection: close` are added when it is written.
///
/// ```
/// use chinwag::http::Response;
///
/// let page = Response::html(200, "<!doctype html><title>Hello</title>").with("Cache-Control", "no-cache");
/// let refusal = Response::text(403, "Ask the owner."); // with a line feed
/// let moved = Response::empty(308).with("Location", "/new");
/// assert!(refusal.to_bytes(false).ends_with(b"\r\n\r\nAsk the owner.\n"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Response {
    /// The status code, such as 200 or 404.
    pub status: u16,
    /// Header fields other than `Date`, `Content-Length` and `Connection`.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body. For a HEAD request, only its length is sent.
    pub body: Cow<'static, [u8]>,
}

impl Response {
    /// A response without a body and without header fields of its own.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Cow::Borrowed(&[]) }
    }

    /// A plain text response of one line. The line feed is added here.
    pub fn text(status: u16, sentence: impl AsRef<str>) -> Self {
        Self::bytes(status, "text/plain; charset=utf-8", format!("{}\n", sentence.as_ref()))
    }

    /// A page of HTML.
    pub fn html(status: u16, page: impl Into<Vec<u8>>) -> Self {
        Self::bytes(status, "text/html; charset=utf-8", page)
    }

    /// A response with a body of this media type.
    ///
    /// ```
    /// use chinwag::http::Response;
    ///
    /// let json = Response::bytes(200, "application/json", r#"{"temperature":21.5}"#).with("Cache-Control", "no-store");
    /// assert_eq!(json.header("content-type"), Some("application/json"));
    /// ```
    pub fn bytes(status: u16, media_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into().into(), ..Self::empty(status) }
            .with("Content-Type", media_type)
            .with("X-Content-Type-Options", "nosniff")
    }

    /// 405 for a path that has only GET and HEAD. The server answers OPTIONS itself.
    pub fn method_not_allowed() -> Self {
        Self::text(405, "Only GET, HEAD and OPTIONS are possible here.").with("Allow", ALLOWED_METHODS)
    }

    /// The same response with one more header field. Name and value must be valid: they are written unchanged.
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The first header field with that name, in any letter case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_ref())
    }

    /// The same refusal as a JSON object, for clients that accept JSON. Other responses are not changed.
    pub(crate) fn refusal_as_json(mut self) -> Self {
        let is_text = self.header("Content-Type").is_some_and(|media_type| media_type.starts_with("text/plain"));
        if self.status < 400 || !is_text {
            return self;
        }
        let reason = self.reason().to_ascii_lowercase().replace(' ', "-");
        let about = String::from_utf8_lossy(self.body.trim_ascii()).replace('\\', "\\\\").replace('"', "\\\"");
        let json = format!("{{\"type\":\"error\",\"reason\":\"{reason}\",\"about\":\"{about}\"}}\n");
        self.headers.retain(|(name, _)| *name != "Content-Type");
        Self { body: json.into_bytes().into(), ..self }.with("Content-Type", "application/json")
    }

    /// The reason phrase of the status.
    fn reason(&self) -> &'static str {
        StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
    }

    /// The bytes to send: status line, header fields, and the body unless `head_only` (for the method HEAD).
    ///
    /// Status codes that never have a body (1xx, 204, 304) get no `Content-Length` and no body (RFC 9110 8.6). The head alone
    /// has none either if `body` is empty: it is the head of a stream, or its length is not known.
    #[must_use]
    pub fn to_bytes(&self, head_only: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, self.reason());
        head.push_str(&date_line());
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        let has_body = self.status >= 200 && self.status != 204 && self.status != 304;
        if has_body && !(head_only && self.body.is_empty()) {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        // A sender of Upgrade must list it in Connection (RFC 9110 7.8).
        head.extend(["Connection: close", self.header("Upgrade").map_or("", |_| ", Upgrade"), "\r\n\r\n"]);
        let mut bytes = head.into_bytes();
        if has_body && !head_only {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

/// Whether a program may add this header field to a handshake: it is valid, and the handshake does not set it itself.
pub(crate) fn is_additional_field(name: &str, value: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    !lower.starts_with("sec-websocket-")
        && !["host", "upgrade", "connection", "content-length", "transfer-encoding"].contains(&lower.as_str())
        && is_token(name.as_bytes())
        && HeaderValue::from_str(value).is_ok()
}

/// Whether the client accepts this media type or coding by its name, in the field `Accept` or `Accept-Encoding` (RFC 9110
/// 12.5). Ranges such as `*/*` do not count.
pub(crate) fn accepts(request: &Request, field: &HeaderName, name: &str) -> bool {
    list_elements(request.headers(), field).any(|element| {
        let mut parts = element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let is_named = parts.next().is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()));
        let is_zero = |weight: &[u8]| weight.iter().all(|byte| matches!(byte, b'0' | b'.'));
        is_named && !parts.filter_map(|part| part.strip_prefix(b"q=")).any(is_zero)
    })
}

/// The methods of a page.
pub(crate) const ALLOWED_METHODS: &str = "GET, HEAD, OPTIONS";

/// The only header field with that name. `Err` if the field is repeated.
pub(crate) fn single_field<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ()> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(()) } else { Ok(first) }
}

/// The elements of a list that may be spread over several fields. Empty elements are skipped (RFC 9110 5.6.1.2).
pub(crate) fn list_elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> + use<'a> {
    let values = headers.get_all(name).into_iter();
    let elements = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Whether a list contains that word, in any letter case.
pub(crate) fn list_contains(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    list_elements(headers, name).any(|element| element.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether that is a token (RFC 9110 5.6.2), as names of header fields are.
pub(crate) fn is_token(text: &[u8]) -> bool {
    HeaderName::from_bytes(text).is_ok()
}

/// Encodes each byte that is not plain as `%` and two hexadecimal digits (RFC 3986 2.1).
pub(crate) fn percent_encoded(bytes: &[u8], is_plain: impl Fn(u8) -> bool) -> String {
    let encode = |byte: &u8| if is_plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") };
    bytes.iter().map(encode).collect()
}

/// Decodes percent-encoding (RFC 3986 2.1), as in the path of a request. `None` if a `%` is not followed by two hexadecimal digits,
/// or if the result is not UTF-8. It may have any character, also `/` and control characters.
///
/// ```
/// assert_eq!(chinwag::http::percent_decoded("/log/my%20log").as_deref(), Some("/log/my log"));
/// ```
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut parts = text.as_bytes().split(|byte| *byte == b'%');
    let mut decoded = parts.next()?.to_vec();
    for part in parts {
        let digit = |at: usize| char::from(*part.get(at)?).to_digit(16);
        decoded.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
        decoded.extend_from_slice(&part[2..]);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(response: &Response, head_only: bool) -> String {
        let text = String::from_utf8(response.to_bytes(head_only)).expect("text");
        let is_date = |line: &&str| line.starts_with("Date: ") && line.ends_with(" GMT\r\n");
        assert_eq!(text.split_inclusive('\n').filter(is_date).count(), 1, "{text}");
        text.split_inclusive('\n').filter(|line| !is_date(line)).collect()
    }

    #[test]
    fn response_has_its_length_and_closes_the_connection() {
        let response = Response::text(404, "Nothing.");
        let head = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n\
            X-Content-Type-Options: nosniff\r\nContent-Length: 9\r\nConnection: close\r\n\r\n";
        assert_eq!(text(&response, true), head);
        assert_eq!(text(&response, false), format!("{head}Nothing.\n"));
    }

    #[test]
    fn status_decides_whether_there_is_a_body() {
        for (status, has_body) in [(101, false), (199, false), (200, true), (204, false), (304, false), (500, true)] {
            let response = text(&Response { body: b"body".into(), ..Response::empty(status) }, false);
            assert_eq!(
                (response.contains("\r\nContent-Length: 4\r\n"), response.ends_with("body")),
                (has_body, has_body)
            );
        }
    }

    #[test]
    fn status_without_a_body_has_no_length() {
        let response = text(&Response::empty(304), false);
        assert_eq!(response, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
    }

    #[test]
    fn upgrade_is_listed_in_connection() {
        let response = text(&Response::empty(426).with("Upgrade", "websocket"), false);
        assert!(response.contains("\r\nConnection: close, Upgrade\r\n"), "{response}");
    }

    #[test]
    fn unknown_status_has_no_reason_phrase() {
        assert!(text(&Response::empty(799), false).starts_with("HTTP/1.1 799 \r\n"));
    }

    #[test]
    fn percent_encoding_is_decoded_or_rejected() {
        for (encoded, decoded) in
            [("", Some("")), ("a%20b%2Bc", Some("a b+c")), ("%c3%A9", Some("\u{e9}")), ("%", None), ("%4", None)]
        {
            assert_eq!(percent_decoded(encoded).as_deref(), decoded, "{encoded}");
        }
        for broken in ["%zz", "100%+1", "%+1", "a%2", "%ff"] {
            assert_eq!(percent_decoded(broken), None, "{broken}");
        }
    }
}
