//! The body of a request: how long it is (RFC 9112 6), and reading it within a size and a deadline.

use super::bad_request;
use super::head::{DeadlineRead, HeadError, HeadReader};
use crate::ws::http::Response;
use httparse::Status;
use std::time::Instant;
use tungstenite::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use tungstenite::http::{HeaderMap, HeaderValue};

/// The most bytes of a chunk's first line, and how many more bytes than its body a chunked request may need at once.
const MAX_CHUNK_LINE: usize = 256;

/// How the end of a body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// It has this many bytes. A request without a body has zero.
    Length(usize),
    /// It consists of chunks.
    Chunked,
}

impl Body {
    /// The body that a head announces.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Response> {
        let lengths =
            || headers.get_all(CONTENT_LENGTH).iter().flat_map(|field| field.as_bytes().split(|b| *b == b','));
        if headers.contains_key(TRANSFER_ENCODING) {
            // Two ends that contradict each other: the rest could be mistaken for another request (RFC 9112 6.3).
            let is_chunked = |value: &HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
            let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
            let only_chunked = codings.next().is_some_and(is_chunked) && codings.next().is_none();
            return match only_chunked && lengths().next().is_none() {
                true => Ok(Self::Chunked),
                false => Err(bad_request("Transfer-Encoding must be chunked, without Content-Length.")),
            };
        }
        let invalid = || bad_request("Content-Length must be one number.");
        let mut length = None;
        // Proxies join repeated fields (RFC 9110 8.6).
        for part in lengths() {
            let part = Some(part.trim_ascii()).filter(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
            let number =
                std::str::from_utf8(part.ok_or_else(invalid)?).ok().map(|part| part.parse().unwrap_or(usize::MAX));
            if length.is_some() && length != number {
                return Err(invalid());
            }
            length = number;
        }
        Ok(Self::Length(length.unwrap_or(0)))
    }

    /// Only requests for the program have a body.
    pub(super) fn must_be_empty(self) -> Result<(), Response> {
        match self {
            Self::Length(0) => Ok(()),
            Self::Length(_) => {
                Err(bad_request("This request cannot have a body: Content-Length must be 0 or left out."))
            }
            Self::Chunked => Err(bad_request("This request cannot have a body: leave Transfer-Encoding out.")),
        }
    }

    /// Refuses a body that is known to be too large.
    ///
    /// # Errors
    /// The response: 413.
    pub fn check_size(self, max_size: usize) -> Result<(), Response> {
        match self {
            Self::Length(length) if length > max_size => Err(too_large(max_size)),
            _ => Ok(()),
        }
    }

    /// Reads the body. `received` are the bytes that arrived with the head.
    ///
    /// # Errors
    /// The response: 400, 408 or 413.
    pub fn read(
        self,
        io: &mut impl DeadlineRead,
        received: Vec<u8>,
        max_size: usize,
        deadline: Instant,
    ) -> Result<Vec<u8>, Response> {
        self.check_size(max_size)?;
        let mut reader = HeadReader { io, deadline, buffer: received };
        match self {
            Self::Length(length) => {
                while reader.buffer.len() < length {
                    read_more(&mut reader, length)?;
                }
                reader.buffer.truncate(length);
                Ok(reader.buffer)
            }
            Self::Chunked => read_chunks(&mut reader, max_size),
        }
    }
}

/// Joins the chunks (RFC 9112 7.1). The trailer is not read.
fn read_chunks<R: DeadlineRead>(reader: &mut HeadReader<'_, R>, max_size: usize) -> Result<Vec<u8>, Response> {
    let malformed = || bad_request("The chunks of the body are malformed.");
    let mut body = Vec::new();
    loop {
        let needed = match httparse::parse_chunk_size(&reader.buffer) {
            Ok(Status::Complete((_, 0))) => return Ok(body),
            Ok(Status::Complete((start, size))) => {
                let size = usize::try_from(size).ok().filter(|size| *size <= max_size - body.len());
                let end = start + size.ok_or_else(|| too_large(max_size))?;
                match reader.buffer.get(end..end + 2) {
                    Some(b"\r\n") => {
                        body.extend_from_slice(&reader.buffer[start..end]);
                        reader.buffer.drain(..end + 2);
                        continue;
                    }
                    Some(_) => return Err(malformed()),
                    None => end + 2,
                }
            }
            Ok(Status::Partial) if reader.buffer.len() < MAX_CHUNK_LINE => reader.buffer.len() + 1,
            _ => return Err(malformed()),
        };
        // More than needed may be there already, and is the beginning of the next chunk.
        read_more(reader, needed + MAX_CHUNK_LINE)?;
    }
}

