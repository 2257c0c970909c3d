//! The reading half of a connection: waits without a lock, sends Pings when nothing arrives, and completes the close.

use super::{Connection, ConnectionEnd, DisconnectReason, Message, ReadResult};
use crate::ws::tcp::{MAX_DISCARDED, RECEIVE_NOW, let_wait};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::{net::TcpStream, sync::Arc, time::Instant};
use tungstenite::{Error, Utf8Bytes, error::CapacityError, protocol::frame::coding::Data};

/// Bytes of one read. The buffer is on the stack, in a page that is in use anyway: an idle connection has no buffer of its own.
const READ_SIZE: usize = 1024;

/// The only reader of a connection.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Arc<Connection>,
    pub(crate) stream: Arc<TcpStream>,
    is_awaiting_pong: bool,
    /// When the silence will have lasted too long. `None`: nothing waits for bytes, or they may take any time.
    silence_ends: Option<Instant>,
    /// Earlier messages, to which compressed ones may refer.
    history: Vec<u8>,
    /// Bytes received while the connection was closing.
    discarded: usize,
    /// An end for the next call of [`Reader::wait`].
    pub(crate) end: Option<ConnectionEnd>,
    /// Until then this side waits for the end of the peer's.
    closing: Option<Instant>,
}

impl Reader {
    pub(super) fn new(connection: Arc<Connection>, stream: Arc<TcpStream>) -> Self {
        let (is_awaiting_pong, silence_ends, history, discarded, end, closing) = Default::default();
        Self { connection, stream, is_awaiting_pong, silence_ends, history, discarded, end, closing }
    }

    /// Waits for the next message, at most until then. At the end, [`Connection::end`] returns the reason.
    pub(crate) fn next_until(&mut self, until: Instant) -> ReadResult {
        loop {
            let result = self.wait(Some(until));
            let ReadResult::Closed(end) = result else { return result };
            if self.closing.is_some() || self.conclude(end) {
                return ReadResult::Closed(ConnectionEnd::Lost);
            }
        }
    }

    /// Waits for the next message, at most until then. `NeedData`: there is no message yet. After `Closed`, the next call must be
    /// [`Reader::finish`].
    ///
    /// After [`Reader::conclude`] it waits for the end of the peer's side and discards what arrives: an unread byte would cause
    /// a reset, which can destroy the Close frame.
    pub(crate) fn wait(&mut self, until: Option<Instant>) -> ReadResult {
        loop {
            if self.closing.is_none() {
                let result = self.read_received();
                if !matches!(result, ReadResult::NeedData) {
                    return result;
                }
            }
            let deadline = self.closing.or_else(|| self.silence_deadline());
            let may_wait = let_wait(&self.stream, until.into_iter().chain(deadline).min()).is_ok();
            let has_passed = |time: Option<Instant>| time.is_some_and(|time| time <= Instant::now());
            match self.receive(if may_wait { RecvFlags::empty() } else { RECEIVE_NOW }) {
                Ok(1..) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if has_passed(self.closing) => return ReadResult::Closed(ConnectionEnd::Lost),
                Err(Errno::AGAIN) if has_passed(self.silence_ends) => self.answer_silence(),
                Err(Errno::AGAIN) if has_passed(until) => return ReadResult::NeedData,
                Err(Errno::AGAIN) => {}
                Ok(0) | Err(_) => return ReadResult::Closed(ConnectionEnd::Lost),
            }
        }
    }

    fn silence_deadline(&mut self) -> Option<Instant> {
        let config = &self.connection.config;
        let timeout = if self.is_awaiting_pong { config.pong_timeout } else { config.ping_interval };
        if self.silence_ends.is_none() && !timeout.is_zero() {
            self.silence_ends = Some(Instant::now() + timeout);
        }
        self.silence_ends
    }

    /// Takes one message out of the bytes that were received.
    pub(crate) fn read_received(&mut self) -> ReadResult {
        if let Some(end) = self.end.take() {
            return ReadResult::Closed(end);
        }
        let (result, compressed) = self.connection.read();
        let ReadResult::Message(message) = result else { return result };
        match self.decompress(message, compressed) {
            Ok(message) => ReadResult::Message(message),
            Err(error) => ReadResult::Closed(ConnectionEnd::Violation(error)),
        }
    }

    /// Decompresses a message of that kind, without the lock.
    fn decompress(&mut self, mut message: Message, compressed: Option<Data>) -> Result<Message, Error> {
        let max_size = self.connection.config.max_message_size;
        let deflate = self.connection.info.deflate.as_ref();
        if let (Message::Binary(payload), Some(kind), Some(deflate)) = (&message, compressed, deflate) {
            let bytes = deflate.decompress(payload, max_size, &mut self.history)?;
            message = if kind == Data::Text { Message::Text(Utf8Bytes::try_from(bytes)?) } else { bytes.into() };
        }
        let size = message.len();
        // tungstenite has a higher limit if messages are compressed.
        if size > max_size { Err(CapacityError::MessageTooLong { size, max_size }.into()) } else { Ok(message) }
    }

    /// Sends the last frames of this side. If the socket cannot be closed at once, waits until the peer has closed its side.
    pub(crate) fn finish(&mut self, end: ConnectionEnd) {
        if !self.conclude(end) {
            self.wait(None);
        }
    }

    /// Sends the last frames of this side. Returns whether the socket can be closed at once. Otherwise this waits for the
    /// peer's side from now on.
    fn conclude(&mut self, end: ConnectionEnd) -> bool {
        let is_over = self.connection.conclude(end);
        if !is_over {
            self.closing = Some(Instant::now() + self.connection.config.close_timeout);
            self.silence_ends = None;
        }
        is_over
    }

    /// Sends a Ping (RFC 6455 5.5.2), or fails the connection if the last one was not answered.
    #[inline(never)] // Its frame is not needed while the thread waits.
    fn answer_silence(&mut self) {
        self.silence_ends = None;
        if !self.is_awaiting_pong {
            self.connection.if_open(|state| self.is_awaiting_pong = state.send_ping());
        } else if !self.connection.has_progressed_within(2 * self.connection.config.pong_timeout) {
            // Otherwise the Ping may still be behind other bytes, here or in the operating system's buffer.
            let reason = DisconnectReason::PingTimeout;
            self.connection.if_open(|state| state.fail(1013, "no answer to a ping", reason));
        }
    }

    /// Receives once, and hands the bytes to the connection. Returns how many, and 0 at the end of what is read.
    pub(crate) fn receive(&mut self, flags: RecvFlags) -> rustix::io::Result<usize> {
        let mut buffer = [0; READ_SIZE];
        let (_, count) = recv(&*self.stream, &mut buffer[..], flags)?;
        if count == 0 {
            return Ok(0);
        }
        (self.is_awaiting_pong, self.silence_ends) = (false, None);
        if !self.connection.receive(&buffer[..count]) {
            self.discarded += count;
            // One message may have been in flight when this side closed. After more, nothing is read, and the socket is reset.
            if self.discarded > MAX_DISCARDED.max(self.connection.config.max_message_size) {
                return Ok(0);
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
