//! Sockets on Unix: each call says whether it may wait.

use super::left_until;
use mio::{Interest, Registry, Token, unix::SourceFd};
use rustix::event::PollFlags;
use rustix::net::{RecvFlags, SendFlags};
use std::os::{fd::AsRawFd, unix::net::UnixStream};
use std::{io, net::TcpStream, time::Instant};

pub(crate) use std::os::fd::OwnedFd;

/// Whether the functions here need a non-blocking socket.
pub(crate) const NON_BLOCKING: bool = false;

/// For `poll`: there are bytes, or the end.
pub(crate) const READABLE: PollFlags = PollFlags::IN;

/// For a call that never waits.
pub(crate) const RECEIVE_NOW: RecvFlags = RecvFlags::DONTWAIT;

/// Prevents SIGPIPE when the peer is gone. Apple's sockets have an option for it, which std sets.
#[cfg(not(target_vendor = "apple"))]
pub(super) const SEND_NOW: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
#[cfg(target_vendor = "apple")]
pub(super) const SEND_NOW: SendFlags = SendFlags::DONTWAIT;

/// An end of a connection inside this process.
pub(crate) type Inner = UnixStream;

/// Both ends of a connection inside this process.
pub(crate) fn pair() -> io::Result<(Inner, Inner)> {
    UnixStream::pair()
}

/// Lets the next read wait until then.
///
/// # Errors
/// `TimedOut`: the time has passed. The socket failed.
pub(crate) fn let_wait(stream: &TcpStream, until: Option<Instant>) -> io::Result<()> {
    stream.set_read_timeout(until.map(left_until).transpose()?)
}

/// Sockets of which mio reports that they can be written to: each time when they have become so.
#[derive(Debug, Default)]
pub(crate) struct Watched;

impl Watched {
    /// Whether a socket stays watched after an event.
    pub(crate) const STAYS: bool = true;

    pub(crate) fn add(&self, registry: &Registry, socket: &TcpStream, token: Token) -> io::Result<()> {
        registry.register(&mut SourceFd(&socket.as_raw_fd()), token, Interest::WRITABLE)
    }

    pub(crate) fn remove(&self, registry: &Registry, socket: &TcpStream, _token: Token) {
        // It fails if the socket is not registered. Then there is nothing to undo.
        let _ = registry.deregister(&mut SourceFd(&socket.as_raw_fd()));
    }
}
