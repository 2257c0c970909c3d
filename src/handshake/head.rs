//! Reading the request head: bounded in time and size, byte by byte if need be.
use crate::http::{Request, Response};
use std::io;
use std::net::TcpStream;
use std::time::Instant;

/// Where the bytes of a request head come from.
pub trait Source {
    /// Waits for bytes, at most until `deadline`. 0 is the end of the stream; past the deadline the
    /// error is `TimedOut` or `WouldBlock`, even if bytes are there.
    fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> io::Result<usize>;
}
impl Source for &TcpStream {
    fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> io::Result<usize> {
        todo!()
    }
}
/// How large a request head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the head, its last empty line included. Default: 8192.
    pub bytes: usize,
    /// Header fields. Default: 100.
    pub fields: usize,
}
/// Why there is no request.
#[derive(Debug)]
#[non_exhaustive]
pub enum HeadError {
    /// The peer closed without a byte: a port probe. No answer.
    Closed,
    /// The peer closed in the middle of the head (400).
    Incomplete,
    /// The head was not there when its time was up (408).
    Deadline,
    /// The head is longer than [`Limits::bytes`] (431).
    TooLarge,
    /// More header fields than [`Limits::fields`] (431).
    TooManyFields,
    /// The bytes are no HTTP request; the sentence says where (400).
    Malformed(&'static str),
    /// An HTTP version other than 1.0 and 1.1 (505).
    Version,
    /// The peer speaks TLS to a plain port (400, as plain text).
    Tls,
    /// The socket failed. No answer.
    Io(io::Error),
}
impl HeadError {
    /// What to send before closing; `None`: nothing.
    pub fn response(&self) -> Option<Response> {
        todo!()
    }
}
/// Reads one request head; the bytes behind it, which may be frames already, come second.
pub fn read_head(
    source: &mut impl Source,
    limits: &Limits,
    deadline: Instant,
) -> Result<(Request, Vec<u8>), HeadError> {
    todo!()
}
