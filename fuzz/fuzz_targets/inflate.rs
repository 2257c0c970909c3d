//! Compressed messages of a client (RFC 7692), through a server and its socket: no panic, no message above the limit, and the
//! same messages as zlib reads.
//!
//! Run with `bash .ci/fuzz 60 inflate`.
//!
//! The first byte selects the server. Then each step is a message: a byte for its form, two for its length, and its payload,
//! compressed or still to be compressed by zlib. With the first byte 255, the rest are the bytes after the handshake.
//! It needs Linux, for sockets without files.
#![no_main]

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{LazyLock, Mutex};

use chinwag::{Config, Deflate, DisconnectReason, Message, Server};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use libfuzzer_sys::fuzz_target;

/// The context of each server, in bits, and its largest message.
const SERVERS: [(Option<u8>, usize); 4] = [(None, 1000), (Some(9), 3000), (Some(12), 300), (Some(15), 70_000)];

const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const PING: u8 = 9;
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;

fuzz_target!(|input: &[u8]| {
    let Some((selector, steps)) = input.split_first() else { return };
    let server = &FUZZED[usize::from(*selector) % SERVERS.len()];
    let mut sent = HANDSHAKE.as_bytes().to_vec();
    let mut model = Model::of(server);
    match selector {
        255 => {
            sent.extend_from_slice(steps);
            model.expects = Expected::Anything;
        }
        _ => model.steps(steps, &mut sent),
    }
    let (messages, reason) = server.receive(&sent);
    model.check(&messages, &reason);
});

static FUZZED: LazyLock<[Fuzzed; SERVERS.len()]> =
    LazyLock::new(|| std::array::from_fn(|at| Fuzzed::start(at, SERVERS[at].0, SERVERS[at].1)));

type Outcome = (Vec<Message>, DisconnectReason);

/// A server that keeps what each connection received.
struct Fuzzed {
    addr: SocketAddr,
    outcomes: Mutex<Receiver<Outcome>>,
    context_bits: Option<u8>,
    max: usize,
    _server: Server,
}

impl Fuzzed {
    fn start(number: usize, context_bits: Option<u8>, max: usize) -> Self {
        let name = format!("chinwag-fuzz-{}-{number}", std::process::id());
        let addr = SocketAddr::from_abstract_name(name).expect("a short name");
        let (sender, outcomes) = mpsc::channel();
        let mut deflate = Deflate::default();
        deflate.context_bits = context_bits;
        let builder = Server::builder().deflate(deflate).config(Config::unlimited().max_message_size(max));
        let builder = builder.listener(UnixListener::bind_addr(&addr).expect("a free name")).expect("a socket");
        let server = builder.serve(move |ws| {
            let messages = ws.iter().collect();
            let reason = ws.reason().expect("the connection has ended").clone();
            drop(ws);
            sender.send((messages, reason)).expect("the fuzzer waits");
        });
        let outcomes = Mutex::new(outcomes);
        Self { addr, outcomes, context_bits, max, _server: server.expect("enough threads") }
    }

    fn receive(&self, sent: &[u8]) -> Outcome {
        let mut socket = UnixStream::connect_addr(&self.addr).expect("a server");
        socket.write_all(sent).expect("the server reads everything");
        socket.shutdown(Shutdown::Write).expect("a socket");
        // Frees the socket before the next input. A server that gives up may reset it.
        let _ = socket.read_to_end(&mut Vec::new());
        self.outcomes.lock().expect("no panic").recv().expect("an outcome of each connection")
    }
}

/// How the connection has to end, after the messages.
enum Expected {
    /// All messages are accepted.
    Lost,
    /// The last message is refused with one of these codes.
    Refused(&'static [u16]),
    /// zlib refuses the last message for its tables of codes, where other implementations are less strict.
    Anything,
}

/// The peer that sends the messages, and what the server has to make of them.
struct Model {
    context_bits: Option<u8>,
    max: usize,
    history: Vec<u8>,
    compress: Compress,
    messages: Vec<Message>,
    expects: Expected,
}

impl Model {
    fn of(Fuzzed { context_bits, max, .. }: &Fuzzed) -> Self {
        let (context_bits, max) = (*context_bits, *max);
        let compress = Compress::new_with_window_bits(Compression::new(6), false, context_bits.unwrap_or(15));
        Self { context_bits, max, history: Vec::new(), compress, messages: Vec::new(), expects: Expected::Lost }
    }

    fn steps(&mut self, mut steps: &[u8], out: &mut Vec<u8>) {
        while let ([form, low, high, rest @ ..], Expected::Lost) = (steps, &self.expects) {
            let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
            let payload;
            (payload, steps) = rest.split_at(length);
            let kind = if form & 1 == 0 { BINARY } else { TEXT };
            let (bits, payload) = match form >> 1 & 3 {
                0 => (RSV1, self.foreign(payload)),
                1 => (RSV1, self.compressed(payload)),
                2 => (RSV1, self.compressed(&payload.repeat(usize::from(form >> 3) * 16))),
                _ => (0, payload.to_vec()),
            };
            write_frames(out, kind | bits, &payload, usize::from(form >> 3 & 3), form >> 5 & 1 == 1);
            self.expect(kind, bits == RSV1, &payload);
        }
    }

