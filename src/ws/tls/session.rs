//! One TLS session: ciphertext in, plaintext out, and the reverse.

use rustls::Connection;
use std::io::{self, ErrorKind, Read, Write};
use std::{collections::VecDeque, fmt};

/// The most bytes that rustls buffers for sending. They are taken out after each record.
const MAX_SEND_BUFFER: usize = 32 * 1024;

/// The session of a server or a client. It has no socket and never blocks on one, so that a connection can use it under its
/// lock. Boxed, because it is large and most connections have none.
#[derive(Debug)]
pub(crate) struct Session(Box<Inner>);

struct Inner {
    tls: Connection,
    /// Plaintext that was read during the HTTP handshake and belongs to the connection.
    early: VecDeque<u8>,
    hsts: Option<u32>,
}

impl Session {
    /// A session that has not begun. `hsts` is what [`Session::hsts`] returns.
    pub(super) fn new(tls: impl Into<Connection>, hsts: Option<u32>) -> Self {
        let mut tls = tls.into();
        tls.set_buffer_limit(Some(MAX_SEND_BUFFER));
        Self(Box::new(Inner { tls, early: VecDeque::new(), hsts }))
    }

    /// For how many seconds browsers should use `https` only (RFC 6797). Responses carry it as a header field.
    pub(crate) fn hsts(&self) -> Option<u32> {
        self.0.hsts
    }

    /// Does the whole TLS handshake. After it: sends what TLS has to send, or else reads once. Returns false at the end of
    /// the stream.
    ///
    /// # Errors
    /// The socket's errors. `InvalidData` if the peer is not trusted, or does not speak TLS; the alert has been sent.
    pub(crate) fn exchange(&mut self, socket: &mut (impl Read + Write)) -> io::Result<bool> {
        self.0.tls.complete_io(socket).map(|moved| moved != (0, 0))
    }

    /// Reads plaintext into `buffer`, and takes as much ciphertext from `input` as that needs. Returns 0 after the peer's
    /// `close_notify`. Call [`Session::flush`] afterwards, whatever the result.
    ///
    /// # Errors
    /// `WouldBlock` if `input` is used up and has no complete record. `InvalidData` if it is not TLS or was tampered with.
    pub(crate) fn read(&mut self, input: &mut &[u8], buffer: &mut [u8]) -> io::Result<usize> {
        let Inner { tls, early, .. } = &mut *self.0;
        if !early.is_empty() {
            let count = early.read(buffer);
            early.shrink_to_fit();
            return count;
        }
        loop {
            // An error stays in the session. It is returned after the plaintext that came before it.
            let processed = tls.process_new_packets();
            match tls.reader().read(buffer) {
                Err(why) if why.kind() == ErrorKind::WouldBlock => {
                    processed.map_err(|why| io::Error::new(ErrorKind::InvalidData, why))?;
                    if input.is_empty() {
                        return Err(why);
                    }
                    tls.read_tls(input)?;
                }
                done => return done,
            }
        }
    }

    /// Gives back plaintext. [`Session::read`] returns it first.
    pub(crate) fn unread(&mut self, early: Vec<u8>) {
        self.0.early = early.into();
        self.0.early.shrink_to_fit();
    }

    /// Encrypts `bytes` and appends the ciphertext to `out`. After [`Session::close`] it does nothing.
    pub(crate) fn write(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let count = self.0.tls.writer().write(bytes).unwrap_or(0);
            self.flush(out);
            if count == 0 {
                return;
            }
            bytes = &bytes[count..];
        }
    }

    /// Appends what TLS itself has to send: handshake messages, tickets, new keys, alerts.
    pub(crate) fn flush(&mut self, out: &mut Vec<u8>) {
        while self.0.tls.wants_write() {
            // Writing to memory does not fail.
            let _ = self.0.tls.write_tls(out);
        }
    }

    /// Appends `close_notify` (RFC 8446 6.1), by which the peer distinguishes the end from a cut connection.
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) {
        self.0.tls.send_close_notify();
        self.flush(out);
    }
}

/// Without the plaintext.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("tls", &self.tls).field("early", &self.early.len()).finish_non_exhaustive()
    }
}
