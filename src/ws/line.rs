//! A socket during its handshakes, while nobody else uses it: plain or with TLS, read and written with deadlines.
//!
//! Owns the socket's timeouts and the TLS session during the opening. What is read and written is plaintext; ciphertext is
//! seen here only.

use crate::{
    ws::handshake::DeadlineRead,
    ws::tcp::{left_until, send_now},
    ws::tls::Session,
};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::Instant,
};

/// One socket, until a connection takes it over.
pub(crate) struct Line<'a> {
    stream: &'a TcpStream,
    /// With TLS.
    pub(crate) session: Option<Session>,
}

impl<'a> Line<'a> {
    pub(crate) fn plain(stream: &'a TcpStream) -> Self {
        Self { stream, session: None }
    }

    /// Does the TLS handshake, of either side.
    ///
    /// # Errors
    /// It failed, and the peer was told why as far as TLS has words for it; or it took too long (`WouldBlock`,
    /// `TimedOut`).
    pub(crate) fn secure(stream: &'a TcpStream, mut session: Session, deadline: Instant) -> io::Result<Self> {
        let mut hello = Vec::new();
        session.flush(&mut hello);
        write_until(stream, &hello, deadline)?;
        while session.is_handshaking() {
            if exchange(&mut session, stream, deadline)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Self { stream, session: Some(session) })
    }

    /// As `write_all`, with a deadline for all of it.
    ///
    /// # Errors
    /// The socket's, and those of the deadline.
    pub(crate) fn write_until(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<()> {
        match &mut self.session {
            None => write_until(self.stream, bytes, deadline),
            Some(session) => {
                let mut ciphertext = Vec::with_capacity(bytes.len() + 128);
                session.write(bytes, &mut ciphertext);
                write_until(self.stream, &ciphertext, deadline)
            }
        }
    }

    /// What a [`Connection`](crate::ws::connection::Connection) goes on with. What came behind the head, `input`, is the
    /// session's first plaintext where there is one: what comes next from the socket is ciphertext.
    pub(crate) fn hand_over(&mut self, input: Vec<u8>) -> (Option<Session>, Vec<u8>) {
        match self.session.take() {
            None => (None, input),
            Some(mut session) => {
                session.unread(input);
                (Some(session), Vec::new())
            }
        }
    }

    /// All is said: `close_notify`, the FIN, and a wait until the peer has seen it. Closing a socket with unread bytes
    /// would send a reset, which can destroy what was said last on its way.
    pub(crate) fn hang_up(&mut self, deadline: Instant) {
        if let Some(session) = &mut self.session {
            let mut last = Vec::new();
            session.close(&mut last);
            let _ = write_until(self.stream, &last, deadline);
        }
        see_off(self.stream, deadline);
    }
}

/// Sets the socket's read timeout if it has to wait, and leaves it set.
impl DeadlineRead for Line<'_> {
    fn read_before(&mut self, deadline: Instant, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(session) = &mut self.session else { return (&mut &*self.stream).read_before(deadline, buffer) };
        loop {
            match session.read(&mut &[][..], buffer) {
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            if exchange(session, self.stream, deadline)? == 0 {
                return Ok(0);
            }
        }
    }
}

/// Waits for ciphertext, and sends what TLS has to say to it. 0: the end of the stream.
fn exchange(session: &mut Session, stream: &TcpStream, deadline: Instant) -> io::Result<usize> {
    let received = session.receive(&mut Timed { stream, deadline });
    let mut reply = Vec::new();
    session.flush(&mut reply);
    let sent = write_until(stream, &reply, deadline);
    match received {
        // The alert that says so is sent. Now it shall arrive.
        Err(why) if why.kind() == ErrorKind::InvalidData => {
            see_off(stream, deadline);
            Err(why)
        }
        Err(why) => Err(why),
        Ok(count) => sent.map(|()| count),
    }
}

/// The FIN, then reads until the peer's.
fn see_off(stream: &TcpStream, deadline: Instant) {
    let _ = stream.shutdown(Shutdown::Write);
    let mut ignored = [0; 512];
    while matches!(Timed { stream, deadline }.read(&mut ignored), Ok(1..)) {}
}

/// Reads before a deadline.
struct Timed<'a> {
    stream: &'a TcpStream,
    deadline: Instant,
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match (&mut &*self.stream).read_before(self.deadline, buffer) {
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}

/// The first byte that comes, which is still there to be read; `None` if none comes before the deadline.
pub(crate) fn peek(stream: &TcpStream, deadline: Instant) -> Option<u8> {
    let mut first = [0];
    loop {
        stream.set_read_timeout(Some(left_until(deadline).ok()?)).ok()?;
        match stream.peek(&mut first) {
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            done => return (done.ok()? == 1).then_some(first[0]),
        }
    }
}

fn write_until(mut stream: &TcpStream, bytes: &[u8], deadline: Instant) -> io::Result<()> {
    // What there is room for, mostly all of it, needs no timeout.
    let mut bytes = &bytes[send_now(stream, bytes)?..];
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(left_until(deadline)?))?;
        match stream.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    Ok(())
}