    /// A payload of which the compressor knows nothing.
    fn foreign(&mut self, payload: &[u8]) -> Vec<u8> {
        self.compress.reset();
        payload.to_vec()
    }

    fn compressed(&mut self, message: &[u8]) -> Vec<u8> {
        let mut payload = Vec::with_capacity(message.len() + 1024);
        if self.context_bits.is_none() {
            self.compress.reset();
        }
        self.compress.compress_vec(message, &mut payload, FlushCompress::Sync).expect("there is room");
        assert!(payload.len() < payload.capacity(), "the flush is complete");
        payload.truncate(payload.len().saturating_sub(4));
        payload
    }

    fn expect(&mut self, kind: u8, is_compressed: bool, payload: &[u8]) {
        let inflated = if is_compressed { inflate(payload, &self.history, self.max) } else { Ok(payload.to_vec()) };
        let (text, is_long) = (kind == TEXT, inflated.as_ref().is_ok_and(|message| message.len() > self.max));
        self.expects = match inflated {
            // Fragments of a text are checked before its size is known.
            Ok(message) if is_long && text && std::str::from_utf8(&message).is_err() => {
                Expected::Refused(&[1007, 1009])
            }
            Ok(_) if is_long => Expected::Refused(&[1009]),
            // A server need not accept a payload above its limit.
            Ok(_) if payload.len() > self.max => Expected::Anything,
            Ok(message) => {
                if let (true, Some(bits)) = (is_compressed, self.context_bits) {
                    self.history.extend_from_slice(&message);
                    self.history.drain(..self.history.len().saturating_sub(1 << bits));
                }
                let message = if text { String::from_utf8(message).map(Message::from) } else { Ok(message.into()) };
                let is_valid = message.is_ok();
                self.messages.extend(message);
                if is_valid { Expected::Lost } else { Expected::Refused(&[1007]) }
            }
            Err(Failure::TooLong) => Expected::Refused(&[1009]),
            Err(Failure::Truncated) if payload.len() > self.max => Expected::Refused(&[1007, 1009]),
            Err(Failure::Truncated) => Expected::Refused(&[1007]),
            Err(Failure::Malformed) => Expected::Anything,
        };
    }

    fn check(&self, messages: &[Message], reason: &DisconnectReason) {
        assert!(messages.iter().all(|message| message.len() <= self.max), "a message above the limit");
        match (&self.expects, reason) {
            (Expected::Anything, _) => assert!(messages.starts_with(&self.messages), "{reason:?}"),
            (Expected::Lost, DisconnectReason::ConnectionLost) => assert_eq!(messages, self.messages),
            (Expected::Refused(codes), DisconnectReason::ProtocolViolation { code, .. }) if codes.contains(code) => {
                assert_eq!(messages, self.messages);
            }
            _ => panic!("{reason:?} after {} of {} messages", messages.len(), self.messages.len()),
        }
    }
}

/// A message in several fragments, perhaps with Pings between them. The mask is 0.
fn write_frames(out: &mut Vec<u8>, first: u8, payload: &[u8], fragments: usize, with_pings: bool) {
    let (mut head, mut rest) = (first, payload);
    for left in (0..=fragments).rev() {
        let (part, later) = rest.split_at(rest.len() / (left + 1));
        let fin = if left == 0 { FIN } else { 0 };
        out.extend([head | fin, 0x80 | 127]);
        out.extend((part.len() as u64).to_be_bytes());
        out.extend([0; 4]);
        out.extend_from_slice(part);
        if with_pings && left > 0 {
            out.extend([FIN | PING, 0x80, 0, 0, 0, 0]);
        }
        (head, rest) = (0, later);
    }
}

enum Failure {
    /// It became longer than `max` before anything was wrong.
    TooLong,
    /// More has to follow.
    Truncated,
    Malformed,
}

/// What zlib makes of the payload of a message (RFC 7692 7.2.2), after these earlier bytes.
fn inflate(payload: &[u8], history: &[u8], max: usize) -> Result<Vec<u8>, Failure> {
    if payload.is_empty() {
        return Ok(Vec::new());
    }
    // What the sender removed, and an empty final block, which zlib reaches only if nothing is missing.
    let input = [payload, &[0, 0, 0xff, 0xff], &[1, 0, 0, 0xff, 0xff]].concat();
    let (mut rest, mut output) = (input.as_slice(), history.to_vec());
    while !rest.is_empty() {
        // The sender may have ended a stream, and begun another one.
        let mut zlib = Decompress::new(false);
        zlib.set_dictionary(&output[output.len().saturating_sub(1 << 15)..]).expect("a raw stream can have one");
        let mut is_over = false;
        while !is_over {
            let (read, written, mut buffer) = (zlib.total_in(), zlib.total_out(), [0; 4096]);
            let status = zlib.decompress(rest, &mut buffer, FlushDecompress::None);
            let (read, written) = (zlib.total_in() - read, (zlib.total_out() - written) as usize);
            rest = &rest[read as usize..];
            output.extend_from_slice(&buffer[..written]);
            if output.len() - history.len() > max {
                return Err(Failure::TooLong);
            }
            match status {
                Ok(Status::StreamEnd) => is_over = true,
                Ok(_) if read == 0 && written == 0 => return Err(Failure::Truncated),
                Ok(_) => {}
                Err(_) => return Err(Failure::Malformed),
            }
        }
    }
    Ok(output.split_off(history.len()))
}
