//! A bound listener, and what is spoken on it.

use crate::ws::{error::Error, tls::ListenerMode};
use rustix::{
    event::{PollFd, PollFlags, poll},
    net::{AddressFamily, SocketType, sockopt},
};
use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    os::fd::OwnedFd,
    os::unix::net::{UnixListener, UnixStream},
    time::Duration,
};

/// Connections that the operating system queues before `accept`. It reduces this to its own limit.
const BACKLOG: i32 = 4096;

/// The address of the clients of a unix socket, which have none.
const UNIX_CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A bound listener.
#[derive(Debug)]
pub(super) struct Listener {
    /// The standard library's types work with each kind of stream socket. Only their addresses are those of IP.
    socket: TcpListener,
    /// Whether clients connect by a path in the file system.
    pub(super) is_unix: bool,
    /// What is spoken there, if it is not plain HTTP and WebSocket.
    pub(super) mode: Option<ListenerMode>,
    /// A pair that wakes `accept`, if another process keeps the socket: it must not be shut down, so that clients may connect
    /// while no server runs.
    pub(super) wake: Option<(UnixStream, UnixStream)>,
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
                Ok(socket) => return Ok(Self::tcp(socket, mode)),
                Err(source) => error = Error::Bind { address, source },
            }
        }
        Err(error)
    }

    /// A TCP socket that is bound already.
    pub(super) fn tcp(socket: TcpListener, mode: Option<ListenerMode>) -> Self {
        Self { socket, is_unix: false, mode, wake: None }
    }

    /// A unix socket that is bound already.
    pub(super) fn unix(socket: UnixListener) -> Self {
        Self { socket: OwnedFd::from(socket).into(), is_unix: true, mode: None, wake: None }
    }

    /// Takes over a listening socket that another process keeps.
    ///
    /// # Errors
    /// It is not a listening stream socket of IP or the file system.
    pub(super) fn inherit(socket: OwnedFd, mode: Option<ListenerMode>) -> io::Result<Self> {
        let is_listening = sockopt::socket_acceptconn(&socket)? && sockopt::socket_type(&socket)? == SocketType::STREAM;
        let family = sockopt::socket_domain(&socket)?;
        let is_known = [AddressFamily::INET, AddressFamily::INET6, AddressFamily::UNIX].contains(&family);
        if !is_listening || !is_known {
            return Err(io::Error::other("it is not a socket that listens for streams"));
        }
        let (is_unix, wake) = (family == AddressFamily::UNIX, Some(UnixStream::pair()?));
        Ok(Self { socket: socket.into(), is_unix, mode: mode.filter(|_| !is_unix), wake })
    }

    /// The address. That of a unix socket is 127.0.0.1 with port 0.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        if self.is_unix { Ok(UNIX_CLIENT) } else { self.socket.local_addr() }
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(super) fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        if let Some((wake, _)) = &self.wake {
            let mut both = [PollFd::new(&self.socket, PollFlags::IN), PollFd::new(wake, PollFlags::IN)];
            poll(&mut both, None)?;
            if !both[1].revents().is_empty() {
                return Err(io::ErrorKind::Interrupted.into());
            }
        }
        match self.is_unix {
            true => Ok((accept_unix(&self.socket)?, UNIX_CLIENT)),
            false => self.socket.accept(),
        }
    }

    /// Sets the socket's options. Accepted sockets inherit `TCP_NODELAY`: without it, a message would wait until the client has
    /// acknowledged the one before.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(super) fn prepare(&self) -> io::Result<()> {
        rustix::net::listen(&self.socket, BACKLOG)?;
        if !self.is_unix {
            sockopt::set_tcp_nodelay(&self.socket, true)?;
        }
        self.socket.set_nonblocking(self.wake.is_some())
    }

    /// Wakes the thread that waits in `accept`. Linux does this on shutdown(2), other systems need a connection.
    pub(super) fn stop(&self) {
        if let Some((_, wake)) = &self.wake {
            let _ = wake.shutdown(Shutdown::Both);
            return;
        }
        if rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both).is_ok() {
            return;
        }
        if let Ok(addr) = self.local_addr() {
            let stream = TcpStream::connect_timeout(&addr, Duration::from_secs(1));
            drop(stream.map(|stream| stream.shutdown(Shutdown::Both)));
        }
    }
}

/// Not every system can set the flag `CLOEXEC` at once.
fn accept_unix(socket: &TcpListener) -> io::Result<TcpStream> {
    #[cfg(target_os = "linux")]
    let stream = rustix::net::accept_with(socket, rustix::net::SocketFlags::CLOEXEC)?;
    #[cfg(not(target_os = "linux"))]
    let stream = rustix::net::accept(socket)?;
    Ok(stream.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listening_stream_sockets_are_inherited() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let client = TcpStream::connect(tcp.local_addr().expect("an address")).expect("a connection");
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let (pipe, _) = io::pipe().expect("a pipe");
        for (fd, expected) in
            [(OwnedFd::from(tcp), true), (client.into(), false), (udp.into(), false), (pipe.into(), false)]
        {
            assert_eq!(Listener::inherit(fd, None).is_ok(), expected);
        }
    }

    /// The process that keeps the socket may start the next server.
    #[test]
    fn inherited_listener_stops_without_closing_its_socket() {
        let kept = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let listener = Listener::inherit(kept.try_clone().expect("a copy").into(), None).expect("a listener");
        listener.prepare().expect("it listens");
        listener.stop();
        assert_eq!(listener.accept().map(drop).map_err(|error| error.kind()), Err(io::ErrorKind::Interrupted));
        drop(listener);
        let _client = TcpStream::connect(kept.local_addr().expect("an address")).expect("a connection");
        kept.set_nonblocking(false).expect("a socket");
        assert!(kept.accept().is_ok());
    }

    #[test]
    fn an_accepted_socket_has_no_delay() {
        let listener = Listener::bind("127.0.0.1:0", None).expect("a free port");
        listener.prepare().expect("it listens");
        let addr = listener.local_addr().expect("an address");
        let _client = TcpStream::connect(addr).expect("a connection");
        assert!(listener.accept().expect("a connection").0.nodelay().expect("an option"));
    }
}
