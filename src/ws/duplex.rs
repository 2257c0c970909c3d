//! Splits a `tungstenite::WebSocket` into a [`Writer`] and a [`Reader`], for programs that do their own handshakes.
//!
//! `tungstenite::WebSocket` owns its stream and has no `split`. While its `read` blocks, no other thread can write: behind a
//! lock, writers wait for the next message; with a read timeout, all threads wait a little all the time. Here the reader
//! waits without a lock, and a write never waits for the network.
//!
//! One thread blocks in reading, another writes a thousand messages, a third closes:
//!
//! ```
//! use chinwag::duplex::{Duplex, tungstenite};
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

pub use tungstenite::{self, protocol::Role};

use crate::ws::connection::{self, Connection, DisconnectReason, Message, PeerInfo, Transport, WriteReactor};
use crate::ws::{config::Config, error::CloseError, peer::next_id};
use std::{fmt, io, net::TcpStream, sync::Arc};

/// A socket after its WebSocket handshake, before it is split.
#[derive(Debug)]
#[must_use = "it does nothing before split()"]
pub struct Duplex {
    role: Role,
    /// The stream and the bytes that were read after the handshake. `split` returns the error if they cannot be recovered.
    stream: io::Result<(TcpStream, Vec<u8>)>,
    config: Config,
}

impl Duplex {
    /// The server's side, from `tungstenite::accept` or a similar function.
    ///
    /// Nothing may have been read from the socket or written to it. It has no bytes buffered then, because tungstenite refuses
    /// clients that send frames before the response.
    pub fn server(socket: tungstenite::WebSocket<TcpStream>) -> Self {
        Self::new(Role::Server, unread::recover(socket, Role::Server))
    }

    /// The client's side, from `tungstenite::client` or a similar function.
    ///
    /// Nothing may have been read from the socket or written to it. Messages that the server sent together with its response
    /// are buffered in tungstenite and recovered from there.
    pub fn client(socket: tungstenite::WebSocket<TcpStream>) -> Self {
        Self::new(Role::Client, unread::recover(socket, Role::Client))
    }

    /// Either side, after any handshake. `already_read` are the bytes that were read after its end: the first frames, which
    /// may be incomplete.
    pub fn after_handshake(role: Role, stream: TcpStream, already_read: Vec<u8>) -> Self {
        Self::new(role, Ok((stream, already_read)))
    }

    fn new(role: Role, stream: io::Result<(TcpStream, Vec<u8>)>) -> Self {
        Self { role, stream, config: Config::default() }
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
    pub fn split(self) -> io::Result<(Writer, Reader)> {
        let (stream, input) = self.stream?;
        stream.set_nonblocking(false)?;
        let _ = stream.set_nodelay(true);
        let reactor = WriteReactor::of_process()?;
        let config = Arc::new(self.config.sensible());
        let transport = Transport { stream: Arc::new(stream), session: None, input };
        let (connection, reader) = Connection::new(PeerInfo::only_id(next_id()), self.role, transport, config, reactor);
        let writer = Writer { connection: Arc::clone(&connection) };
        Ok((writer, Reader { connection, reader, reason: None }))
    }
}

/// The half that writes. Clones are cheap and write to the same connection.
#[derive(Clone)]
pub struct Writer {
    connection: Arc<Connection>,
}

impl Writer {
    /// Sends a message without blocking. Bytes that the socket does not take at once are buffered. If there are more than
    /// [`Config::max_send_buffer`], the connection is closed with 1013.
    ///
    /// Returns false if the connection is closing or closed. The message is not sent then.
    pub fn send(&self, message: impl Into<Message>) -> bool {
        self.connection.send_message(message.into())
    }

    /// Bytes in the send buffer.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.connection.buffered_amount()
    }

    /// Starts the closing handshake after everything that was sent before, like [`Peer::close`](crate::Peer::close). The
    /// reader ends after [`Config::close_timeout`] at the latest.
    ///
    /// # Errors
    /// As [`Peer::close`](crate::Peer::close).
    pub fn close(&self, code: u16, reason: &str) -> Result<(), CloseError> {
        CloseError::check(code, reason)?;
        self.connection.close(code, reason);
        Ok(())
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} bytes buffered)", self.buffered_amount())
    }
}

/// The half that reads: a blocking iterator over messages. It also replies to Ping and Close frames, so a thread must read
/// all the time. Dropping it ends the connection.
pub struct Reader {
    connection: Arc<Connection>,
    reader: connection::Reader,
    reason: Option<DisconnectReason>,
}

impl Reader {
    /// Why the connection ended. `None` while it is open.
    #[must_use]
    pub fn reason(&self) -> Option<&DisconnectReason> {
        self.reason.as_ref()
    }
}

/// Waits for the next message. `None` when the connection has ended; [`Reader::reason`] says why.
impl Iterator for Reader {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        if self.reason.is_some() {
            return None;
        }
        let message = self.reader.next();
        if message.is_none() {
            self.reason = Some(self.connection.end());
        }
        message
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.connection.end();
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("reason", &self.reason).finish_non_exhaustive()
    }
}
