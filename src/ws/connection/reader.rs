//! The reading half of a connection: waits without a lock, sends Pings when nothing arrives, and completes the close.

use super::{
    Connection, ConnectionEnd, DisconnectReason, Message, ReadResult, overhead_limiter::OverheadLimiter,
    state::Received,
};
use crate::ws::deflate::Inflater;
use crate::ws::tcp::{MAX_DISCARDED, left_until};
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use std::{
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};
use tungstenite::error::CapacityError;

/// The first read of a connection, and all reads of small messages, use a buffer of this size on the stack: it lies in a page
/// that is in use anyway, so an idle connection has no read buffer of its own.
const STACK_BUFFER: usize = 1024;

/// The largest read, for a client that sends a lot.
const MAX_READ: usize = 64 * 1024;

/// The only reader of a connection.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Arc<Connection>,
    stream: Arc<TcpStream>,
    /// Bytes of the next read.
    read_size: usize,
    is_awaiting_pong: bool,
    /// The socket's read timeout, if it still has to be set.
    new_timeout: Option<Duration>,
    overhead: OverheadLimiter,
    inflater: Inflater,
    /// Bytes received while the connection was closing.
    discarded: usize,
    /// Reading has come to its end.
    end: Option<ConnectionEnd>,
    /// For waits with a deadline: when the silence has lasted too long.
    silence: Option<Instant>,
    /// Until then this side waits for the end of the peer's.
    closing: Option<Instant>,
}

impl Reader {
    pub(super) fn new(connection: Arc<Connection>, stream: Arc<TcpStream>) -> Self {
        let config = &connection.config;
        let (read_size, new_timeout) = (config.read_buffer_size, Some(config.ping_interval));
        let (overhead, inflater) = (OverheadLimiter::new(), Inflater::new(connection.info.deflate));
        let (is_awaiting_pong, discarded, end, silence, closing) = Default::default();
        Self {
            connection,
            stream,
            read_size,
            is_awaiting_pong,
            new_timeout,
            overhead,
            inflater,
            discarded,
            end,
            silence,
            closing,
        }
    }

    /// Waits for the next message. `None`: the connection is over, and [`Connection::end`] returns the reason.
    pub(crate) fn next(&mut self) -> Option<Message> {
        self.wait().map_err(|end| self.finish(end)).ok()
    }

    /// Waits for the next message, at most until then. At the end, [`Connection::end`] returns the reason.
    pub(crate) fn next_until(&mut self, until: Instant) -> ReadResult {
        if self.closing.is_none() {
            let result = self.wait_until(until);
            let ReadResult::Closed(end) = result else { return result };
            if self.conclude(end) {
                return ReadResult::Closed(ConnectionEnd::Local);
            }
        }
        if self.discard_until(until) { ReadResult::Closed(ConnectionEnd::Local) } else { ReadResult::NeedData }
    }

    /// Waits for the next message.
    ///
    /// # Errors
    /// Reading has ended. The next call must be [`Reader::finish`].
    pub(crate) fn wait(&mut self) -> Result<Message, ConnectionEnd> {
        loop {
            match self.read_received() {
                ReadResult::Message(message) => return Ok(message),
                ReadResult::Closed(end) => return Err(end),
                ReadResult::NeedData => self.wait_for_bytes()?,
            }
        }
    }

    /// Takes one message out of the bytes that were received.
    pub(crate) fn read_received(&mut self) -> ReadResult {
        if let Some(end) = self.end.take() {
            return ReadResult::Closed(end);
        }
        match self.connection.read() {
            ReadResult::Message(received) => self.complete(received),
            ReadResult::NeedData => ReadResult::NeedData,
            ReadResult::Closed(end) => ReadResult::Closed(end),
        }
    }

