//! A socket with a buffer in each direction, and with TLS if the connection uses it. Nothing here blocks.

use super::Transport;
#[cfg(feature = "chat")]
use super::inspection::Inspection;
use crate::ws::{
    deflate::{Agreement, Compressed, Unmarker},
    tcp::send_now,
    tls::Session,
};
use std::{
    io::{self, ErrorKind, Read, Write},
    mem,
    net::{Shutdown, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// The stream that tungstenite reads and writes: it reads bytes that were received, and writes to the send buffer.
#[derive(Debug)]
pub(super) struct BufferedStream {
    socket: Arc<TcpStream>,
    /// With TLS: `received` and `unsent` hold ciphertext.
    session: Option<Session>,
    received: Vec<u8>,
    /// `None` without compression.
    unmarker: Option<Unmarker>,
    /// How many bytes of `received` have been read.
    read: usize,
    unsent: Vec<u8>,
    /// How many bytes of `unsent` the socket has taken.
    sent: usize,
    /// How many of the unsent bytes the limit of the send buffer does not count, at most.
    uncounted: usize,
    /// Whether the last flush left bytes unsent.
    is_stalled: bool,
    /// When the socket last took bytes that had waited, or when bytes began to wait.
    progress_at: Option<Instant>,
    #[cfg(feature = "chat")]
    inspection: Option<Box<Inspection>>,
}

/// Whether the socket took everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    Everything,
    Part,
}

impl BufferedStream {
    pub(super) fn new(transport: Transport, deflate: Option<Agreement>) -> Self {
        let Transport { stream: socket, session, input: received } = transport;
        let (unsent, sent, uncounted, is_stalled, progress_at) = Default::default();
        let unmarker = deflate.map(Unmarker::new);
        Self {
            socket,
            session,
            received,
            unmarker,
            read: 0,
            unsent,
            sent,
            uncounted,
            is_stalled,
            progress_at,
            #[cfg(feature = "chat")]
            inspection: None,
        }
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub(super) fn has_tls(&self) -> bool {
        self.session.is_some()
    }

    pub(super) fn buffered_amount(&self) -> usize {
        self.unsent.len() - self.sent
    }

    pub(super) fn is_compressing(&self) -> bool {
        self.unmarker.is_some()
    }

    /// Whether the message that tungstenite has completed is still compressed.
    pub(super) fn compressed(&self) -> Option<Compressed> {
        self.unmarker.as_ref().and_then(Unmarker::message)
    }

    /// The unsent bytes that the limit of the send buffer counts.
    pub(super) fn counted_amount(&self) -> usize {
        self.buffered_amount().saturating_sub(self.uncounted)
    }

    /// How long the socket has taken none of the bytes that wait. `None`: no bytes wait.
    #[cfg(feature = "chat")]
    pub(super) fn stalled_for(&self) -> Option<Duration> {
        self.time_since_progress().filter(|_| self.is_stalled)
    }

    /// The time since the socket last took bytes that had waited, if bytes ever did.
    pub(super) fn time_since_progress(&self) -> Option<Duration> {
        self.progress_at.map(|at| at.elapsed())
    }

    /// From now on, keeps what arrives. Reads `play` before that. Returns what was kept since the last call.
    #[cfg(feature = "chat")]
    pub(super) fn inspect(&mut self, play: &[u8]) -> Vec<u8> {
        self.inspection.get_or_insert_default().exchange(play)
    }

    /// Takes over bytes from the socket. Only when everything received before has been read.
    pub(super) fn receive(&mut self, bytes: Vec<u8>) {
        (self.received, self.read) = (bytes, 0);
    }

    /// Appends plaintext to the send buffer.
    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.compact();
        match &mut self.session {
            Some(session) => session.write(bytes, &mut self.unsent),
            None => self.unsent.extend_from_slice(bytes),
        }
    }

    /// Sends bytes after everything in the send buffer, without a copy if it is empty. The socket may not take all of them.
    /// `counted` of them count against the limit of the send buffer.
    ///
    /// # Errors
    /// The socket is broken. The reader will notice it.
    pub(super) fn send(&mut self, bytes: &[u8], counted: usize) -> io::Result<()> {
        let before = self.buffered_amount();
        let direct = !self.has_tls() && before == 0;
        let taken = if direct { send_now(&self.socket, bytes)? } else { 0 };
        if taken < bytes.len() {
            self.queue(&bytes[taken..]);
            self.uncounted += (bytes.len() - counted).min(self.buffered_amount() - before);
        }
        Ok(())
    }

    /// Sends the send buffer as far as the socket takes it.
    ///
    /// # Errors
    /// As [`BufferedStream::send`].
    pub(super) fn flush_unsent(&mut self) -> io::Result<Flushed> {
        if self.buffered_amount() > 0 {
            let taken = send_now(&self.socket, &self.unsent[self.sent..])?;
            self.sent += taken;
            let is_stalled = self.buffered_amount() > 0;
            let was_stalled = mem::replace(&mut self.is_stalled, is_stalled);
            if taken > 0 && was_stalled || is_stalled && !was_stalled {
                self.progress_at = Some(Instant::now());
            }
        }
        if self.is_stalled {
            self.uncounted = self.uncounted.min(self.buffered_amount());
            return Ok(Flushed::Part);
        }
        // An idle connection keeps no memory for output.
        self.discard_unsent();
        Ok(Flushed::Everything)
    }

    /// Appends the TLS records that are due, such as a key update.
    pub(super) fn flush_tls(&mut self) {
        if let Some(session) = &mut self.session {
            session.flush(&mut self.unsent);
        }
    }

    /// Appends the TLS alert `close_notify`. Nothing can be sent after it.
    pub(super) fn close_tls(&mut self) {
        if let Some(session) = &mut self.session {
            session.close(&mut self.unsent);
        }
    }

    /// Ends the connection in both directions at once.
    pub(super) fn cut(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Frees the send buffer.
    pub(super) fn discard_unsent(&mut self) {
        (self.unsent, self.sent, self.uncounted, self.is_stalled) = (Vec::new(), 0, 0, false);
    }

    /// Moves unsent bytes to the front when more have been sent than must be moved, so that the buffer does not grow for ever.
    fn compact(&mut self) {
        if self.sent > self.buffered_amount() {
            self.unsent.drain(..self.sent);
            self.sent = 0;
        }
    }
}

impl Read for BufferedStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(unmarker) = &self.unmarker else { return self.read_plaintext(buffer) };
        let most = unmarker.next_read().min(buffer.len());
        let count = self.read_plaintext(&mut buffer[..most])?;
        self.unmarker.iter_mut().for_each(|unmarker| unmarker.change(&mut buffer[..count]));
        Ok(count)
    }
}

