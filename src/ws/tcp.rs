//! What std does not have for sockets: a type for any stream socket, non-blocking sends, and deadlines as timeouts.

use rustix::io::Errno;
use rustix::net::send;
use std::io::{self, Read, Write};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use std::{net::TcpStream, sync::Arc};
use system::SEND_NOW;

#[cfg_attr(unix, path = "tcp/unix.rs")]
#[cfg_attr(windows, path = "tcp/windows.rs")]
mod system;

pub(crate) use system::{Inner, NON_BLOCKING, OwnedFd, READABLE, RECEIVE_NOW, Watched, let_wait, pair};

/// A connected socket that a connection can take over: TCP or Unix.
pub trait Socket: Read + Write + Into<OwnedFd> + From<OwnedFd> {}

impl Socket for TcpStream {}
#[cfg(unix)]
impl Socket for UnixStream {}

/// Any stream socket as std's type for TCP. Nothing here needs TCP, except for an option.
pub(crate) fn tcp(socket: impl Into<OwnedFd>) -> io::Result<Arc<TcpStream>> {
    let stream = TcpStream::from(socket.into());
    stream.set_nonblocking(NON_BLOCKING)?;
    // A Unix socket has no such option.
    let _ = stream.set_nodelay(true);
    Ok(Arc::new(stream))
}

/// Bytes that are read after this side's last ones, so that a peer that was still sending receives those. More than what the
/// buffers of the two sockets usually hold, but too little to keep a core busy.
pub(crate) const MAX_DISCARDED: usize = 4 * 1024 * 1024;

/// Sends as much as the socket takes at once, and returns the number of bytes. If the socket did not take all of them, a
/// `writable` event follows later.
///
/// # Errors
/// The socket failed.
pub(crate) fn send_now(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        match send(stream, &bytes[sent..], SEND_NOW) {
            Ok(count) => sent += count,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sent)
}

/// The time until a deadline, as a socket's timeout.
///
/// # Errors
/// `TimedOut`: the deadline has passed.
pub(crate) fn left_until(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    // std rounds less than a microsecond up to one. Zero would mean no timeout.
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}
