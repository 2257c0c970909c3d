//! A connection whose every byte is known, so that it can break rules.

use super::cases::Case;
use crate::cli::health::connect;
#[cfg(feature = "tls")]
use chinwag::tls::rustls::{ClientConnection, StreamOwned};
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};
use tungstenite::handshake::{client::Response, derive_accept_key, machine::TryParse};
use tungstenite::http::Uri;
use tungstenite::protocol::frame::{Frame, FrameSocket, coding::Control, coding::OpCode};

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
    /// For `wss:`.
    #[cfg(feature = "tls")]
    pub(super) connector: Option<chinwag::tls::Connector>,
}

pub(super) trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// A socket that records what it receives, until a deadline.
pub(super) struct Recorder {
    pub(super) stream: Box<dyn Stream>,
    deadline: Instant,
    /// Everything after the response.
    pub(super) received: Vec<u8>,
}

impl Read for Recorder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.deadline <= Instant::now() || self.received.len() > MAX_RECEIVED {
            return Err(ErrorKind::TimedOut.into());
        }
        let count = self.stream.read(buffer)?;
        self.received.extend(&buffer[..count]);
        Ok(count)
    }
}

/// A connection after the handshake.
pub(super) type Connection = FrameSocket<Recorder>;

/// Why no further frame comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A Close frame came, with this code.
    Close(Option<u16>),
    /// The TCP connection ended.
    Tcp,
    /// Nothing came within [`TIMEOUT`].
    Silence,
    /// What no server may send.
    Invalid(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Close(Some(code)) => write!(f, "it closed with {code}"),
            Self::Close(None) => write!(f, "it closed without a code"),
            Self::Tcp => write!(f, "it ended the connection without a Close frame"),
            Self::Silence => write!(f, "nothing came within {} s", TIMEOUT.as_secs()),
            Self::Invalid(why) => f.write_str(why),
        }
    }
}

impl Target {
    /// Sends the request of a case. The response is `None` if none came, or if it was not HTTP.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub(super) fn shake_hands(&self, case: &Case) -> Result<(Connection, Option<Response>), String> {
        let mut recorder = self.connect().map_err(|why| format!("{}: {why}", self.uri))?;
        let request = self.request(case).into_bytes();
        write(&mut *recorder.stream, request.chunks(if case.is_slow { 1 } else { request.len() }));
        let (response, rest) = response(&mut recorder).unzip();
        let rest = rest.unwrap_or_default();
        recorder.received.clone_from(&rest);
        Ok((FrameSocket::from_partially_read(recorder, rest), response))
    }

    fn connect(&self) -> io::Result<Recorder> {
        let host = self.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_secure = self.uri.scheme_str() == Some("wss");
        let port = self.uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let tcp = connect((host, port), TIMEOUT)?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(TIMEOUT))?;
        tcp.set_write_timeout(Some(TIMEOUT))?;
        let recorder = |stream| Recorder { stream, deadline: Instant::now() + TIMEOUT, received: Vec::new() };
        #[cfg(feature = "tls")]
        if let Some(connector) = &self.connector {
            let name = host.to_owned().try_into().map_err(io::Error::other)?;
            let session = ClientConnection::new(connector.config(), name).map_err(io::Error::other)?;
            return Ok(recorder(Box::new(StreamOwned::new(session, tcp))));
        }
        Ok(recorder(Box::new(tcp)))
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
        let (status, fields) = (response.status().as_u16(), response.headers());
        let value = |name: &str| fields.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let has = |name: &str, token: &str| {
            let mut values = fields.get_all(name).iter().filter_map(|value| value.to_str().ok());
            values.any(|value| value.split(',').any(|other| other.trim().eq_ignore_ascii_case(token)))
        };
        let protocol = value("Sec-WebSocket-Protocol");
        let is_offered = self.fields.to_ascii_lowercase().contains("sec-websocket-protocol");
        let (accept, expected) = (value("Sec-WebSocket-Accept"), derive_accept_key(KEY.as_bytes()));
        let extensions = value("Sec-WebSocket-Extensions").unwrap_or_default();
        let wrong = [
            (!has("Upgrade", "websocket"), "its response has no Upgrade: websocket"),
            (!has("Connection", "Upgrade"), "its response has no Connection: Upgrade"),
            (accept != Some(expected.into()), "its Sec-WebSocket-Accept does not belong to the key"),
            (!extensions.is_empty(), "it chose an extension that was not offered"),
            (protocol.is_some() && !is_offered, "it chose a subprotocol that was not offered"),
        ];
        match wrong.iter().find(|(is_wrong, _)| *is_wrong) {
            _ if status != 101 => Err(format!("it answered {status}")),
            Some((_, why)) => Err((*why).to_owned()),
            None => Ok(()),
        }
    }
}

/// Reads the head of a response. The bytes behind it come with it.
fn response(stream: &mut impl Read) -> Option<(Response, Vec<u8>)> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        bytes.extend(&buffer[..count]);
        // A refusal may be in HTTP/1.0, which tungstenite does not read.
        if bytes.starts_with(b"HTTP/1.0") {
            bytes[7] = b'1';
        }
        if let Some((length, response)) = Response::try_parse(&bytes).ok()? {
            return Some((response, bytes.split_off(length)));
        }
    }
}

/// Writes the pieces one after another. A server that has ended the connection is no error: what it sent is still to be read.
pub(super) fn write<'a>(stream: &mut dyn Stream, mut pieces: impl Iterator<Item = &'a [u8]>) {
    let _ = pieces.try_for_each(|piece| stream.write_all(piece).and_then(|()| stream.flush()));
}

/// Reads frames until one of them gives a value.
///
/// # Errors
/// The end of the connection, or of the time.
pub(super) fn find<T>(connection: &mut Connection, mut wanted: impl FnMut(&Frame) -> Option<T>) -> Result<T, End> {
    connection.get_mut().deadline = Instant::now() + TIMEOUT;
    loop {
        let frame = match connection.read(Some(MAX_RECEIVED)) {
            Ok(Some(frame)) => frame,
            Err(tungstenite::Error::Io(why)) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(End::Silence);
            }
            Ok(None) | Err(tungstenite::Error::Io(_)) => return Err(End::Tcp),
            Err(why) => return Err(End::Invalid(format!("it sent a frame that is wrong: {why}"))),
        };
        let (header, payload) = (frame.header(), frame.payload());
        let is_control = matches!(header.opcode, OpCode::Control(_));
        if header.rsv1 || header.rsv2 || header.rsv3 || header.mask.is_some() {
            return Err(End::Invalid("it sent a frame with a mask or a reserved bit".to_owned()));
        }
        if is_control && (!header.is_final || payload.len() > 125) {
            return Err(End::Invalid("it sent a control frame that is too long or has fragments".to_owned()));
        }
        if header.opcode == OpCode::Control(Control::Close) {
            return Err(End::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))));
        }
        if let Some(found) = wanted(&frame) {
            return Ok(found);
        }
    }
}
