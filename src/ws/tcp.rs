//! What several modules do with a socket and std has no call for: sending without waiting, and a deadline as a timeout.
//!
//! Owns nothing. Knows nothing of what the bytes mean.

use rustix::{
    io::Errno,
    net::{SendFlags, send},
};
use std::{
    io,
    net::TcpStream,
    time::{Duration, Instant},
};

/// Sends until all is taken or the socket is full, and says how many bytes were taken. `writable` events come only after
/// it said that it is full.
///
/// # Errors
/// The socket's.
pub(crate) fn send_now(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        match send(stream, &bytes[sent..], SendFlags::DONTWAIT | NOSIGNAL) {
            Ok(count) => sent += count,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sent)
}

/// No SIGPIPE from a connection that is gone. Apple's sockets have an option for it, which std sets.
#[cfg(not(target_vendor = "apple"))]
const NOSIGNAL: SendFlags = SendFlags::NOSIGNAL;
#[cfg(target_vendor = "apple")]
const NOSIGNAL: SendFlags = SendFlags::empty();

/// What is left of the time, as a socket's timeout.
///
/// # Errors
/// `TimedOut`: nothing is left.
pub(crate) fn left_until(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    // Of less than a microsecond, std makes one: 0 would mean for ever.
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}
