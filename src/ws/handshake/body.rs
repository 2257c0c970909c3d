//! The body of a request: how long it is (RFC 9112 6), and reading it.

use super::bad_request;
use super::head::{HeadError, read_more};
use crate::ws::http::{Response, single_field};
use std::io::Read;
use tungstenite::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use tungstenite::http::{HeaderMap, HeaderValue};

/// The bytes of the body that a head announces. Chunks are not accepted: the few clients that send them can send a length.
pub(super) fn length(headers: &HeaderMap) -> Result<usize, Response> {
    if headers.contains_key(TRANSFER_ENCODING) {
        return Err(Response::text(411, "Send the body with Content-Length, and leave Transfer-Encoding out."));
    }
    // A field that is repeated could hide another request (RFC 9112 6.3).
    match single_field(headers, &CONTENT_LENGTH).map(|field| field.map(HeaderValue::as_bytes)) {
        Ok(None) => Ok(0),
        Ok(Some(digits @ [_, ..])) if digits.iter().all(u8::is_ascii_digit) => {
            Ok(std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(usize::MAX))
        }
        _ => Err(bad_request("Content-Length must be one number.")),
    }
}

/// Refuses a body that is too large.
pub(crate) fn check_size(length: usize, max_size: usize) -> Result<(), Response> {
    let sentence = || format!("The request body is too large. At most {max_size} bytes are accepted.");
    if length > max_size { Err(Response::text(413, sentence())) } else { Ok(()) }
}

/// Reads a body of this length. `received` are the bytes that arrived with the head.
///
/// # Errors
/// The response: 400 or 408.
pub(crate) fn read_body(io: &mut impl Read, mut received: Vec<u8>, length: usize) -> Result<Vec<u8>, Response> {
    while received.len() < length {
        read_more(io, &mut received, length).map_err(|error| match error {
            HeadError::Deadline => Response::text(408, "The request body did not arrive in time."),
            _ => bad_request("The request ended in the middle of its body."),
        })?;
    }
    received.truncate(length);
    Ok(received)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// Delivers the bytes in pieces of this size, then the end of the stream.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(self.1).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn length_of_the_body_is_never_ambiguous() {
        let rows: [(&[&'static str], Result<usize, u16>); 12] = [
            (&[], Ok(0)),
            (&["5"], Ok(5)),
            (&["05"], Ok(5)),
            (&["5, 5"], Err(400)),
            (&["5", "5"], Err(400)),
            (&["99999999999999999999999"], Ok(usize::MAX)),
            (&["5", "6"], Err(400)),
            (&["+5"], Err(400)),
            (&["-1"], Err(400)),
            (&[""], Err(400)),
            (&["5,"], Err(400)),
            (&["0x5"], Err(400)),
        ];
        for (values, expected) in rows {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_LENGTH, HeaderValue::from_static(value));
            }
            assert_eq!(length(&headers).map_err(|response| response.status), expected, "{values:?}");
            headers.append(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            assert_eq!(length(&headers).map_err(|response| response.status), Err(411), "{values:?}");
        }
    }

    #[test]
    fn body_is_read_to_its_end_and_no_further() {
        for (length, sent, expected) in
            [(0, "", Ok("")), (2, "hi", Ok("hi")), (2, "hi there", Ok("hi")), (3, "hi", Err(400))]
        {
            for (size, received) in [(1, 0), (3, 1), (9999, 0), (9999, 9999)] {
                let (received, rest) = sent.as_bytes().split_at(received.min(sent.len()));
                let read = read_body(&mut Pieces(rest, size), received.to_vec(), length);
                let read = read.map_err(|response| response.status);
                assert_eq!(read, expected.map(|text| text.as_bytes().to_vec()), "{sent} {size}");
            }
        }
        assert_eq!(check_size(101, 100).map_err(|response| response.status), Err(413));
        assert!(check_size(100, 100).is_ok());
    }
}
