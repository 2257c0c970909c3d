//! A listening socket, and what is spoken on it.

use crate::ws::tcp::{Inner, OwnedFd};
use crate::ws::{error::Error, session::ListenerMode};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily, SocketType, getsockname, sockopt};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};

/// Connections that the operating system queues before `accept`. It reduces this to its own limit.
const BACKLOG: i32 = 4096;

/// The address of the clients of a unix socket, which have none.
const UNIX_CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A bound socket. Its accept thread owns it, so it is closed when that thread ends. If another process has the socket as well,
/// clients can connect while no server runs.
#[derive(Debug)]
pub(super) struct Listener {
    /// The standard library's types work with each kind of stream socket. Only their addresses are those of IP.
    socket: TcpListener,
    /// That of a unix socket is 127.0.0.1 with port 0.
    pub(super) addr: SocketAddr,
    /// Whether clients connect by a path in the file system.
    pub(super) is_unix: bool,
    pub(super) mode: ListenerMode,
}

/// Listens on the first of these addresses that is free.
///
/// # Errors
/// There is no such address, or listening failed; this is the error of the last address.
pub(super) fn bind(addr: impl ToSocketAddrs) -> Result<OwnedFd, Error> {
    let mut error = no_address();
    let invalid = |source| Error::invalid(format!("no such address (HOST:PORT is needed): {source}"));
    for address in addr.to_socket_addrs().map_err(invalid)? {
        match TcpListener::bind(address) {
            Ok(socket) => return Ok(socket.into()),
            Err(source) => error = Error::bind(address, &source),
        }
    }
    Err(error)
}

pub(super) fn no_address() -> Error {
    Error::invalid("no address to listen on was given")
}

impl Listener {
    /// A socket that is bound, and may listen already. A unix socket is always plain.
    ///
    /// Accepted sockets inherit `TCP_NODELAY`: without it, a message would wait until the client has acknowledged the one
    /// before. `accept` must not block, because another process may have taken the connection.
    ///
    /// # Errors
    /// It is another kind of socket.
    pub(super) fn new(socket: OwnedFd, mode: ListenerMode) -> io::Result<Self> {
        let is_unix = getsockname(&socket)?.address_family() == AddressFamily::UNIX;
        let is_stream = sockopt::socket_type(&socket)? == SocketType::STREAM;
        let socket = TcpListener::from(socket);
        // `listen` would bind it to any port, and fails if it is connected.
        let is_unbound = socket.local_addr().is_ok_and(|addr| addr.port() == 0);
        if !is_stream || is_unbound || rustix::net::listen(&socket, BACKLOG).is_err() {
            return Err(io::Error::other("it is not a socket that listens for streams"));
        }
        socket.set_nonblocking(true)?;
        if is_unix {
            return Ok(Self { socket, addr: UNIX_CLIENT, is_unix, mode: ListenerMode::default() });
        }
        sockopt::set_tcp_nodelay(&socket, true)?;
        Ok(Self { addr: socket.local_addr()?, socket, is_unix, mode })
    }

    /// Waits for a connection. `None`: the other end of `stop` was shut down.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(super) fn accept(&self, stop: &Inner) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        let mut both = [PollFd::new(&self.socket, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        poll(&mut both, None)?;
        if !both[1].revents().is_empty() {
            return Ok(None);
        }
        let (stream, addr) = match self.is_unix {
            true => (accept_unix(&self.socket)?, UNIX_CLIENT),
            false => self.socket.accept()?,
        };
        // Other systems than Linux let it inherit that the listener does not block.
        #[cfg(not(target_os = "linux"))]
        stream.set_nonblocking(crate::ws::tcp::NON_BLOCKING)?;
        Ok(Some((stream, addr)))
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
    use crate::ws::tcp::pair;
    use std::net::Shutdown;

    #[cfg(unix)]
    #[test]
    fn only_listening_stream_sockets_are_served() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let client = TcpStream::connect(tcp.local_addr().expect("an address")).expect("a connection");
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let (pipe, _) = io::pipe().expect("a pipe");
        for (fd, expected) in
            [(OwnedFd::from(tcp), true), (client.into(), false), (udp.into(), false), (pipe.into(), false)]
        {
            assert_eq!(Listener::new(fd, ListenerMode::default()).is_ok(), expected);
        }
    }

    /// The process that keeps the socket may start the next server.
    #[test]
    fn inherited_listener_stops_without_closing_its_socket() {
        let kept = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let socket = kept.try_clone().expect("a copy").into();
        let listener = Listener::new(socket, ListenerMode::default()).expect("a listener");
        let (stop, other_end) = pair().expect("a pair");
        other_end.shutdown(Shutdown::Both).expect("it is open");
        assert!(listener.accept(&stop).expect("no error").is_none());
        drop(listener);
        let _client = TcpStream::connect(kept.local_addr().expect("an address")).expect("a connection");
        kept.set_nonblocking(false).expect("a socket");
        assert!(kept.accept().is_ok());
    }

    #[test]
    fn an_accepted_socket_has_no_delay() {
        let socket = bind("127.0.0.1:0").expect("a free port");
        let listener = Listener::new(socket, ListenerMode::default()).expect("it listens");
        let _client = TcpStream::connect(listener.addr).expect("a connection");
        let (stop, _other_end) = pair().expect("a pair");
        let (stream, _) = listener.accept(&stop).expect("no error").expect("a connection");
        assert!(stream.nodelay().expect("an option"));
    }
}
