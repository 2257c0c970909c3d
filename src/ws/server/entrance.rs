//! The ways in: a listener, and what is spoken there.
//!
//! Owns what an address of [`Builder::listen`](crate::Builder::listen) becomes, and how one that is waiting in `accept` is woken.

use crate::{ws::error::Error, ws::tls::Port};
use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs},
};

/// Newcomers that the operating system keeps waiting for us. It cuts that to its own bound.
const BACKLOG: i32 = 4096;

/// One of a server's ways in.
#[derive(Debug)]
pub(super) struct Entrance {
    pub(super) listener: TcpListener,
    /// What is spoken there, unless it is plain HTTP and WebSocket.
    pub(super) port: Option<Port>,
}

impl Entrance {
    pub(super) fn plain(listener: TcpListener) -> Self {
        Self { listener, port: None }
    }

    /// Wakes the thread that waits in accept: Linux does it on shutdown(2), others need a connection.
    pub(super) fn stop(&self) {
        if rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both).is_ok() {
            return;
        }
        if let Ok(addr) = self.listener.local_addr() {
            let woken = TcpStream::connect_timeout(&addr, std::time::Duration::from_secs(1));
            drop(woken.map(|stream| stream.shutdown(Shutdown::Both)));
        }
    }
}

/// Has it listen as a server needs it. What is accepted inherits `TCP_NODELAY`, so that nobody has to say it for each one.
///
/// # Errors
/// The operating system's.
pub(super) fn prepare(listener: &TcpListener) -> io::Result<()> {
    rustix::net::listen(listener, BACKLOG)?;
    rustix::net::sockopt::set_tcp_nodelay(listener, true)?;
    listener.set_nonblocking(false)
}

/// A listener on the first of these addresses that is free.
///
/// # Errors
/// [`Error::Resolve`]; [`Error::Bind`] with the last address; [`Error::NoListener`] where a name has none.
pub(super) fn bind(addr: impl ToSocketAddrs) -> Result<TcpListener, Error> {
    let mut failed = Error::NoListener;
    for address in addr.to_socket_addrs().map_err(Error::Resolve)? {
        match TcpListener::bind(address) {
            Ok(listener) => return Ok(listener),
            Err(source) => failed = Error::Bind { address, source },
        }
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise an answer would wait until the client has acknowledged the one before it.
    #[test]
    fn who_is_accepted_has_no_delay() {
        let listener = bind("127.0.0.1:0").expect("a free port");
        prepare(&listener).expect("it listens");
        let _client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        assert!(listener.accept().expect("a connection").0.nodelay().expect("an answer"));
    }
}
