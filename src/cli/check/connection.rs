//! A connection whose every byte is known, so that it can break rules.

use super::cases::{Case, Pieces};
use super::frame::{CLOSE, Frame, take};
use crate::cli::health::connect;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tungstenite::{handshake::derive_accept_key, http::Uri};

/// How long a server has for an answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// The most bytes of one connection. A server that sends more has not understood the question.
const MAX_RECEIVED: usize = 4 * 1024 * 1024;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The server that is tried, and how to reach it.
pub(super) struct Target {
    pub(super) uri: Uri,
    /// Header fields beside those of every request, each with its line end.
    pub(super) fields: String,
    #[cfg(feature = "tls")]
    pub(super) connector: Option<chinwag::tls::Connector>,
}

trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

pub(super) struct Connection {
    stream: Box<dyn Stream>,
    /// The same socket, for its timeouts.
    tcp: TcpStream,
    unread: Vec<u8>,
    pub(super) received: Vec<u8>,
}

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Frame(Frame),
    /// The TCP connection ended.
    End,
    /// Nothing came within [`TIMEOUT`].
    Silence,
    /// What no server may send.
    Invalid(&'static str),
}

impl Target {
    /// # Errors
    /// The server cannot be reached.
    pub(super) fn connect(&self) -> io::Result<Connection> {
        let host = self.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = self.uri.port_u16().unwrap_or(if self.is_secure() { 443 } else { 80 });
        let tcp = connect((host, port), TIMEOUT)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(TIMEOUT))?;
        tcp.set_write_timeout(Some(TIMEOUT))?;
        let stream = self.encrypt(tcp.try_clone()?, host)?;
        Ok(Connection { stream, tcp, unread: Vec::new(), received: Vec::new() })
    }

    #[cfg(feature = "tls")]
    fn encrypt(&self, tcp: TcpStream, host: &str) -> io::Result<Box<dyn Stream>> {
        use chinwag::tls::rustls::{ClientConnection, StreamOwned};
        let Some(connector) = &self.connector else { return Ok(Box::new(tcp)) };
        let name = host.to_owned().try_into().map_err(io::Error::other)?;
        let session = ClientConnection::new(connector.config(), name).map_err(io::Error::other)?;
        Ok(Box::new(StreamOwned::new(session, tcp)))
    }

    #[cfg(not(feature = "tls"))]
    fn encrypt(&self, tcp: TcpStream, _: &str) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(tcp))
    }

    pub(super) fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("wss")
    }

    /// The request of a case.
    pub(super) fn request(&self, case: &Case) -> String {
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let host = self.uri.authority().map_or("", |host| host.as_str());
        let valid = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{}\r\n",
            self.fields
        );
        case.edits.iter().fold(valid, |request, (before, after)| request.replacen(before, after, 1))
    }

    /// What is wrong with the response to a request that must be accepted (RFC 6455 4.2.2).
    pub(super) fn judge_acceptance(&self, response: &Response) -> Result<(), String> {
        let has = |name: &str, token: &str| {
            let mut fields = response.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
            fields.any(|(_, value)| value.split(',').any(|other| other.trim().eq_ignore_ascii_case(token)))
        };
        let value = |name: &str| response.field(name);
        let is_asked_for = |name: &str| self.fields.to_ascii_lowercase().contains(&name.to_ascii_lowercase());
        match () {
            () if response.status != 101 => Err(format!("it answered {}", response.status)),
            () if !has("Upgrade", "websocket") => Err("its response has no Upgrade: websocket".into()),
            () if !has("Connection", "Upgrade") => Err("its response has no Connection: Upgrade".into()),
            () if value("Sec-WebSocket-Accept") != Some(&derive_accept_key(KEY.as_bytes())) => {
                Err("its Sec-WebSocket-Accept does not belong to the key".into())
            }
            () if value("Sec-WebSocket-Extensions").is_some_and(|value| !value.is_empty()) => {
                Err("it chose an extension that was not offered".into())
            }
            () if value("Sec-WebSocket-Protocol").is_some() && !is_asked_for("Sec-WebSocket-Protocol") => {
                Err("it chose a subprotocol that was not offered".into())
            }
            () => Ok(()),
        }
    }
}

/// The head of an HTTP response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    fields: Vec<(String, String)>,
}

impl Response {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Connection {
    /// Writes the pieces one after another. A server that has ended the connection is no error: what it sent is still to be read.
    pub(super) fn send(&mut self, pieces: &[Vec<u8>], how: Pieces) {
        let joined = [pieces.concat()];
        for piece in if how == Pieces::Once { &joined } else { pieces } {
            let size = if how == Pieces::Bytes { 1 } else { piece.len() };
            let mut parts = piece.chunks(size.max(1));
            if parts.try_for_each(|part| self.stream.write_all(part).and_then(|()| self.stream.flush())).is_err() {
                return;
            }
        }
    }

    /// Reads the head of a response. `None` if the connection ends before one, or if it is not HTTP.
    pub(super) fn response(&mut self) -> Option<Response> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let mut head = httparse::Response::new(&mut fields);
            match head.parse(&self.unread).ok()? {
                httparse::Status::Complete(length) => {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    let fields = head.headers.iter().map(|field| (field.name.to_owned(), text(field.value))).collect();
                    let status = head.code?;
                    self.unread.drain(..length);
                    self.received.clear();
                    return Some(Response { status, fields });
                }
                httparse::Status::Partial if !matches!(self.read(deadline), Ok(1..)) => return None,
                httparse::Status::Partial => (),
            }
        }
    }

    /// The next frame, until the deadline.
    pub(super) fn next(&mut self, deadline: Instant) -> Next {
        loop {
            match take(&mut self.unread) {
                Ok(Some(frame)) if frame.opcode() >= CLOSE && (!frame.is_final() || frame.payload.len() > 125) => {
                    return Next::Invalid("it sent a control frame that is too long or has fragments");
                }
                Ok(Some(frame)) => return Next::Frame(frame),
                Err(why) => return Next::Invalid(why),
                Ok(None) if self.received.len() > MAX_RECEIVED => return Next::Silence,
                Ok(None) => (),
            }
            match self.read(deadline) {
                Ok(1..) => (),
                Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Next::Silence,
                _ => return Next::End,
            }
        }
    }

    fn read(&mut self, deadline: Instant) -> io::Result<usize> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.tcp.set_read_timeout(Some(left))?;
        let mut buffer = [0; 4096];
        let count = self.stream.read(&mut buffer)?;
        self.unread.extend(&buffer[..count]);
        self.received.extend(&buffer[..count]);
        Ok(count)
    }
}
