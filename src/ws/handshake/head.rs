//! Reading the request head: bounded in time and in size, in one segment or byte by byte.
//!
//! Owns the bytes until the head is whole. Knows no rules on what the request may say.
//! The pages of a stack that were once touched stay with its thread, and a WebSocket may stay on the thread of its
//! handshake: so the buffer and the header slots are on the heap. The buffer becomes the request, the slots are given back.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Instant;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use tungstenite::Bytes;

use super::head_error::HeadError;
use super::parse;
use crate::ws::http::Request;
use crate::ws::tcp::left_until;

/// Where the bytes of a request head come from.
pub trait DeadlineRead {
    /// Waits for bytes, at most until `deadline`; 0 is the end of the stream.
    ///
    /// # Errors
    /// Past the deadline `TimedOut` or `WouldBlock`, even if more bytes are there; or what else befell the socket.
    fn read_before(&mut self, deadline: Instant, buffer: &mut [u8]) -> io::Result<usize>;
}

/// Sets the socket's read timeout if it has to wait, and leaves it set.
impl DeadlineRead for &TcpStream {
    fn read_before(&mut self, deadline: Instant, buffer: &mut [u8]) -> io::Result<usize> {
        let left = left_until(deadline)?;
        match recv(&**self, &mut *buffer, RecvFlags::DONTWAIT) {
            Err(Errno::AGAIN) => {}
            done => return done.map(|(_, count)| count).map_err(Into::into),
        }
        self.set_read_timeout(Some(left))?;
        self.read(buffer)
    }
}

/// How large a request head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the head, its last empty line included. Default: 8192.
    pub max_head_size: usize,
    /// Header fields. Default: 100.
    pub max_header_fields: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_head_size: 8192, max_header_fields: 100 }
    }
}

/// Reads one request head. The bytes that came with it and lie behind it come second: a client may send
/// its first frames without waiting for the answer. The memory that they come in is meant to be read into further.
///
/// # Errors
/// No request, or none that can be understood; [`HeadError::response`] is what to send then.
pub fn read_request(
    source: &mut impl DeadlineRead,
    limits: &Limits,
    deadline: Instant,
) -> Result<(Request, Vec<u8>), HeadError> {
    let mut bytes = Incoming::default();
    loop {
        bytes.read_more(source, limits, deadline)?;
        if bytes.is_tls() {
            return Err(HeadError::Tls);
        }
        if let Some(end) = bytes.end_of_head() {
            let (head, rest) = bytes.split(end);
            return Ok((parse::request(&head, limits)?, rest));
        }
    }
}

/// Most heads fit; it grows up to [`Limits::max_head_size`].
const FIRST_SIZE: usize = 1024;

/// The first two bytes of a TLS handshake record: its type, and the major version 3 of every TLS (RFC 8446 5.1).
const TLS_HANDSHAKE: [u8; 2] = [0x16, 0x03];

/// What has come so far.
#[derive(Default)]
struct Incoming {
    buffer: Vec<u8>,
    length: usize,
    /// Where the request line begins: empty lines before it are ignored (RFC 9112 2.2).
    start: usize,
    /// No end of a head begins before this place: each byte is looked at once, however small the segments.
    searched: usize,
}

impl Incoming {
    fn filled(&self) -> &[u8] {
        &self.buffer[..self.length]
    }

    /// The head, which the request goes on to use, and what came behind it.
    fn split(mut self, end: usize) -> (Bytes, Vec<u8>) {
        let mut rest = Vec::new();
        if end < self.length {
            rest.reserve_exact(FIRST_SIZE.max(self.length - end));
            rest.extend_from_slice(&self.buffer[end..self.length]);
        }
        self.buffer.truncate(end);
        (Bytes::from(self.buffer).slice(self.start..), rest)
    }

    fn read_more(
        &mut self,
        source: &mut impl DeadlineRead,
        limits: &Limits,
        deadline: Instant,
    ) -> Result<(), HeadError> {
        self.make_room(limits)?;
        match source.read_before(deadline, &mut self.buffer[self.length..]) {
            Ok(0) if self.length == 0 => Err(HeadError::Closed),
            Ok(0) => Err(HeadError::Incomplete),
            Ok(count) => {
                self.length += count;
                Ok(())
            }
            Err(error) => HeadError::from_read(error),
        }
    }

    fn make_room(&mut self, limits: &Limits) -> Result<(), HeadError> {
        if self.length < self.buffer.len() {
            return Ok(());
        }
        if self.length >= limits.max_head_size {
            return Err(HeadError::TooLarge);
        }
        let size = FIRST_SIZE.max(self.length * 2).min(limits.max_head_size);
        self.buffer.reserve_exact(size - self.length);
        self.buffer.resize(size, 0);
        Ok(())
    }

    fn is_tls(&self) -> bool {
        self.filled().starts_with(&TLS_HANDSHAKE)
    }

    /// Where the bytes behind the head begin: behind the first empty line. A line ends with LF, and
    /// a CR before it belongs to the line end (RFC 9112 2.2).
    fn end_of_head(&mut self) -> Option<usize> {
        self.skip_empty_lines();
        while let Some(at) = self.next_line_feed() {
            match &self.filled()[at + 1..] {
                [b'\n', ..] => return Some(at + 2),
                [b'\r', b'\n', ..] => return Some(at + 3),
                [] | [b'\r'] => {
                    self.searched = at;
                    return None;
                }
                _ => self.searched = at + 1,
            }
        }
        self.searched = self.length;
        None
    }

    fn next_line_feed(&self) -> Option<usize> {
        let rest = &self.filled()[self.searched..];
        let at = rest.iter().position(|byte| *byte == b'\n')?;
        Some(self.searched + at)
    }

    fn skip_empty_lines(&mut self) {
        loop {
            match &self.filled()[self.start..] {
                [b'\n', ..] => self.start += 1,
                [b'\r', b'\n', ..] => self.start += 2,
                _ => break,
            }
        }
        self.searched = self.searched.max(self.start);
    }
}
