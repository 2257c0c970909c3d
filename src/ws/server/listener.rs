//! A bound listener, and what is spoken on it.

use crate::ws::{error::Error, tls::ListenerMode};
use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs},
    time::Duration,
};

/// Connections that the operating system queues before `accept`. It reduces this to its own limit.
const BACKLOG: i32 = 4096;

/// A bound listener.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    /// What is spoken there, if it is not plain HTTP and WebSocket.
    pub(super) mode: Option<ListenerMode>,
}

impl Listener {
    /// Listens on the first of these addresses that is free.
    ///
    /// # Errors
    /// [`Error::Resolve`]; [`Error::Bind`] with the last address; [`Error::NoListener`] if there is no address.
    pub(super) fn bind(addr: impl ToSocketAddrs, mode: Option<ListenerMode>) -> Result<Self, Error> {
        let mut error = Error::NoListener;
        for address in addr.to_socket_addrs().map_err(Error::Resolve)? {
            match TcpListener::bind(address) {
                Ok(socket) => return Ok(Self { socket, mode }),
                Err(source) => error = Error::Bind { address, source },
            }
        }
        Err(error)
    }

    /// Sets the socket's options. Accepted sockets inherit `TCP_NODELAY`: without it, a message would wait until the client has
    /// acknowledged the one before.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(super) fn prepare(&self) -> io::Result<()> {
        rustix::net::listen(&self.socket, BACKLOG)?;
        rustix::net::sockopt::set_tcp_nodelay(&self.socket, true)?;
        self.socket.set_nonblocking(false)
    }

    /// Wakes the thread that waits in `accept`. Linux does this on shutdown(2), other systems need a connection.
    pub(super) fn stop(&self) {
        if rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both).is_ok() {
            return;
        }
        if let Ok(addr) = self.socket.local_addr() {
            let stream = TcpStream::connect_timeout(&addr, Duration::from_secs(1));
            drop(stream.map(|stream| stream.shutdown(Shutdown::Both)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accepted_socket_has_no_delay() {
        let listener = Listener::bind("127.0.0.1:0", None).expect("a free port");
        listener.prepare().expect("it listens");
        let addr = listener.socket.local_addr().expect("an address");
        let _client = TcpStream::connect(addr).expect("a connection");
        assert!(listener.socket.accept().expect("a connection").0.nodelay().expect("an option"));
    }
}
