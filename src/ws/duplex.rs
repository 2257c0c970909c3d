//! Splits a `tungstenite::WebSocket` into a [`Peer`] that sends and a [`Reader`], for programs that do their own handshakes.
//!
//! `tungstenite::WebSocket` owns its stream and has no `split`. While its `read` blocks, no other thread can write: behind a
//! lock, writers wait for the next message; with a read timeout, all threads wait a little all the time. Here the reader
//! waits without a lock, and a write never waits for the network.
//!
//! One thread blocks in reading, another writes a thousand messages, a third closes:
//!
//! ```
//! use chinwag::{client, duplex::Duplex, tungstenite};
//! use std::{net::TcpListener, sync::mpsc, thread};
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let url = format!("ws://{}/", listener.local_addr()?);
//!
//! // The server has its own accept loop and handshake, here for one connection. It echoes.
//! let server = thread::spawn(move || {
//!     let socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
//!     let (writer, reader) = Duplex::server(socket).split().unwrap();
//!     reader.for_each(|message| assert!(writer.send(message)));
//! });
//!
//! // A client needs no Duplex. `open_over` takes a socket that is connected already.
//! let reader = client::WebSocket::builder(&url).open()?;
//! let writer = reader.writer();
//!
//! let (echoed_all, has_all) = mpsc::channel();
//! let closer = writer.clone();
//! let reading = thread::spawn(move || {
//!     let echoes = reader.inspect(|echo| if *echo == "999".into() { echoed_all.send(()).unwrap() });
//!     assert_eq!(echoes.count(), 1000);
//! });
//! let writing = thread::spawn(move || (0..1000).all(|number| writer.send(number.to_string())));
//! let closing = thread::spawn(move || { has_all.recv().unwrap(); closer.close(1000, "done").unwrap() });
//! for thread in [reading, closing, server] { thread.join().unwrap(); }
//! assert!(writing.join().unwrap(), "all messages were sent");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use tungstenite::protocol::Role;

pub use crate::ws::tcp::Socket;

use crate::ws::connection::{BufferedStream, PeerInfo};
#[cfg(feature = "tls")]
use crate::ws::handshake::{HeadError, Negotiated, Policy, Upgrade, negotiate, read_request};
use crate::ws::tcp::{OwnedFd, pair, tcp};
use crate::ws::{config::Config, peer::Peer, websocket::WebSocket};
#[cfg(feature = "tls")]
use crate::ws::{handshake_stream::HandshakeStream, session::StartTls, tls::Acceptor};
use std::io::{self, Write};
use std::mem;

/// The half that reads. It is a whole [`WebSocket`], which can also send.
pub type Reader = WebSocket;

/// A socket after its WebSocket handshake, before it is split. [The module](self) has an example from accept to close.
///
/// ```no_run
/// # let stream = std::net::TcpListener::bind("127.0.0.1:9000")?.accept()?.0;
/// use chinwag::{Config, duplex::Duplex, tungstenite};
/// use std::time::Duration;
///
/// let socket = tungstenite::accept(stream)?;
/// let config = Config::default().max_message_size(1 << 20).ping_interval(Duration::from_secs(5));
/// let (peer, reader) = Duplex::server(socket).config(config).split()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "it does nothing before split()"]
pub struct Duplex {
    role: Role,
    /// `split` returns the error.
    socket: io::Result<OwnedFd>,
    /// What was read after the handshake.
    input: Vec<u8>,
    config: Config,
}

impl Duplex {
    /// The server's side, from `tungstenite::accept` or a similar function.
    ///
    /// Nothing may have been read from the socket or written to it: what tungstenite has buffered would be lost, so
    /// [`Duplex::split`] fails if it has received bytes. After its handshake it has none, because it refuses clients that send
    /// frames before the response. For the client's side, use
    /// [`client::Builder::open_over`](crate::client::Builder::open_over).
    pub fn server(socket: tungstenite::WebSocket<impl Socket>) -> Self {
        Self { role: Role::Server, socket: unused(socket), input: Vec::new(), config: Config::default() }
    }

