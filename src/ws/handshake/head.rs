//! Reads the head of an HTTP message, within a size. Server and client share it.
//!
//! A thread keeps every stack page that it ever touched. So the buffer and the field slots are on the heap.

use crate::ws::http::Response;
use httparse::Header;
use std::{
    fmt,
    io::{self, Read},
    mem,
};
use tungstenite::{Bytes, http};

/// Bytes that one read asks for. Most heads fit.
const READ_SIZE: usize = 1024;

/// Reads heads, and keeps what was received after them.
pub(crate) struct HeadReader<'a, R> {
    pub(crate) io: &'a mut R,
    /// Received and not yet returned.
    pub(crate) buffer: Vec<u8>,
}

impl<R: Read> HeadReader<'_, R> {
    /// Reads up to the first empty line and returns that line too. A line ends with LF, or with CR and LF. Empty lines
    /// before the head are skipped (RFC 9112 2.2), but they count as part of its size.
    ///
    /// `check` gets what has arrived so far, the empty lines apart, so that another protocol is detected before its peer waits
    /// for an answer.
    pub(crate) fn read_head(
        &mut self,
        max_size: usize,
        check: impl Fn(&[u8], &[u8]) -> Result<(), HeadError>,
    ) -> Result<Bytes, HeadError> {
        let (mut start, mut searched) = (0, 0);
        loop {
            start += self.buffer[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            check(&self.buffer[..start], &self.buffer[start..])?;
            // The last bytes may be the beginning of the empty line.
            if let Some(end) = end_of_head(&self.buffer, start.max(searched)) {
                let rest = self.buffer.split_off(end);
                return Ok(Bytes::from(mem::replace(&mut self.buffer, rest)));
            }
            searched = self.buffer.len().saturating_sub(2);
            if self.buffer.len() >= max_size {
                return Err(HeadError::TooLarge);
            }
            if self.read_more(max_size)? == 0 {
                return Err(if self.buffer.is_empty() { HeadError::Closed } else { HeadError::Incomplete });
            }
        }
    }

    /// Reads once, until the buffer has at most `max_size` bytes. 0 is the end of the stream.
    pub(crate) fn read_more(&mut self, max_size: usize) -> Result<usize, HeadError> {
        let start = self.buffer.len();
        self.buffer.resize(max_size.min(start + READ_SIZE), 0);
        let result = loop {
            match self.io.read(&mut self.buffer[start..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.buffer.truncate(start + result.as_ref().copied().unwrap_or(0));
        result.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => HeadError::Deadline,
            _ => HeadError::Io(error),
        })
    }
}

fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len()).find_map(|at| match &bytes[at..] {
        [b'\n', b'\n', ..] => Some(at + 2),
        [b'\n', b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// Space for the fields of a head: one for each line, except the first line and the empty one.
pub(crate) fn field_slots(head: &[u8], max_fields: usize) -> Result<Vec<Header<'_>>, HeadError> {
    let lines = head.trim_ascii_start().iter().filter(|byte| **byte == b'\n').count();
    let fields = lines.saturating_sub(2);
    if fields > max_fields { Err(HeadError::TooManyFields) } else { Ok(vec![httparse::EMPTY_HEADER; fields]) }
}

/// The fields of a head. Values stay where they are in `head`; only unknown names are copied.
pub(crate) fn field_map(head: &Bytes, fields: &[Header<'_>]) -> Result<http::HeaderMap, HeadError> {
    let mut map = http::HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = http::HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| HeadError::FIELD_NAME)?;
        let value = http::HeaderValue::from_maybe_shared(head.slice_ref(field.value.trim_ascii()));
        append(&mut map, name, value.map_err(|_| HeadError::FIELD_VALUE)?);
    }
    Ok(map)
}

#[inline(never)] // Its frame of 500 bytes must not lie below the parser of names: a thread keeps every stack page.
fn append(map: &mut http::HeaderMap, name: http::HeaderName, value: http::HeaderValue) {
    map.append(name, value);
}

/// Why a head could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum HeadError {
    /// The peer closed without sending a byte, like a port probe or a health check. Nothing is sent.
    Closed,
    /// The peer closed before the end of the head (400).
    Incomplete,
    /// The stream timed out (`TimedOut` or `WouldBlock`) before the end of the head (408).
    Deadline,
    /// The head is larger than [`Config::max_head_size`](crate::Config::max_head_size) (431).
    TooLarge,
    /// The head has more fields than [`Config::max_header_fields`](crate::Config::max_header_fields) (431).
    TooManyFields,
    /// The bytes are not HTTP; the sentence says what is wrong (400).
    Malformed(&'static str),
    /// A version of HTTP other than 1.0 and 1.1 (505).
    Version,
    /// A TLS ClientHello on a port without TLS (400). The response is plain text, as with most servers. TLS libraries
    /// report it as "wrong version number" or "record too long", which is what users search for.
    Tls,
    /// The PROXY protocol of HAProxy, which this server does not speak (400).
    ProxyProtocol,
    /// The socket failed. Nothing is sent.
    Io(io::Error),
}

impl HeadError {
    pub(super) const FIELD_NAME: Self = Self::Malformed("A header field has an invalid name.");
    pub(super) const FIELD_VALUE: Self = Self::Malformed("A header field has an invalid value.");

    /// What to send before closing. `None` if the peer could not read it.
    #[must_use]
    pub fn response(&self) -> Option<Response> {
        let (status, sentence) = self.describe();
        status.map(|status| Response::text(status, sentence))
    }

    fn describe(&self) -> (Option<u16>, &'static str) {
        match self {
            Self::Closed => (None, "The connection was closed without a request."),
            Self::Incomplete => (Some(400), "The request ended in the middle of its head."),
            Self::Deadline => (Some(408), "The request head did not arrive in time."),
            Self::TooLarge => (Some(431), "The request head is too large. Long cookies are the usual reason."),
            Self::TooManyFields => (Some(431), "The request has too many header fields."),
            Self::Malformed(sentence) => (Some(400), sentence),
            Self::Version => (Some(505), "This server supports HTTP/1.1."),
            Self::Tls => (Some(400), "This port does not use TLS. Use ws:// or http:// here."),
            Self::ProxyProtocol => (
                Some(400),
                "This server does not speak the PROXY protocol. Turn it off in the proxy (HAProxy: send-proxy, nginx: \
                 proxy_protocol), and let the proxy send X-Forwarded-For.",
            ),
            Self::Io(_) => (None, "The connection failed"),
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe().1)?;
        if let Self::Io(error) = self { write!(f, ": {error}.") } else { Ok(()) }
    }
}

impl std::error::Error for HeadError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind::{ConnectionReset, Interrupted, TimedOut, WouldBlock};

    /// Fails with these errors, then sends these bytes.
    struct Failing(std::vec::IntoIter<io::ErrorKind>, &'static [u8]);

    impl Read for Failing {
        fn read(&mut self, mut buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.next() {
                Some(kind) => Err(kind.into()),
                None => io::Write::write(&mut buffer, mem::take(&mut self.1)),
            }
        }
    }

    #[test]
    fn interrupted_reads_are_repeated() {
        let head = "The request head did not arrive in time.";
        for (errors, bytes, expected) in [
            (vec![], &b"A\n\nx"[..], Ok("A\n\n")),
            (vec![Interrupted; 2], b"\r\n\nA\r\nB\n\r\n\n", Ok("\r\n\nA\r\nB\n\r\n")),
            (vec![Interrupted, TimedOut], b"A\n\n", Err(head)),
            (vec![WouldBlock], b"A\n\n", Err(head)),
            (vec![ConnectionReset], b"A\n\n", Err("The connection failed: connection reset.")),
            (vec![], b"", Err("The connection was closed without a request.")),
            (vec![], b"A\n", Err("The request ended in the middle of its head.")),
            (vec![], b"A\nBCDEFGHIJ\n\n", Err("The request head is too large. Long cookies are the usual reason.")),
        ] {
            let mut io = Failing(errors.into_iter(), bytes);
            let mut reader = HeadReader { io: &mut io, buffer: Vec::new() };
            let result = reader.read_head(12, |_, _| Ok(())).map_err(|error| error.to_string());
            let expected = expected.map(|head| Bytes::from_static(head.as_bytes())).map_err(str::to_owned);
            assert_eq!(result, expected, "{bytes:?}");
        }
    }
}
