//! One TLS session: ciphertext in, plaintext out, and the other way round.
//!
//! Owns rustls's state for one connection. It has no socket and never blocks, so it can sit under a connection's lock.
//! Its buffers are bounded: nothing is taken in while plaintext of before waits to be read, and what it has to say is
//! moved into the caller's buffer at once.

use rustls::Connection;
use std::{
    collections::VecDeque,
    fmt,
    io::{self, ErrorKind, Read, Write},
};

/// Bytes that rustls may keep of what is to be sent. We take them at once, so that one record is enough.
const UNSENT: usize = 32 * 1024;

/// A session, of a server or of a client. In a box: it is large, and most connections have none.
#[derive(Debug)]
pub(crate) struct Session(Box<Inner>);

struct Inner {
    tls: Connection,
    /// Plaintext that was read already, and given back.
    early: VecDeque<u8>,
    hsts: Option<u32>,
    /// What [`Session::read`] will say when it has given out the plaintext that came before.
    failed: Option<io::Error>,
}

impl Session {
    /// For the first byte on.
    pub(crate) fn new(tls: impl Into<Connection>) -> Self {
        let mut tls = tls.into();
        tls.set_buffer_limit(Some(UNSENT));
        Self(Box::new(Inner { tls, early: VecDeque::new(), hsts: None, failed: None }))
    }

    /// Answers over it shall tell browsers for how many seconds to come by `https` only (RFC 6797).
    pub(super) fn with_hsts(mut self, seconds: Option<u32>) -> Self {
        self.0.hsts = seconds;
        self
    }

    /// See [`Session::with_hsts`].
    pub(crate) fn hsts(&self) -> Option<u32> {
        self.0.hsts
    }

    /// Is the handshake still under way?
    pub(crate) fn is_handshaking(&self) -> bool {
        self.0.tls.is_handshaking()
    }

    /// Plaintext, into `buffer`; takes as much ciphertext from `input` as that needs. 0: the peer has said
    /// `close_notify`. There may be something to [`flush`](Session::flush) afterwards, whatever the outcome.
    ///
    /// # Errors
    /// `WouldBlock`: there is no whole record, `input` is used up. `InvalidData`: that is no TLS, or it was tampered with.
    pub(crate) fn read(&mut self, input: &mut &[u8], buffer: &mut [u8]) -> io::Result<usize> {
        if !self.0.early.is_empty() {
            return self.0.read_early(buffer);
        }
        loop {
            match self.0.tls.reader().read(buffer) {
                Err(why) if why.kind() == ErrorKind::WouldBlock => match self.0.failed.take() {
                    Some(failure) => return Err(failure),
                    None if input.is_empty() => return Err(why),
                    // What came before the failure is given out first.
                    None => self.0.failed = self.receive(input).err(),
                },
                done => return done,
            }
        }
    }

    /// Takes ciphertext in: what one read gives. 0: the end of the stream, or behind a `close_notify`.
    ///
    /// # Errors
    /// As [`Session::read`], and what befell the source.
    pub(crate) fn receive(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        let count = self.0.tls.read_tls(source)?;
        self.0.tls.process_new_packets().map_err(|why| io::Error::new(ErrorKind::InvalidData, why))?;
        Ok(count)
    }

    /// Gives plaintext back, which [`Session::read`] then returns first.
    pub(crate) fn unread(&mut self, early: Vec<u8>) {
        // An empty one may still hold memory.
        self.0.early = if early.is_empty() { VecDeque::new() } else { early.into() };
    }

    /// Encrypts `bytes`, behind `out`. After [`Session::close`] nothing can be said, and is not.
    pub(crate) fn write(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let taken = self.0.tls.writer().write(bytes).unwrap_or(0);
            self.flush(out);
            if taken == 0 {
                return;
            }
            bytes = &bytes[taken..];
        }
    }

    /// What TLS itself has to say: handshake messages, tickets, new keys, alerts.
    pub(crate) fn flush(&mut self, out: &mut Vec<u8>) {
        while self.0.tls.wants_write() {
            // Memory takes everything.
            let _ = self.0.tls.write_tls(out);
        }
    }

    /// Says `close_notify` (RFC 8446 6.1), once: it tells a proper end from a cut.
    pub(crate) fn close(&mut self, out: &mut Vec<u8>) {
        self.0.tls.send_close_notify();
        self.flush(out);
    }
}

/// Not what was said.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("tls", &self.tls).field("early", &self.early.len()).finish_non_exhaustive()
    }
}

impl Inner {
    fn read_early(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.early.read(buffer);
        if self.early.is_empty() {
            self.early = VecDeque::new();
        }
        count
    }
}
