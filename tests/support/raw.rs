//! Raw bytes in and out, for requests that a correct client would not send.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
#[cfg(unix)]
use std::os::unix::net::UnixStream;

use super::client::Deadlined;

/// Sends `bytes` in one piece. Returns all bytes up to the end of the connection.
///
/// # Panics
/// If the server does not close before the deadline, or resets the connection.
#[track_caller]
pub fn raw(addr: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    exchange(addr, [bytes], false)
}

/// Like [`raw`], and sends a FIN after the bytes.
#[track_caller]
pub fn raw_then_fin(addr: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    exchange(addr, [bytes], true)
}

/// Like [`raw`], with one byte per segment.
#[track_caller]
pub fn raw_in_single_bytes(addr: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    exchange(addr, bytes.chunks(1), false)
}

/// Sends a request and reads an HTTP/1.1 response.
#[track_caller]
pub fn http(addr: SocketAddr, request: &str) -> Answer {
    Answer::parse(&raw(addr, request.as_bytes()))
}

/// A minimal `GET` of `target`.
pub fn get(addr: SocketAddr, target: &str) -> Answer {
    http(addr, &format!("GET {target} HTTP/1.1\r\nHost: {addr}\r\n\r\n"))
}

/// A `GET` of `target` on a unix socket, with these header fields.
///
/// # Panics
/// As [`raw`].
#[cfg(unix)]
#[track_caller]
pub fn get_unix(path: &str, target: &str, fields: &str) -> Answer {
    http_unix(path, &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"))
}

/// As [`http`], on a unix socket.
#[cfg(unix)]
#[track_caller]
pub fn http_unix(path: &str, request: &str) -> Answer {
    let mut stream = UnixStream::connect(path).expect("a server that listens");
    stream.set_read_timeout(Some(super::DEADLINE)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    Answer::parse(&answer)
}

/// An HTTP response.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields in order, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Parses a response.
    ///
    /// # Panics
    /// If it is not an HTTP/1.1 response. An empty one is not: the server never closes without a response.
    #[track_caller]
    pub fn parse(bytes: &[u8]) -> Answer {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut answer = httparse::Response::new(&mut headers);
        let length = match answer.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            other => panic!("not a whole HTTP response ({other:?}): {:?}", text(bytes)),
        };
        let field = |field: &httparse::Header| (field.name.to_lowercase(), text(field.value));
        Answer {
            status: answer.code.expect("a parsed response has a status"),
            headers: answer.headers.iter().map(field).collect(),
            body: bytes[length..].to_vec(),
        }
    }

    /// The value of the header field `name`, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let field = self.headers.iter().find(|(known, _)| known == name);
        field.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        text(&self.body)
    }
}

#[track_caller]
fn exchange<'a>(addr: SocketAddr, pieces: impl IntoIterator<Item = &'a [u8]>, fin: bool) -> Vec<u8> {
    let mut stream = Deadlined::connect(addr).expect("the server accepts connections");
    for piece in pieces {
        // A server may respond and close before it has read everything. Only its response counts.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    if fin {
        stream.stream.shutdown(Shutdown::Write).expect("a connected socket can be half-closed");
    }
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        panic!("no FIN ({error}) after {:?}", text(&answer));
    }
    answer
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
