//! The half that reads: it blocks, holding no lock, and turns bytes into messages.
//!
//! Owns the sense of time of one connection (silence, Pings, and what no answer means), and the read buffer of those who
//! send a lot. For the others the caller's [`Space`] is enough.

mod fruitless;
mod ready;
mod visit;

pub(crate) use ready::Came;

use super::{Connection, Digest, Ending, Message};
use crate::ws::tcp::left_until;
use fruitless::Fruitless;
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use std::{
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};
use visit::Visit;

/// Room for what is read from peers that send little: on the caller's stack, where the page it lies in is touched anyhow,
/// it costs nothing. The same one, with the same content, for each call of one [`Reader`].
pub(crate) type Space = [u8; SPACE];

/// Its bytes.
pub(crate) const SPACE: usize = 1024;

/// The most that is read at once, from a client that sends a lot.
const LARGEST_READ: usize = 64 * 1024;

/// The one reader of a connection, for the thread that owns it.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Arc<Connection>,
    stream: Arc<TcpStream>,
    /// In place of the space, when that is too small.
    large: Vec<u8>,
    /// The part of the buffer that has not been digested.
    unread: std::ops::Range<usize>,
    awaiting_pong: bool,
    /// How long the socket shall wait, where that has not been said to it yet.
    timeout: Option<Duration>,
    visit: Visit,
    fruitless: Fruitless,
}

impl Reader {
    /// `input`: bytes that were read already, behind the request's head.
    pub(super) fn new(connection: Arc<Connection>, stream: Arc<TcpStream>, input: Vec<u8>) -> Self {
        let (unread, small) = (0..input.len(), connection.config.read_buffer_size);
        let mut large = if input.is_empty() { vec![0; smallest(small)] } else { input };
        if !large.is_empty() {
            large.resize(large.len().max(small), 0);
        }
        let (timeout, visit, fruitless) = (Some(connection.config.ping_interval), Visit::None, Fruitless::new());
        Self { connection, stream, large, unread, awaiting_pong: false, timeout, visit, fruitless }
    }

    /// Waits for the next message. `None`: the connection is over, [`Connection::end`] says why; or its [visit](Reader::visit) is.
    pub(crate) fn next(&mut self, space: &mut Space) -> Option<Message> {
        loop {
            match self.digest(space) {
                Digest::Message(message) => return Some(message),
                Digest::Hungry if self.receive(space) => {}
                Digest::Hungry => return None,
                Digest::Over(ending) => {
                    self.conclude(ending, space);
                    return None;
                }
            }
        }
    }

    /// Takes one message out of what was read.
    pub(crate) fn digest(&mut self, space: &mut Space) -> Digest {
        let buffer = buffer(&mut self.large, space, self.connection.config.read_buffer_size);
        let mut input = &buffer[self.unread.clone()];
        let digest = self.connection.digest(&mut input);
        self.unread.start = self.unread.end - input.len();
        if let Digest::Message(message) = &digest {
            self.fruitless.paid_by(message.len());
        }
        digest
    }

    /// Sees to its end: waits for what is pending, and for the peer.
    pub(crate) fn conclude(&mut self, ending: Ending, space: &mut Space) {
        if !self.connection.conclude(ending) {
            self.throw_away(space);
        }
    }

    /// Blocks until something came, or the connection was given up. False: nothing more will come, or the visit is over.
    fn receive(&mut self, space: &mut Space) -> bool {
        self.fit();
        if self.visit.has_lasted() {
            return false;
        }
        self.set_timeout();
        loop {
            let buffer = buffer(&mut self.large, space, self.connection.config.read_buffer_size);
            match recv(&*self.stream, buffer, RecvFlags::empty()) {
                Ok((_, 0)) => return false,
                Ok((_, count)) => {
                    self.received(count);
                    return true;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if self.visit.ends() => return false,
                Err(Errno::AGAIN) if self.awaiting_pong => {
                    self.connection.give_up();
                    return true;
                }
                Err(Errno::AGAIN) => self.ask(),
                Err(_) => return false,
            }
        }
    }

    fn received(&mut self, count: usize) {
        self.unread = 0..count;
        if self.fruitless.is_too_much(count, self.connection.config.max_message_size) {
            self.connection.fragmented();
        }
        if std::mem::take(&mut self.awaiting_pong) {
            self.timeout = Some(self.connection.config.ping_interval);
        }
    }

    /// A larger buffer for those who fill it; the small one again for those who do not.
    fn fit(&mut self) {
        let small = self.connection.config.read_buffer_size;
        let size = if self.large.is_empty() { small } else { self.large.len() };
        let last = std::mem::take(&mut self.unread).end;
        if last == size && size < LARGEST_READ {
            self.large.resize((size * 4).min(LARGEST_READ), 0);
        } else if last < size / 8 && self.large.len() > smallest(small) {
            self.large = vec![0; smallest(small)];
        }
    }

    /// Silence for as long as may be: ask whether anybody is there (RFC 6455 5.5.2).
    fn ask(&mut self) {
        self.connection.ping();
        self.awaiting_pong = true;
        self.timeout = Some(self.connection.config.pong_timeout);
        self.set_timeout();
    }

    /// All is said. Reads until the peer has ended, too, so that nothing unread makes the operating system reset the
    /// connection and destroy the Close frame on its way; but not for ever.
    fn throw_away(&mut self, space: &mut Space) {
        let deadline = Instant::now() + self.connection.config.close_timeout;
        loop {
            let waits = left_until(deadline).and_then(|left| self.stream.set_read_timeout(Some(left)));
            if waits.is_err() {
                return;
            }
            match recv(&*self.stream, space.as_mut_slice(), RecvFlags::empty()) {
                Ok((_, 0)) => return,
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Zero: for as long as it takes.
    fn set_timeout(&mut self) {
        if let Some(time) = self.timeout.take() {
            // It fails for a socket that is gone only; the next read will say so.
            let _ = self.stream.set_read_timeout((!time.is_zero()).then_some(time));
        }
    }
}

/// The buffer that is used: the large one if there is one, else as much of the space as is asked for.
fn buffer<'a>(large: &'a mut [u8], space: &'a mut Space, small: usize) -> &'a mut [u8] {
    match large.is_empty() {
        true => &mut space[..small],
        false => large,
    }
}

/// Bytes of the buffer for those who send little: none, unless more is asked for than the space has.
fn smallest(small: usize) -> usize {
    if small > SPACE { small } else { 0 }
}

#[cfg(test)]
mod tests;
