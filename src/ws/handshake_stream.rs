//! A socket during its handshakes, plain or with TLS. Reads and writes have deadlines.

use crate::ws::tcp::{MAX_DISCARDED, left_until, send_now};
use crate::ws::{handshake::DeadlineRead, tls::Session};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

/// A socket until a connection takes it over. Callers see plaintext.
pub(crate) struct HandshakeStream<'a> {
    socket: &'a TcpStream,
    /// The TLS session, if there is one.
    pub(crate) session: Option<Box<dyn Session>>,
}

impl<'a> HandshakeStream<'a> {
    /// Without TLS.
    pub(crate) fn plain(socket: &'a TcpStream) -> Self {
        Self { socket, session: None }
    }

    /// Does the TLS handshake, as server or as client, if there is a session.
    ///
    /// # Errors
    /// The handshake failed, and an alert was sent if TLS has one for the reason; or the deadline passed (`WouldBlock`,
    /// `TimedOut`).
    pub(crate) fn start(
        socket: &'a TcpStream,
        mut session: Option<Box<dyn Session>>,
        deadline: Instant,
    ) -> io::Result<Self> {
        session.as_mut().map_or(Ok(true), |session| exchange(&mut **session, socket, deadline))?;
        Ok(Self { socket, session })
    }

    /// Writes all bytes before the deadline.
    ///
    /// # Errors
    /// The socket's, and those of the deadline.
    pub(crate) fn write_until(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<()> {
        let Some(session) = &mut self.session else { return write_until(self.socket, bytes, deadline) };
        let mut ciphertext = Vec::with_capacity(bytes.len() + 128);
        session.write(bytes, &mut ciphertext);
        write_until(self.socket, &ciphertext, deadline)
    }

    /// Ends the stream, and waits until the peer has received everything. Closing a socket with unread bytes would send a
    /// reset, which can destroy the last response on its way.
    pub(crate) fn hang_up(&mut self, deadline: Instant) {
        if let Some(session) = &mut self.session {
            let mut close_notify = Vec::new();
            session.close(&mut close_notify);
            let _ = write_until(self.socket, &close_notify, deadline);
        }
        shut_down(self.socket, deadline);
    }
}

/// Sets the socket's read timeout if it has to wait, and leaves it set.
impl DeadlineRead for HandshakeStream<'_> {
    fn read_before(&mut self, deadline: Instant, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(session) = &mut self.session else { return (&mut &*self.socket).read_before(deadline, buffer) };
        loop {
            match session.read(&mut VecDeque::new(), buffer) {
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            if !exchange(&mut **session, self.socket, deadline)? {
                return Ok(0);
            }
        }
    }
}

/// [`Session::exchange`] before a deadline.
fn exchange(session: &mut dyn Session, socket: &TcpStream, deadline: Instant) -> io::Result<bool> {
    let result = session.exchange(&mut DeadlineSocket { socket, deadline, unsent: Vec::new() });
    if result.as_ref().is_err_and(|why| why.kind() == ErrorKind::InvalidData) {
        // The alert must arrive before the socket is closed.
        shut_down(socket, deadline);
    }
    result
}

/// Sends the FIN, and reads until the peer's, or until it has sent too much.
fn shut_down(mut socket: &TcpStream, deadline: Instant) {
    let _ = socket.shutdown(Shutdown::Write);
    let (mut ignored, mut discarded) = ([0; 512], 0);
    while discarded <= MAX_DISCARDED {
        match socket.read_before(deadline, &mut ignored) {
            Ok(count @ 1..) => discarded += count,
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
        }
    }
}

/// A socket that blocks until a deadline.
struct DeadlineSocket<'a> {
    socket: &'a TcpStream,
    deadline: Instant,
    /// TLS writes each record on its own. Together they need one system call and one packet.
    unsent: Vec<u8>,
}

impl Read for DeadlineSocket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.read_before(self.deadline, buffer).map_err(|why| match why.kind() {
            ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
            _ => why,
        })
    }
}

impl Write for DeadlineSocket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unsent.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        write_until(self.socket, &std::mem::take(&mut self.unsent), self.deadline)
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

fn write_until(mut socket: &TcpStream, bytes: &[u8], deadline: Instant) -> io::Result<()> {
    // Mostly everything fits into the socket's buffer, which needs no timeout.
    let mut bytes = &bytes[send_now(socket, bytes)?..];
    while !bytes.is_empty() {
        socket.set_write_timeout(Some(left_until(deadline)?))?;
        match socket.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}
