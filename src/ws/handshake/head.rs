//! Reads the head of an HTTP message, within limits. Server and client share it.
//!
//! A thread keeps every stack page that it ever touched. So the buffer and the field slots are on the heap.

use crate::ws::http::Response;
use httparse::Status;
use std::io::{self, ErrorKind, Read};
use std::{fmt, mem};
use tungstenite::Bytes;
use tungstenite::http::{HeaderMap, HeaderName, HeaderValue};

/// Bytes that one read asks for. Most heads fit.
const READ_SIZE: usize = 1024;

/// Reads up to the first empty line. A line ends with LF, or with CR and LF. Empty lines before the head are skipped
/// (RFC 9112 2.2), but they count as part of its size.
///
/// `parse_line` gets those empty lines, and what has arrived after them. It returns `None` as long as the first line may
/// become valid, so that another protocol is detected before its peer waits for an answer.
///
/// Returns the first line as parsed, the header fields, and the whole head as received. What came after it stays in `buffer`.
pub(crate) fn read_head<L>(
    io: &mut impl Read,
    buffer: &mut Vec<u8>,
    max_size: usize,
    max_fields: usize,
    parse_line: impl Fn(&[u8], &[u8]) -> Result<Option<L>, HeadError>,
) -> Result<(L, HeaderMap, Bytes), HeadError> {
    let mut start = 0;
    let line = loop {
        start += buffer[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        if let Some(line) = parse_line(&buffer[..start], &buffer[start..])? {
            break line;
        }
        read_more(io, buffer, max_size)?;
    };
    let end = loop {
        match end_of_head(buffer, start) {
            Some(end) => break end,
            None => read_more(io, buffer, max_size)?,
        }
    };
    let rest = buffer.split_off(end);
    let bytes = Bytes::from(mem::replace(buffer, rest)).slice(start..);
    Ok((line, fields(&bytes, max_fields)?, bytes))
}

/// Reads once, until the buffer has at most `max_size` bytes.
///
/// # Errors
/// The buffer has that many already, or nothing more comes.
pub(crate) fn read_more(io: &mut impl Read, buffer: &mut Vec<u8>, max_size: usize) -> Result<(), HeadError> {
    let start = buffer.len();
    if start >= max_size {
        return Err(HeadError::Invalid(431, "The head is too large. Long cookies are the usual reason."));
    }
    buffer.resize(max_size.min(start + READ_SIZE), 0);
    let result = loop {
        match io.read(&mut buffer[start..]) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => break result,
        }
    };
    buffer.truncate(start + result.as_ref().copied().unwrap_or(0));
    match result {
        Ok(1..) => Ok(()),
        Ok(0) if start == 0 => Err(HeadError::Closed),
        Ok(0) => Err(invalid("The connection ended in the middle of the head.")),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Err(HeadError::Deadline),
        Err(error) => Err(HeadError::Io(error)),
    }
}

fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len()).find_map(|at| match &bytes[at..] {
        [b'\n', b'\n', ..] => Some(at + 2),
        [b'\n', b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// The first line, without its line end. `None`: its end has not arrived.
pub(crate) fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let line = &bytes[..bytes.iter().position(|byte| *byte == b'\n')?];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// The fields of a head, after its first line. Values stay where they are in `head`; only unknown names are copied.
fn fields(head: &Bytes, max_fields: usize) -> Result<HeaderMap, HeadError> {
    let lines = head.iter().position(|byte| *byte == b'\n').map_or(head.len(), |end| end + 1);
    let mut slots = vec![httparse::EMPTY_HEADER; max_fields.min(head.len())];
    let fields = match httparse::parse_headers(&head[lines..], &mut slots) {
        Ok(Status::Complete((length, fields))) if lines + length == head.len() => fields,
        Err(httparse::Error::HeaderName) => return Err(FIELD_NAME),
        Err(httparse::Error::HeaderValue) => return Err(FIELD_VALUE),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(HeadError::Invalid(431, "The head has too many header fields."));
        }
        _ => return Err(invalid("A line of the head has an invalid line end.")),
    };
    let mut map = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| FIELD_NAME)?;
        let value = HeaderValue::from_maybe_shared(head.slice_ref(field.value.trim_ascii()));
        append(&mut map, name, value.map_err(|_| FIELD_VALUE)?);
    }
    Ok(map)
}

