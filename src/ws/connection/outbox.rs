//! What waits to be sent to one peer, and the one place from which it is sent.
//!
//! Owns the bytes between a message and the socket. Never blocks: what the socket does not take stays here.

use crate::ws::tcp::send_now;
use std::{io, net::TcpStream};

/// Memory that an empty outbox may keep for the next message. A burst's memory is given back.
const KEEP: usize = 512;

/// Bytes in order, of which the first `sent` are gone already.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outbox {
    /// How many bytes wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where to append what is to be sent.
    pub(super) fn tail(&mut self) -> &mut Vec<u8> {
        // Moving what waits to the front costs less than it has saved: more was sent than is moved.
        if self.sent > self.len() {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        &mut self.bytes
    }

    /// Keeps no memory if nothing waits, not even [`KEEP`]: for one that may be silent from now on.
    pub(super) fn tidy(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Sends `bytes` after all that waits; without a copy when nothing does. What is not taken waits.
    ///
    /// # Errors
    /// The connection is broken; the reader is about to see it, too.
    pub(super) fn send(&mut self, stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
        let taken = if self.is_empty() { send_now(stream, bytes)? } else { 0 };
        if taken < bytes.len() {
            self.tail().extend_from_slice(&bytes[taken..]);
        }
        Ok(())
    }

    /// Sends what waits, as far as the socket takes it.
    ///
    /// # Errors
    /// As [`Outbox::send`].
    pub(super) fn flush(&mut self, stream: &TcpStream) -> io::Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        self.sent += send_now(stream, &self.bytes[self.sent..])?;
        if self.is_empty() {
            self.sent = 0;
            self.bytes.clear();
            self.bytes.shrink_to(KEEP);
        }
        Ok(())
    }
}