    /// Either side, after any handshake. `already_read` are the bytes that were read after its end: the first frames, which
    /// may be incomplete.
    ///
    /// ```no_run
    /// # let mut stream = std::net::TcpListener::bind("127.0.0.1:9000")?.accept()?.0;
    /// # use chinwag::{Config, duplex::{Duplex, Role}, handshake::{Negotiated, Policy, negotiate, read_request}};
    /// # use std::io::Write;
    /// let (mut request, already_read) = read_request(&mut stream, &Config::default())?;
    /// if let Negotiated::Upgrade(upgrade) = negotiate(&mut request, &Policy::default()) {
    ///     stream.write_all(&upgrade.response)?;
    ///     let (peer, reader) = Duplex::after_handshake(Role::Server, stream, already_read).split()?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn after_handshake(role: Role, stream: impl Socket, already_read: Vec<u8>) -> Self {
        Self { role, socket: Ok(stream.into()), input: already_read, config: Config::default() }
    }

    /// The server's side with TLS: does the handshakes of TLS and of the WebSocket, within
    /// [`Config::handshake_timeout`]. The policy says which clients are accepted; by default, as in
    /// [`Access`](crate::Access), those that use an IP address or `localhost`.
    ///
    /// ```no_run
    /// use chinwag::{Config, duplex::Duplex, handshake::Policy, tls::Acceptor};
    ///
    /// let acceptor = Acceptor::from_pem_files("certificate.pem", "key.pem")?;
    /// let (stream, _) = std::net::TcpListener::bind("127.0.0.1:9000")?.accept()?;
    /// let ws = Duplex::accept_tls(stream, &acceptor, &Policy::default(), Config::default())?;
    /// let writer = ws.writer();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The socket failed, a handshake failed, or it was refused; the client got the response.
    #[cfg(feature = "tls")]
    pub fn accept_tls(stream: impl Socket, acceptor: &Acceptor, policy: &Policy, config: Config) -> io::Result<Reader> {
        let (socket, config) = (tcp(stream)?, config.sensible());
        let deadline = std::time::Instant::now() + config.handshake_timeout;
        let mut stream = HandshakeStream::new(socket, Some(acceptor.session()?), deadline);
        let failed = |error| match error {
            HeadError::Io(why) => why,
            HeadError::Deadline => io::Error::new(io::ErrorKind::TimedOut, error),
            error => io::Error::other(error),
        };
        let (mut request, input) = read_request(&mut stream, &config).map_err(failed)?;
        match negotiate(&mut request, policy) {
            Negotiated::Upgrade(Upgrade { response, protocol, data, deflate, keepalive: None }) => {
                stream.send(&response)?;
                let path = request.uri().path().into();
                let info = PeerInfo { protocol, path, data, deflate, ..PeerInfo::default() };
                WebSocket::without_server(info, Role::Server, stream.into_inner(input), config)
            }
            Negotiated::Response(response) => {
                stream.send(&response.to_bytes(false))?;
                stream.hang_up();
                let body = String::from_utf8_lossy(&response.body);
                Err(io::Error::other(format!("refused with {}: {}", response.status, body.trim_end())))
            }
            _ => Err(io::Error::other("the request is not a handshake")),
        }
    }

    /// The limits and timeouts for messages, Pings, closing and the send buffer. The configuration of the `WebSocket` is not
    /// used. Default: [`Config::default`], with messages up to 64 KiB.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Splits the socket into a half that writes, for any number of threads, and a half that reads.
    ///
    /// # Errors
    /// No thread or descriptor is available for the one thread of the process that sends what sockets do not take at once.
    /// `InvalidInput`: the socket was used before [`Duplex::server`], or is a client's.
    pub fn split(self) -> io::Result<(Peer, Reader)> {
        let stream = BufferedStream::new(tcp(self.socket?)?, None, self.input);
        let reader = WebSocket::without_server(PeerInfo::default(), self.role, stream, self.config)?;
        Ok((reader.writer(), reader))
    }
}

/// The stream, if tungstenite has received nothing from it. tungstenite (0.30) does not show its buffer, but its stream can be
/// replaced: by one with a single message, which it returns only if nothing comes before it.
fn unused<S: Socket>(mut socket: tungstenite::WebSocket<S>) -> io::Result<OwnedFd> {
    let (inside, mut outside) = pair()?;
    let stream = mem::replace(socket.get_mut(), S::from(inside.into()));
    outside.write_all(b"\x81\x81\0\0\0\0?")?;
    drop(outside);
    match socket.read() {
        Ok(tungstenite::Message::Text(text)) if text == "?" => Ok(stream.into()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "the WebSocket was used before it was split")),
    }
}
