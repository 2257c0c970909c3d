//! A socket with a buffer in each direction, and with TLS if the connection uses it. Nothing here blocks.

use crate::ws::{deflate::Unmarker, session::Session, tcp::send_now};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::{collections::VecDeque, mem, sync::Arc, time::Instant};

/// Bytes that are kept for the inspector, and bytes that it plays, at most.
const MAX_INSPECTED: usize = 4096;

/// The stream that tungstenite reads and writes: it reads bytes that were received, and writes to the send buffer.
/// `BufferedStream<()>` has no socket: its bytes stay in the buffers.
#[derive(Debug)]
pub(crate) struct BufferedStream<T = TcpStream> {
    pub(crate) socket: Arc<T>,
    /// With TLS: `received` and `unsent` hold ciphertext.
    pub(crate) session: Option<Box<dyn Session>>,
    /// Plaintext that is read before `received`: what was received with the handshake, and what the inspector plays.
    pub(crate) early: VecDeque<u8>,
    /// Bytes from the socket that have not been read. More are received only when it is empty.
    pub(crate) received: VecDeque<u8>,
    /// `None` without compression.
    pub(super) unmarker: Option<Unmarker>,
    /// The send buffer.
    pub(crate) unsent: VecDeque<u8>,
    /// Whether the last flush left bytes unsent.
    pub(crate) is_stalled: bool,
    /// When the socket last took bytes that had waited, or when bytes began to wait.
    pub(crate) progress_at: Option<Instant>,
    /// What was received since the inspector looked last, without TLS and before any decoding. `None`: nobody inspects it.
    inspected: Option<Vec<u8>>,
}

impl<T> BufferedStream<T> {
    /// `early` is plaintext that was read already.
    #[inline(never)] // Its stack frame would stay below those of the handshake.
    pub(crate) fn new(socket: Arc<T>, session: Option<Box<dyn Session>>, early: Vec<u8>) -> Box<Self> {
        Box::new(Self {
            socket,
            session,
            early: early.into(),
            received: VecDeque::new(),
            unmarker: None,
            unsent: VecDeque::new(),
            is_stalled: false,
            progress_at: None,
            inspected: None,
        })
    }

    /// From now on, keeps what arrives. Reads `play` before that. Returns what was kept since the last call.
    #[cfg(feature = "chat")]
    pub(crate) fn inspect(&mut self, play: &[u8]) -> Vec<u8> {
        let free = MAX_INSPECTED.saturating_sub(self.early.len());
        self.early.extend(&play[..play.len().min(free)]);
        self.inspected.replace(Vec::new()).unwrap_or_default()
    }

    /// Appends plaintext to the send buffer.
    pub(crate) fn queue(&mut self, bytes: &[u8]) {
        match &mut self.session {
            Some(session) => session.write(bytes, &mut self.unsent),
            None => self.unsent.extend(bytes),
        }
    }

    /// Frees the send buffer.
    pub(super) fn discard_unsent(&mut self) {
        (self.unsent, self.is_stalled) = (VecDeque::new(), false);
    }

    /// Reads without waiting for more. Returns 0 after a proper end of TLS.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub(crate) fn read_plaintext(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.early.is_empty() {
            let count = self.early.read(buffer)?;
            free_if_empty(&mut self.early);
            return Ok(count);
        }
        let result = match &mut self.session {
            Some(session) => session.read(&mut self.received, buffer),
            None if self.received.is_empty() => Err(ErrorKind::WouldBlock.into()),
            None => self.received.read(buffer),
        };
        free_if_empty(&mut self.received);
        let count = result?;
        if let Some(inspected) = &mut self.inspected {
            let free = MAX_INSPECTED - inspected.len();
            inspected.extend_from_slice(&buffer[..count.min(free)]);
        }
        Ok(count)
    }
}

impl BufferedStream {
    /// Sends bytes after everything in the send buffer, without a copy if it is empty. The socket may not take all of them.
    ///
    /// # Errors
    /// The socket is broken. The reader will notice it.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let direct = self.session.is_none() && self.unsent.is_empty();
        let taken = if direct { send_now(&self.socket, bytes)? } else { 0 };
        if taken < bytes.len() {
            self.queue(&bytes[taken..]);
        }
        Ok(())
    }

    /// Sends the send buffer as far as the socket takes it. Returns whether it took everything.
    ///
    /// # Errors
    /// As [`BufferedStream::send`].
    pub(crate) fn flush_unsent(&mut self) -> io::Result<bool> {
        let (front, back) = self.unsent.as_slices();
        let mut taken = send_now(&self.socket, front)?;
        if taken == front.len() {
            taken += send_now(&self.socket, back)?;
        }
        self.unsent.drain(..taken);
        let is_stalled = !self.unsent.is_empty();
        let was_stalled = mem::replace(&mut self.is_stalled, is_stalled);
        if taken > 0 && was_stalled || is_stalled && !was_stalled {
            self.progress_at = Some(Instant::now());
        }
        if !is_stalled {
            // An idle connection keeps no memory for output.
            self.discard_unsent();
        }
        Ok(!is_stalled)
    }

    /// Ends the connection in both directions at once.
    pub(super) fn cut(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

/// An idle connection keeps no memory for input.
fn free_if_empty(bytes: &mut VecDeque<u8>) {
    if bytes.is_empty() {
        *bytes = VecDeque::new();
    }
}

impl<T> Read for BufferedStream<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self.unmarker.as_ref().map_or(usize::MAX, Unmarker::next_read).min(buffer.len());
        let count = self.read_plaintext(&mut buffer[..most])?;
        self.unmarker.iter_mut().for_each(|unmarker| unmarker.change(&mut buffer[..count]));
        // A proper end of TLS, but without a Close frame.
        if count == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(count) }
    }
}

impl<T> Write for BufferedStream<T> {
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
    use crate::ws::tcp::tcp;
    use std::net::TcpListener;

    /// A stream, and the other end of its socket.
    fn stream() -> (Box<BufferedStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let stream = BufferedStream::new(tcp(stream).expect("a socket"), None, Vec::new());
        (stream, listener.accept().expect("a connection").0)
    }

    /// Unread input is kept. Input that was read takes no memory.
    #[test]
    fn input_is_read_in_parts() {
        let (mut stream, _peer) = stream();
        stream.received.extend(b"hello");
        let mut buffer = [0; 3];
        for expected in [&b"hel"[..], b"lo"] {
            let count = stream.read(&mut buffer).expect("bytes");
            assert_eq!(&buffer[..count], expected);
        }
        assert_eq!(stream.read(&mut buffer).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
        assert_eq!(stream.received.capacity(), 0);
    }

    #[cfg(feature = "chat")]
    #[test]
    fn inspected_bytes_are_kept_and_played_up_to_the_limit() {
        let (mut stream, _peer) = stream();
        assert_eq!(stream.inspect(b"hello"), b"");
        stream.received.extend(b"abc");
        let mut buffer = [0; 3];
        for expected in [&b"hel"[..], b"lo", b"abc"] {
            let count = stream.read(&mut buffer).expect("bytes");
            assert_eq!(&buffer[..count], expected);
        }
        stream.received.extend([7; MAX_INSPECTED]);
        assert_eq!(stream.read(&mut [0; MAX_INSPECTED]).expect("bytes"), MAX_INSPECTED);
        let received = stream.inspect(&[0; MAX_INSPECTED + 1]);
        assert_eq!((received.len(), received.starts_with(b"abc\x07")), (MAX_INSPECTED, true));
        assert_eq!((stream.inspect(b"x"), stream.early.len()), (Vec::new(), MAX_INSPECTED));
    }
}
