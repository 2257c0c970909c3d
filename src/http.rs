//! What the server answers to plain HTTP: a response, as data.
//!
//! Owns the shape of an answer. Knows no sockets and no routes.

use std::borrow::Cow;

/// The head of a request, as tungstenite and the `http` crate know it.
pub type Request = tungstenite::handshake::server::Request;

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
