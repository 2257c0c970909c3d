//! The ways in: a listener, and what is spoken there.
//!
//! Owns what an address of [`Builder::listen`](crate::Builder::listen) becomes, and how one that is waiting in `accept` is woken.

use crate::{error::Error, tls::Port};
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};

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
