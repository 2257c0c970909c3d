//! A stream during its handshakes: the stream of the later connection, which waits here. Each wait ends at a deadline.

use crate::ws::connection::BufferedStream;
use crate::ws::session::Session;
use crate::ws::tcp::{MAX_DISCARDED, left_until, let_wait};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of one read. On the heap, because a thread keeps every stack page.
const READ_SIZE: usize = 1024;

/// A socket until a connection takes it over. Callers see plaintext: with a session, reading does the TLS handshake. After the
/// deadline, reads and writes fail with `TimedOut` or `WouldBlock`, even if more bytes are there.
pub(crate) struct HandshakeStream {
    /// A box, because stack frames stay below those of the handshake.
    pub(crate) stream: Box<BufferedStream>,
    pub(crate) deadline: Instant,
}

impl HandshakeStream {
    pub(crate) fn new(socket: Arc<TcpStream>, session: Option<Box<dyn Session>>, deadline: Instant) -> Self {
        Self { stream: BufferedStream::new(socket, session, Vec::new()), deadline }
    }

    /// For the connection. `input` was read after the head of the request or response.
    pub(crate) fn into_inner(self, input: Vec<u8>) -> Box<BufferedStream> {
        let mut stream = self.stream;
        stream.early = input.into();
        stream
    }

    /// Whether the TLS handshake is not finished.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.stream.session.as_ref().is_some_and(|session| session.is_handshaking())
    }

    /// Writes all bytes.
    ///
    /// # Errors
    /// The socket's, and those of the deadline.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.queue(bytes);
        self.flush()
    }

    /// Ends the stream, and waits until the peer has received everything: until its FIN, or until it has sent too much. Closing
    /// a socket with unread bytes would send a reset, which can destroy the last response on its way.
    pub(crate) fn hang_up(&mut self) {
        if let Some(session) = &mut self.stream.session {
            session.close(&mut self.stream.unsent);
        }
        let _ = self.flush();
        let _ = self.stream.socket.shutdown(Shutdown::Write);
        let mut discarded = 0;
        while discarded <= MAX_DISCARDED {
            match self.receive() {
                Ok(count @ 1..) => discarded += count,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
            }
            self.stream.received.clear();
        }
    }

    /// Receives once, after what waits was sent. 0 is the end of the stream.
    ///
    /// # Errors
    /// As [`HandshakeStream::send`].
    pub(crate) fn receive(&mut self) -> io::Result<usize> {
        let mut bytes = vec![0; READ_SIZE];
        let count = self.receive_into(&mut bytes)?;
        self.stream.received.extend(&bytes[..count]);
        Ok(count)
    }

    fn receive_into(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.flush()?;
        let_wait(&self.stream.socket, Some(self.deadline))?;
        (&*self.stream.socket).read(bytes)
    }

    /// Sends what waits.
    fn flush(&mut self) -> io::Result<()> {
        if let Some(session) = &mut self.stream.session {
            session.flush(&mut self.stream.unsent);
        }
        while !self.stream.flush_unsent()? {
            wait_until_writable(&self.stream.socket, self.deadline)?;
        }
        Ok(())
    }
}

/// The longest wait for a socket that takes bytes: another thread may have sent what waited, or may have ended the connection.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// Waits for a while, or until the socket takes bytes or has failed: the next write says why.
///
/// # Errors
/// `TimedOut`: the deadline has passed.
pub(crate) fn wait_until_writable(socket: &TcpStream, deadline: Instant) -> io::Result<()> {
    let left = Timespec::try_from(left_until(deadline)?.min(MAX_WAIT)).map_err(io::Error::other)?;
    let _ = poll(&mut [PollFd::new(socket, PollFlags::OUT)], Some(&left));
    Ok(())
}

/// 0 is the end of the stream. `UnexpectedEof`: the TLS handshake was not finished. After `InvalidData`, which comes from TLS,
/// the peer has received the alert.
impl Read for HandshakeStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read_plaintext(buffer) {
                // Without a copy, whose memory the thread would keep.
                Err(why) if why.kind() == ErrorKind::WouldBlock && self.stream.session.is_none() => {
                    return self.receive_into(buffer);
                }
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                Err(why) => {
                    self.hang_up();
                    return Err(why);
                }
                count => return count,
            }
            let is_early = self.is_handshaking();
            match self.receive() {
                Ok(1..) => {}
                Err(why) if !is_early || why.kind() != ErrorKind::ConnectionReset => return Err(why),
                _ if is_early => return Err(ErrorKind::UnexpectedEof.into()),
                end => return end,
            }
        }
    }
}