    /// Decompresses a message, without the lock.
    fn complete(&mut self, received: Received) -> ReadResult {
        let max_size = self.connection.config.max_message_size;
        let message = match received {
            (Message::Binary(payload), Some(kind)) => match self.inflater.inflate(kind, &payload, max_size) {
                Ok(message) => message,
                Err(error) => return ReadResult::Closed(ConnectionEnd::Violation(error)),
            },
            (message, _) => message,
        };
        let size = message.len();
        self.overhead.message_completed(size);
        if size > max_size {
            let error = CapacityError::MessageTooLong { size, max_size };
            return ReadResult::Closed(ConnectionEnd::Violation(error.into()));
        }
        ReadResult::Message(message)
    }

    /// Sends the last frames of this side. If the socket cannot be closed at once, waits until the peer has closed its side.
    pub(crate) fn finish(&mut self, end: ConnectionEnd) {
        if !self.conclude(end) {
            self.discard_until(self.closing.unwrap_or_else(Instant::now));
        }
    }

    /// Sends the last frames of this side. Returns whether the socket can be closed at once. Otherwise
    /// [`Reader::discard_until`] follows.
    fn conclude(&mut self, end: ConnectionEnd) -> bool {
        let is_over = matches!(end, ConnectionEnd::Socket) || self.connection.conclude(end);
        if !is_over {
            self.closing = Some(Instant::now() + self.connection.config.close_timeout);
        }
        is_over
    }

    /// Receives without waiting. Only when [`Reader::read_received`] needs data. Returns whether there may be more.
    ///
    /// # Errors
    /// The socket has ended.
    pub(crate) fn receive_available(&mut self) -> Result<bool, ConnectionEnd> {
        let room = self.read_size;
        match self.receive(RecvFlags::DONTWAIT) {
            Ok(0) => Err(ConnectionEnd::Socket),
            Ok(count) => Ok(count == room),
            Err(Errno::AGAIN) => Ok(false),
            Err(Errno::INTR) => Ok(true),
            Err(_) => Err(ConnectionEnd::Socket),
        }
    }

