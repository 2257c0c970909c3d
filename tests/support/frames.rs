//! Frames by hand (RFC 6455 5.2), for clients that misbehave and to check how a connection ends.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use super::DEADLINE;
use super::client::Deadlined;

/// Opcodes (RFC 6455 5.2).
pub const TEXT: u8 = 1;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// A valid handshake request. `more` has further header lines, each with its CRLF.
pub fn handshake(addr: SocketAddr, more: &str) -> Vec<u8> {
    format!(
        "GET / HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
    .into_bytes()
}

/// A whole message in one frame, masked with zeros, so that the payload is readable on the wire.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(opcode, payload.len());
    bytes.extend_from_slice(payload);
    bytes
}

/// The header of such a frame.
pub fn header(opcode: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match u16::try_from(length) {
        Ok(short) if short < 126 => bytes.push(0x80 | short as u8),
        Ok(middle) => bytes.extend([&[0x80 | 126][..], &middle.to_be_bytes()].concat()),
        Err(_) => bytes.extend([&[0x80 | 127][..], &(length as u64).to_be_bytes()].concat()),
    }
    bytes.extend([0; 4]);
    bytes
}

/// A whole message in one frame of a server, without a mask.
pub fn server_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let masked = frame(opcode, payload);
    let mut bytes = masked[..masked.len() - payload.len() - 4].to_vec();
    bytes[1] &= 0x7f;
    bytes.extend_from_slice(payload);
    bytes
}

/// Reads an HTTP head, with the empty line at its end.
#[track_caller]
pub fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head before the deadline");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("an HTTP head is text")
}

/// One frame of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub opcode: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The status code of a Close frame.
    pub fn code(&self) -> u16 {
        assert_eq!(self.opcode, CLOSE, "{self:?}");
        u16::from_be_bytes([self.payload[0], self.payload[1]])
    }
}

/// The next frame of a server. `Ok(None)` is a FIN.
pub fn read_frame(stream: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut first = [0];
    if stream.read(&mut first)? == 0 {
        return Ok(None);
    }
    let [second] = exactly(stream)?;
    let length = match second {
        126 => usize::from(u16::from_be_bytes(exactly(stream)?)),
        127 => u64::from_be_bytes(exactly(stream)?) as usize,
        short => usize::from(short),
    };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload)?;
    Ok(Some(Frame { opcode: first[0] & 0x0f, payload }))
}

fn exactly<const N: usize>(stream: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A connection that replies to nothing: no Pong, no reply to a Close.
#[derive(Debug)]
pub struct RawClient {
    stream: Deadlined,
}

impl RawClient {
    /// Connects, sends a handshake with `behind` in the same segment, and reads the 101 response.
    #[track_caller]
    pub fn open_with(addr: SocketAddr, behind: &[u8]) -> RawClient {
        let mut client = RawClient::connect(addr);
        client.send(&[&handshake(addr, "")[..], behind].concat());
        let head = client.read_head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }

    /// Connects and does the handshake.
    #[track_caller]
    pub fn open(addr: SocketAddr) -> RawClient {
        RawClient::open_with(addr, b"")
    }

    /// Connects without a handshake.
    #[track_caller]
    pub fn connect(addr: SocketAddr) -> RawClient {
        RawClient { stream: Deadlined::connect(addr).expect("the server accepts connections") }
    }

    /// The socket.
    pub fn socket(&self) -> &TcpStream {
        &self.stream.stream
    }

    /// Sends raw bytes.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the server reads");
    }

    /// Like [`RawClient::send`], for a connection that may be closed.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.until = Instant::now() + DEADLINE;
        self.stream.write_all(bytes)
    }

    /// Reads an HTTP head, with the empty line at its end.
    #[track_caller]
    pub fn read_head(&mut self) -> String {
        read_head(&mut self.stream)
    }

    /// The next frame. `Ok(None)` is a FIN, `Err` a reset or a timeout.
    pub fn read_frame(&mut self) -> io::Result<Option<Frame>> {
        self.stream.until = Instant::now() + DEADLINE;
        read_frame(&mut self.stream)
    }

    /// The next frame; panics if there is none.
    #[track_caller]
    pub fn expect_frame(&mut self) -> Frame {
        match self.read_frame() {
            Ok(Some(frame)) => frame,
            other => panic!("expected a frame, got {other:?}"),
        }
    }

    /// All frames up to a FIN.
    #[track_caller]
    pub fn read_to_fin(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            match self.read_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => return frames,
                Err(error) => panic!("no FIN ({error}) after {} frames: {:?}", frames.len(), frames.last()),
            }
        }
    }

    /// Reads to the FIN. The last frame must be a Close frame; returns its code.
    #[track_caller]
    pub fn expect_close_and_fin(&mut self) -> u16 {
        let frames = self.read_to_fin();
        frames.last().expect("a Close frame before the FIN").code()
    }
}
