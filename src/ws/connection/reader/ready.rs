//! Reading without waiting, for one thread that reads for many.
//!
//! Owns nothing of its own. Knows no Pings and no deadlines: they are for the reader's own thread, which waits.

use super::{Reader, Space, buffer};
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use std::net::TcpStream;

/// What one read found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// All that was there, perhaps nothing: the operating system says when there is more.
    All,
    /// As much as there was room for.
    Part,
    /// The end, or a failure.
    End,
}

impl Reader {
    /// Whether the space holds nothing of this reader's, so that it may be used with another one from now on.
    pub(crate) fn is_movable(&self) -> bool {
        self.unread.is_empty() || !self.large.is_empty()
    }

    /// Whether some of what was read has not been [digested](Reader::digest) yet.
    pub(crate) fn has_more(&self) -> bool {
        !self.unread.is_empty()
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads once, without waiting. Only when all that was read before has been [digested](Reader::digest).
    pub(crate) fn read_now(&mut self, space: &mut Space) -> Came {
        self.fit();
        let buffer = buffer(&mut self.large, space, self.connection.config.read_buffer_size);
        let room = buffer.len();
        match recv(&*self.stream, buffer, RecvFlags::DONTWAIT) {
            Ok((_, 0)) => Came::End,
            Ok((_, count)) => {
                self.received(count);
                if count == room { Came::Part } else { Came::All }
            }
            Err(Errno::AGAIN) => Came::All,
            Err(Errno::INTR) => Came::Part,
            Err(_) => Came::End,
        }
    }
}
