//! Splits a `tungstenite::WebSocket` into a [`Peer`] that sends and a [`Reader`], for programs that do their own handshakes.
//!
//! `tungstenite::WebSocket` owns its stream and has no `split`. While its `read` blocks, no other thread can write: behind a
//! lock, writers wait for the next message; with a read timeout, all threads wait a little all the time. Here the reader
//! waits without a lock, and a write never waits for the network.
//!
//! One thread blocks in reading, another writes a thousand messages, a third closes:
//!
//! ```
//! use chinwag::{duplex::Duplex, tungstenite};
//! use std::{net::TcpListener, net::TcpStream, sync::mpsc, thread};
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
//! // The client also uses tungstenite's handshake.
//! let stream = TcpStream::connect(url.trim_start_matches("ws://").trim_end_matches('/'))?;
//! let (socket, _response) = tungstenite::client(&url, stream).expect("a handshake");
//! let (writer, reader) = Duplex::client(socket).split()?;
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
//! # Ok::<(), std::io::Error>(())
//! ```

mod unread;

pub use tungstenite::protocol::Role;

pub use crate::ws::tcp::Socket;

use crate::ws::connection::{PeerInfo, Transport};
use crate::ws::{config::Config, peer::Peer, tcp::tcp, websocket::WebSocket};
#[cfg(feature = "tls")]
use crate::ws::{
    handshake::{Negotiated, Policy, Upgrade, negotiate, read_request},
    handshake_stream::HandshakeStream,
    session::StartTls,
    tls::Acceptor,
};
use std::io;

/// The half that reads. It is a whole [`WebSocket`], which can also send.
pub type Reader = WebSocket;

/// A socket after its WebSocket handshake, before it is split.
#[derive(Debug)]
#[must_use = "it does nothing before split()"]
pub struct Duplex {
    role: Role,
    /// The socket and what was read after the handshake. `split` returns the error if that cannot be recovered.
    transport: io::Result<Transport>,
    config: Config,
}

impl Duplex {
    /// The server's side, from `tungstenite::accept` or a similar function.
    ///
    /// Nothing may have been read from the socket or written to it. It has no bytes buffered then, because tungstenite refuses
    /// clients that send frames before the response.
    pub fn server(socket: tungstenite::WebSocket<impl Socket>) -> Self {
        Self::recovered(Role::Server, socket)
    }

    /// The client's side, from `tungstenite::client` or a similar function.
    ///
    /// Nothing may have been read from the socket or written to it. Messages that the server sent together with its response
    /// are buffered in tungstenite and recovered from there.
    pub fn client(socket: tungstenite::WebSocket<impl Socket>) -> Self {
        Self::recovered(Role::Client, socket)
    }

    /// Either side, after any handshake. `already_read` are the bytes that were read after its end: the first frames, which
    /// may be incomplete.
    pub fn after_handshake(role: Role, stream: impl Socket, already_read: Vec<u8>) -> Self {
        Self::new(role, transport(stream, already_read))
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
        let socket = tcp(stream)?;
        let deadline = std::time::Instant::now() + config.handshake_timeout;
        let session = acceptor.session()?;
        let mut stream = HandshakeStream::start(&socket, Some(session), deadline)?;
        let head = read_request(&mut stream, &config);
        let (mut request, input) = head.map_err(io::Error::other)?;
        match negotiate(&mut request, policy) {
            Negotiated::Upgrade(Upgrade { response, protocol, data, deflate, keepalive: None }) => {
                stream.send(&response)?;
                let session = stream.session.take();
                let path = request.uri().path().into();
                let info = PeerInfo { protocol, path, data, deflate, ..PeerInfo::default() };
                let transport = Transport { stream: socket, session, input };
                WebSocket::without_server(info, Role::Server, transport, config)
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

    fn recovered(role: Role, socket: tungstenite::WebSocket<impl Socket>) -> Self {
        Self::new(role, unread::recover(socket, role).and_then(|(stream, unread)| transport(stream, unread)))
    }

    fn new(role: Role, transport: io::Result<Transport>) -> Self {
        Self { role, transport, config: Config::default() }
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
    /// `InvalidData` if tungstenite has buffered part of a message, which it does not give out. This can only happen if a
    /// server's first message began in the segment of the response and ended in a later one.
    pub fn split(self) -> io::Result<(Peer, Reader)> {
        let reader = WebSocket::without_server(PeerInfo::default(), self.role, self.transport?, self.config)?;
        Ok((reader.writer(), reader))
    }
}

fn transport(stream: impl Socket, input: Vec<u8>) -> io::Result<Transport> {
    Ok(Transport { stream: tcp(stream)?, session: None, input })
}