fn read_more<R: DeadlineRead>(reader: &mut HeadReader<'_, R>, max_size: usize) -> Result<(), Response> {
    match reader.read_more(max_size) {
        Ok(1..) => Ok(()),
        Err(HeadError::Deadline) => Err(Response::text(408, "The request body did not arrive in time.")),
        Ok(0) | Err(_) => Err(bad_request("The request ended in the middle of its body.")),
    }
}

fn too_large(max_size: usize) -> Response {
    Response::text(413, format!("The request body is too large. At most {max_size} bytes are accepted."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// Delivers the bytes in pieces of this size, then the end of the stream.
    struct Pieces<'a>(&'a [u8], usize);

    impl DeadlineRead for Pieces<'_> {
        fn read_before(&mut self, _: Instant, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn announced(fields: &[(&'static str, &'static str)]) -> Result<Body, u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        Body::of(&headers).map_err(|response| response.status)
    }

    /// Header fields, and what they announce.
    type Row<'a> = (&'a [(&'static str, &'static str)], Result<Body, u16>);

    #[test]
    fn end_of_the_body_is_never_ambiguous() {
        let (length, coding) = ("content-length", "transfer-encoding");
        let rows: &[Row<'_>] = &[
            (&[], Ok(Body::Length(0))),
            (&[(length, "5")], Ok(Body::Length(5))),
            (&[(length, "05, 5"), (length, "5")], Ok(Body::Length(5))),
            (&[(length, "99999999999999999999999")], Ok(Body::Length(usize::MAX))),
            (&[(length, "5"), (length, "6")], Err(400)),
            (&[(length, "+5")], Err(400)),
            (&[(length, "-1")], Err(400)),
            (&[(length, "")], Err(400)),
            (&[(length, "5,")], Err(400)),
            (&[(length, "0x5")], Err(400)),
            (&[(coding, "Chunked")], Ok(Body::Chunked)),
            (&[(coding, "gzip, chunked")], Err(400)),
            (&[(coding, "chunked"), (coding, "chunked")], Err(400)),
            (&[(coding, "identity")], Err(400)),
            (&[(coding, "chunked"), (length, "5")], Err(400)),
        ];
        for (fields, expected) in rows {
            assert_eq!(announced(fields), *expected, "{fields:?}");
        }
    }

    #[test]
    fn body_is_read_to_its_end_and_no_further() {
        let large = format!("{:x}\r\n{}\r\n0\r\n\r\n", 100, "x".repeat(100));
        let most = "x".repeat(100);
        let rows: &[(Body, &str, Result<&str, u16>)] = &[
            (Body::Length(0), "", Ok("")),
            (Body::Length(2), "hi", Ok("hi")),
            (Body::Length(2), "hi there", Ok("hi")),
            (Body::Length(3), "hi", Err(400)),
            (Body::Length(101), "", Err(413)),
            (Body::Chunked, "0\r\n\r\n", Ok("")),
            (Body::Chunked, "2\r\nhi\r\n0\r\nX: y\r\n\r\n", Ok("hi")),
            (Body::Chunked, "2;a=b\r\nhi\r\n6\r\n there\r\n0\r\n\r\n", Ok("hi there")),
            (Body::Chunked, &large, Ok(&most)),
            (Body::Chunked, "1\r\nx\r\n64\r\n", Err(413)),
            (Body::Chunked, "ffffffffffffffff\r\n", Err(413)),
            (Body::Chunked, "2\r\nhi", Err(400)),
            (Body::Chunked, "2\r\nhi0\r\n\r\n", Err(400)),
            (Body::Chunked, "2\nhi\n0\n\n", Err(400)),
            (Body::Chunked, "hi\r\n", Err(400)),
            (Body::Chunked, "", Err(400)),
            (Body::Chunked, &"0".repeat(5000), Err(400)),
        ];
        for (body, sent, expected) in rows {
            for (size, received) in [(1, 0), (3, 1), (9999, 0), (9999, 9999)] {
                let (received, rest) = sent.as_bytes().split_at(received.min(sent.len()));
                let read = body.read(&mut Pieces(rest, size), received.to_vec(), 100, Instant::now());
                let read = read.map_err(|response| response.status);
                assert_eq!(read, expected.map(|text| text.as_bytes().to_vec()), "{sent:.30} {size}");
            }
        }
    }
}