    /// Keeps this end for the next call of [`Reader::wait`].
    pub(crate) fn defer_end(&mut self, end: ConnectionEnd) {
        self.end = Some(end);
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Blocks until bytes arrive. If none arrive in time, it sends a Ping (RFC 6455 5.5.2). If none follow, the connection fails.
    fn wait_for_bytes(&mut self) -> Result<(), ConnectionEnd> {
        self.apply_timeout();
        loop {
            match self.receive(RecvFlags::empty()) {
                Ok(1..) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if self.answer_silence() => {}
                Err(Errno::AGAIN) => return Ok(()),
                Ok(0) | Err(_) => return Err(ConnectionEnd::Socket),
            }
        }
    }

    /// Sends a Ping, or fails the connection if the last one was not answered: then it returns false.
    fn answer_silence(&mut self) -> bool {
        if !self.is_awaiting_pong {
            self.send_ping();
        } else if !self.is_receiving_slowly() {
            // Otherwise the Ping may still be behind other bytes, here or in the operating system's buffer.
            self.connection.fail(1013, "no answer to a ping", DisconnectReason::PingTimeout);
            return false;
        }
        true
    }

    /// As [`Reader::wait`], at most until then. `NeedData`: there is no message yet.
    fn wait_until(&mut self, until: Instant) -> ReadResult {
        loop {
            let result = self.read_received();
            if !matches!(result, ReadResult::NeedData) {
                return result;
            }
            let config = &self.connection.config;
            let timeout = if self.is_awaiting_pong { config.pong_timeout } else { config.ping_interval };
            if self.silence.is_none() && !timeout.is_zero() {
                self.silence = Some(Instant::now() + timeout);
            }
            let flags = self.flags_until(self.silence.map_or(until, |at| at.min(until)));
            match self.receive(flags) {
                Ok(1..) => self.silence = None,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if self.silence.is_some_and(|at| at <= Instant::now()) => {
                    self.silence = None;
                    self.answer_silence();
                }
                Err(Errno::AGAIN) if until <= Instant::now() => return ReadResult::NeedData,
                Err(Errno::AGAIN) => {}
                Ok(0) | Err(_) => return ReadResult::Closed(ConnectionEnd::Socket),
            }
        }
    }

    /// Lets the next read block until then.
    fn flags_until(&self, until: Instant) -> RecvFlags {
        let timeout = left_until(until).and_then(|left| self.stream.set_read_timeout(Some(left)));
        if timeout.is_ok() { RecvFlags::empty() } else { RecvFlags::DONTWAIT }
    }

    /// Receives once, and hands the bytes to the connection. Returns how many, and 0 at the end of what is read.
    fn receive(&mut self, flags: RecvFlags) -> rustix::io::Result<usize> {
        let bytes = self.recv(flags)?;
        let (count, config) = (bytes.len(), &self.connection.config);
        if count == 0 {
            return Ok(0);
        }
        if std::mem::take(&mut self.is_awaiting_pong) {
            self.new_timeout = Some(config.ping_interval);
        }
        if count == self.read_size {
            self.read_size = (self.read_size * 4).min(MAX_READ);
        } else if count < self.read_size / 8 {
            self.read_size = config.read_buffer_size;
        }
        if self.overhead.exceeds(count, config.max_message_size) {
            let detail = "too many fragments without a message".to_owned();
            let reason = DisconnectReason::ProtocolViolation { code: 1008, detail };
            self.connection.fail(1008, "too many fragments", reason);
        }
        if !self.connection.receive(bytes) && self.discards_too_much(count) {
            return Ok(0);
        }
        Ok(count)
    }

    /// Receives once.
    fn recv(&self, flags: RecvFlags) -> rustix::io::Result<Vec<u8>> {
        if self.read_size > STACK_BUFFER {
            let mut buffer = vec![0; self.read_size];
            let (_, count) = recv(&*self.stream, buffer.as_mut_slice(), flags)?;
            buffer.truncate(count);
            return Ok(buffer);
        }
        let mut buffer = [0; STACK_BUFFER];
        let (_, count) = recv(&*self.stream, &mut buffer[..self.read_size], flags)?;
        Ok(buffer[..count].to_vec())
    }

    fn is_receiving_slowly(&self) -> bool {
        self.connection.has_progressed_within(2 * self.connection.config.pong_timeout)
    }

    #[inline(never)] // Its frame is not needed while the thread waits.
    fn send_ping(&mut self) {
        let mut needs_answer = true;
        self.connection.if_open(|state| needs_answer = state.send_ping());
        if needs_answer {
            self.is_awaiting_pong = true;
            self.new_timeout = Some(self.connection.config.pong_timeout);
            self.apply_timeout();
        }
    }

    /// Counts bytes that arrived while the connection was closing. Returns true if they are too many: then nothing more is read,
    /// and the socket is reset.
    fn discards_too_much(&mut self, count: usize) -> bool {
        self.discarded += count;
        // One message may have been in flight.
        self.discarded > MAX_DISCARDED.max(self.connection.config.max_message_size)
    }

    /// Reads until the peer has ended its side too, so that no unread byte causes a reset, which can destroy the Close frame.
    /// Returns whether that is over; otherwise the time has passed.
    fn discard_until(&mut self, until: Instant) -> bool {
        let deadline = self.closing.unwrap_or(until);
        loop {
            let flags = self.flags_until(until.min(deadline));
            match self.recv(flags) {
                Ok(bytes) if bytes.is_empty() || self.discards_too_much(bytes.len()) => return true,
                Err(Errno::AGAIN) if deadline <= Instant::now() => return true,
                Err(Errno::AGAIN) if until <= Instant::now() => return false,
                Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(_) => return true,
            }
        }
    }

    /// Sets the socket's read timeout; zero waits without a limit.
    fn apply_timeout(&mut self) {
        if let Some(timeout) = self.new_timeout.take() {
            // It fails only if the socket is gone, which the next read reports.
            let _ = self.stream.set_read_timeout((!timeout.is_zero()).then_some(timeout));
        }
    }
}

#[cfg(test)]
mod tests;