#[inline(never)] // Its frame of 500 bytes must not lie below the parser of names: a thread keeps every stack page.
fn append(map: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    map.append(name, value);
}

/// Why a head could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum HeadError {
    /// The peer closed without sending a byte, like a port probe or a health check. Nothing is sent.
    Closed,
    /// The stream timed out (`TimedOut` or `WouldBlock`) before the end of the head (408).
    Deadline,
    /// A TLS ClientHello on a port without TLS (400). The response is plain text, as with most servers. TLS libraries
    /// report it as "wrong version number" or "record too long", which is what users search for.
    Tls,
    /// The PROXY protocol of HAProxy, which this server does not speak (400).
    ProxyProtocol,
    /// The head is not that of an HTTP/1 request, is incomplete, or exceeds
    /// [`Config::max_head_size`](crate::Config::max_head_size) or
    /// [`Config::max_header_fields`](crate::Config::max_header_fields). The status to respond with, and what is wrong.
    Invalid(u16, &'static str),
    /// The socket failed. Nothing is sent.
    Io(io::Error),
}

const FIELD_NAME: HeadError = invalid("A header field has an invalid name.");
const FIELD_VALUE: HeadError = invalid("A header field has an invalid value.");

pub(crate) const fn invalid(sentence: &'static str) -> HeadError {
    HeadError::Invalid(400, sentence)
}

impl HeadError {
    /// What to send before closing. `None` if the peer could not read it.
    #[must_use]
    pub fn response(&self) -> Option<Response> {
        let status = match *self {
            Self::Closed | Self::Io(_) => return None,
            Self::Deadline => 408,
            Self::Tls | Self::ProxyProtocol => 400,
            Self::Invalid(status, _) => status,
        };
        Some(Response::text(status, self.to_string()))
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "The connection was closed without a request.",
            Self::Deadline => "The request head did not arrive in time.",
            Self::Tls => "This port does not use TLS. Use ws:// or http:// here.",
            Self::ProxyProtocol => {
                "This server does not speak the PROXY protocol. Turn it off in the proxy (HAProxy: send-proxy, nginx: \
                 proxy_protocol), and let the proxy send X-Forwarded-For."
            }
            Self::Invalid(_, sentence) => sentence,
            Self::Io(error) => return write!(f, "The connection failed: {error}."),
        })
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
            (vec![Interrupted; 2], b"\r\n\nA\r\nB:\n\r\n\n", Ok("A\r\nB:\n\r\n")),
            (vec![Interrupted, TimedOut], b"A\n\n", Err(head)),
            (vec![WouldBlock], b"A\n\n", Err(head)),
            (vec![ConnectionReset], b"A\n\n", Err("The connection failed: connection reset.")),
            (vec![], b"", Err("The connection was closed without a request.")),
            (vec![], b"A\n", Err("The connection ended in the middle of the head.")),
            (vec![], b"A\nBCDEFGHIJ\n\n", Err("The head is too large. Long cookies are the usual reason.")),
        ] {
            let mut io = Failing(errors.into_iter(), bytes);
            let head = read_head(&mut io, &mut Vec::new(), 12, 9, |_, bytes| Ok(first_line(bytes).map(drop)));
            let result = head.map(|(.., bytes)| bytes).map_err(|error| error.to_string());
            let expected = expected.map(|head| Bytes::from_static(head.as_bytes())).map_err(str::to_owned);
            assert_eq!(result, expected, "{bytes:?}");
        }
    }

    #[test]
    fn each_fault_of_a_field_has_its_sentence() {
        for (lines, expected) in [
            ("A: b\r\n\rx\n\n", "A line of the head has an invalid line end."),
            ("\r\nx", "A line of the head has an invalid line end."),
            ("A b: c\r\n\r\n", "A header field has an invalid name."),
            ("A: b\0\r\n\r\n", "A header field has an invalid value."),
            ("A: b\r\nA: b\r\n\r\n", "The head has too many header fields."),
        ] {
            let error = fields(&Bytes::from(format!("GET / HTTP/1.1\r\n{lines}")), 1).expect_err(lines);
            assert_eq!(error.to_string(), expected, "{lines}");
        }
    }
}