impl BufferedStream {
    fn read_plaintext(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "chat")]
        if let count @ 1.. = self.inspection.as_mut().map_or(0, |inspection| inspection.read_played(buffer)) {
            return Ok(count);
        }
        let mut input = &self.received[self.read..];
        let result = match &mut self.session {
            Some(session) => session.read(&mut input, buffer),
            None if input.is_empty() => Err(ErrorKind::WouldBlock.into()),
            None => input.read(buffer),
        };
        self.read = self.received.len() - input.len();
        if input.is_empty() {
            // An idle connection keeps no memory for input.
            self.receive(Vec::new());
        }
        #[cfg(feature = "chat")]
        if let (Some(inspection), Ok(count)) = (&mut self.inspection, &result) {
            inspection.record(&buffer[..*count]);
        }
        match result {
            // A proper end of TLS, but without a Close frame.
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            other => other,
        }
    }
}

impl Write for BufferedStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.queue(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A stream, and the other end of its socket.
    fn stream() -> (BufferedStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let transport = Transport { stream: Arc::new(stream), session: None, input: Vec::new() };
        (BufferedStream::new(transport, None), listener.accept().expect("a connection").0)
    }

    #[test]
    fn bytes_move_to_the_front_when_most_were_sent() {
        for (sent, expected) in [(0, 0), (4, 4), (5, 5), (6, 0), (10, 0)] {
            let (mut stream, _peer) = stream();
            (stream.unsent, stream.sent) = (b"0123456789".to_vec(), sent);
            stream.queue(b"abc");
            assert_eq!((stream.sent, stream.buffered_amount()), (expected, 10 - sent + 3), "{sent}");
            assert_eq!(stream.unsent[stream.sent..], b"0123456789abc"[sent..], "{sent}");
        }
    }

    #[test]
    fn only_bytes_that_wait_are_uncounted() {
        let (mut stream, _peer) = stream();
        stream.send(b"without a copy", 11).expect("a socket");
        assert_eq!((stream.buffered_amount(), stream.uncounted), (0, 0));
        stream.queue(b"01234");
        for (counted, expected) in [(2, 7), (1, 8), (0, 8)] {
            stream.send(b"xy", counted).expect("a socket");
            assert_eq!(stream.counted_amount(), expected, "{counted}");
        }
    }

    /// Unread input is kept. Input that was read takes no memory.
    #[test]
    fn input_is_read_in_parts() {
        let (mut stream, _peer) = stream();
        stream.receive(b"hello".to_vec());
        let mut buffer = [0; 3];
        for expected in [&b"hel"[..], b"lo"] {
            let count = stream.read(&mut buffer).expect("bytes");
            assert_eq!(&buffer[..count], expected);
        }
        assert_eq!(stream.read(&mut buffer).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
        assert_eq!((stream.received.capacity(), stream.read), (0, 0));
    }
}
