//! Sockets on Windows: all are non-blocking, because calls have no such flag there. What waits, waits in `poll`.

use super::left_until;
use crate::ws::spawn::lock;
use mio::{Interest, Registry, Token, net};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, SendFlags};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use std::{collections::HashMap, sync::Mutex};

pub(crate) use std::os::windows::io::OwnedSocket as OwnedFd;

/// Whether the functions here need a non-blocking socket.
pub(crate) const NON_BLOCKING: bool = true;

/// For `poll`: there are bytes, or the end. Not urgent ones, which are not read.
pub(crate) const READABLE: PollFlags = PollFlags::RDNORM;

/// For a call that never waits.
pub(crate) const RECEIVE_NOW: RecvFlags = RecvFlags::empty();
pub(super) const SEND_NOW: SendFlags = SendFlags::empty();

/// Windows does not promise that `poll` ends when another thread shuts the socket down. After this time it is tried.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// An end of a connection inside this process.
pub(crate) type Inner = TcpStream;

/// Both ends of a connection inside this process.
pub(crate) fn pair() -> io::Result<(Inner, Inner)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let one = TcpStream::connect(listener.local_addr()?)?;
    let (other, addr) = listener.accept()?;
    // Another program can connect first.
    if addr == one.local_addr()? { Ok((one, other)) } else { Err(ErrorKind::ConnectionAborted.into()) }
}

/// Waits until the next read need not wait, or until then.
///
/// # Errors
/// `TimedOut`: the time has passed. The socket failed.
pub(crate) fn let_wait(stream: &TcpStream, until: Option<Instant>) -> io::Result<()> {
    loop {
        let left = until.map(left_until).transpose()?.map_or(MAX_WAIT, |left| left.min(MAX_WAIT));
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        let is_ready = poll(&mut [PollFd::new(stream, READABLE)], Some(&left))? > 0;
        if is_ready || !stream.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            return Ok(());
        }
    }
}

/// Sockets of which mio reports that they can be written to: once each time that they are added.
#[derive(Debug, Default)]
pub(crate) struct Watched(Mutex<HashMap<Token, net::TcpStream>>);

impl Watched {
    /// Whether a socket stays watched after an event.
    pub(crate) const STAYS: bool = false;

    pub(crate) fn add(&self, registry: &Registry, socket: &TcpStream, token: Token) -> io::Result<()> {
        let mut copy = net::TcpStream::from_std(socket.try_clone()?);
        registry.register(&mut copy, token, Interest::WRITABLE)?;
        lock(&self.0).insert(token, copy);
        Ok(())
    }

    pub(crate) fn remove(&self, _registry: &Registry, _socket: &TcpStream, token: Token) {
        // Dropping it is enough.
        lock(&self.0).remove(&token);
    }
}
