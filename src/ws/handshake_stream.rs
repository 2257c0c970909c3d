//! A socket during its handshakes, plain or with TLS. Each read and write ends at a deadline.

use crate::ws::tcp::{MAX_DISCARDED, left_until};
use crate::ws::tls::Session;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

/// A socket until a connection takes it over. Callers see plaintext. After the deadline, reads and writes fail with `TimedOut`
/// or `WouldBlock`, even if more bytes are there.
pub(crate) struct HandshakeStream<'a> {
    socket: DeadlineSocket<'a>,
    /// The TLS session, if there is one.
    pub(crate) session: Option<Box<dyn Session>>,
}

impl<'a> HandshakeStream<'a> {
    /// Does the TLS handshake, as server or as client, if there is a session.
    ///
    /// # Errors
    /// The handshake failed, and an alert was sent if TLS has one for the reason; or the deadline passed.
    pub(crate) fn start(
        socket: &'a TcpStream,
        session: Option<Box<dyn Session>>,
        deadline: Instant,
    ) -> io::Result<Self> {
        let mut stream = Self { socket: DeadlineSocket { socket, deadline }, session };
        stream.exchange()?;
        Ok(stream)
    }

    /// Replaces the deadline.
    pub(crate) fn set_deadline(&mut self, deadline: Instant) {
        self.socket.deadline = deadline;
    }

    /// Writes all bytes.
    ///
    /// # Errors
    /// The socket's, and those of the deadline.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(session) = &mut self.session else { return self.socket.write_all(bytes) };
        let mut ciphertext = Vec::new();
        session.write(bytes, &mut ciphertext);
        self.socket.write_all(&ciphertext)
    }

    /// Ends the stream, and waits until the peer has received everything. Closing a socket with unread bytes would send a
    /// reset, which can destroy the last response on its way.
    pub(crate) fn hang_up(&mut self) {
        if let Some(session) = &mut self.session {
            let mut ciphertext = Vec::new();
            session.close(&mut ciphertext);
            let _ = self.socket.write_all(&ciphertext);
        }
        self.socket.shut_down();
    }

    /// [`Session::exchange`], if there is a session.
    fn exchange(&mut self) -> io::Result<bool> {
        let Some(session) = &mut self.session else { return Ok(true) };
        let result = session.exchange(&mut self.socket);
        if result.as_ref().is_err_and(|why| why.kind() == ErrorKind::InvalidData) {
            // The alert must arrive before the socket is closed.
            self.socket.shut_down();
        }
        result
    }
}

/// 0 is the end of the stream.
impl Read for HandshakeStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(session) = &mut self.session else { return self.socket.read(buffer) };
            match session.read(&mut VecDeque::new(), buffer) {
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            if !self.exchange()? {
                return Ok(0);
            }
        }
    }
}

/// A socket that blocks until a deadline. It sets the socket's timeouts, and leaves them set.
struct DeadlineSocket<'a> {
    socket: &'a TcpStream,
    deadline: Instant,
}

impl DeadlineSocket<'_> {
    /// Sends the FIN, and reads until the peer's, or until it has sent too much.
    fn shut_down(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Write);
        let (mut ignored, mut discarded) = ([0; 512], 0);
        while discarded <= MAX_DISCARDED {
            match self.read(&mut ignored) {
                Ok(count @ 1..) => discarded += count,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
            }
        }
    }
}

impl Read for DeadlineSocket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left_until(self.deadline)?))?;
        // TLS would take `WouldBlock` for a socket that does not block.
        self.socket.read(buffer).map_err(|why| match why.kind() {
            ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
            _ => why,
        })
    }
}

impl Write for DeadlineSocket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    /// TLS writes its records with this. Together they need one system call and one packet.
    fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(left_until(self.deadline)?))?;
        self.socket.write_vectored(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The first byte of the stream, without consuming it. `None` if none arrives before the deadline.
pub(crate) fn peek(socket: &TcpStream, deadline: Instant) -> Option<u8> {
    let mut first = [0];
    loop {
        socket.set_read_timeout(Some(left_until(deadline).ok()?)).ok()?;
        match socket.peek(&mut first) {
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            count => return (count.ok()? == 1).then_some(first[0]),
        }
    }
}
