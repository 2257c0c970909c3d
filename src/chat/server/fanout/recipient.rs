//! What a batch is sent to.

use crate::ws::{Frames, peer::Peer};
use std::time::Duration;

/// What frames are sent to: a [`Peer`], or its replacement in tests.
pub(in crate::chat::server) trait Recipient {
    /// Sends the frames from byte `from` on. Of these, `counted` bytes count against the limit of the send buffer. Returns
    /// whether more bytes than that limit wait.
    fn send(&self, frames: &Frames, from: usize, counted: usize) -> bool;
    /// Whether the operating system has taken everything.
    fn has_taken_all(&self) -> bool;
    /// Drops the peer if the operating system has taken nothing for longer than this.
    fn drop_if_stalled(&self, longest: Duration);
    fn close(&self, code: u16, reason: &str);
    fn cut(&self);
    /// Plays bytes to itself, and returns the bytes that arrived since the last call.
    fn inspect(&self, play: &[u8]) -> Vec<u8>;
}

impl Recipient for Peer {
    fn inspect(&self, play: &[u8]) -> Vec<u8> {
        Peer::inspect(self, play)
    }

    fn send(&self, frames: &Frames, from: usize, counted: usize) -> bool {
        self.send_counting(frames, from, counted)
    }

    fn has_taken_all(&self) -> bool {
        self.buffered_amount() == 0
    }

    fn drop_if_stalled(&self, longest: Duration) {
        let is_stalled = || self.stalled_for().is_some_and(|time| time > longest);
        if is_stalled() {
            // The operating system reports a socket as writable late, when a part of its buffer is free.
            self.flush_pending();
            if is_stalled() {
                self.drop_slow();
            }
        }
    }

    fn close(&self, code: u16, reason: &str) {
        // The rules choose codes that may be sent.
        let _ = Self::close(self, code, reason);
    }

    fn cut(&self) {
        Self::cut(self);
    }
}
