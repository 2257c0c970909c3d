//! Reading and writing at the same time, for programs that have their own handshakes: "how do I split tungstenite's
//! `WebSocket`?"
//!
//! Owns the way from a socket whose handshake is done to a [`Writer`] and a [`Reader`]. Knows no listener and no URL:
//! [`Server`](crate::Server) and [`client`](crate::ws::client) have those.
//!
//! `tungstenite::WebSocket::read` blocks, and while it does, nobody can write: it owns the stream, and has no `split`.
//! With a lock around it, writers wait until something comes; with a read timeout, everybody waits a little all the
//! time. Here the reader waits holding no lock, and a write never waits for the network.
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
//! // The server: your own accept loop and handshake, here for one connection. It echoes.
//! let server = thread::spawn(move || {
//!     let socket = tungstenite::accept(listener.accept().unwrap().0).unwrap();
//!     let (writer, reader) = Duplex::server(socket).split().unwrap();
//!     reader.for_each(|message| assert!(writer.send(message)));
//! });
//!
//! // The client: tungstenite's handshake, too.
//! let stream = TcpStream::connect(url.trim_start_matches("ws://").trim_end_matches('/'))?;
//! let (socket, _response) = tungstenite::client(&url, stream).expect("a handshake");
//! let (writer, reader) = Duplex::client(socket).split()?;
//!
//! let (echoed_all, heard_all) = mpsc::channel();
//! let closer = writer.clone();
//! let reading = thread::spawn(move || {
//!     let echoes = reader.inspect(|echo| if *echo == "999".into() { echoed_all.send(()).unwrap() });
//!     assert_eq!(echoes.count(), 1000);
//! });
//! let writing = thread::spawn(move || (0..1000).all(|number| writer.send(number.to_string())));
//! let closing = thread::spawn(move || { heard_all.recv().unwrap(); closer.close(1000, "done") });
//! for thread in [reading, closing, server] { thread.join().unwrap(); }
//! assert!(writing.join().unwrap(), "every one was sent");
//! # Ok::<(), std::io::Error>(())
//! ```

mod unread;

pub use tungstenite::{self, protocol::Role};

use crate::{
    ws::config::Config,
    ws::connection::{Connection, DisconnectReason, Message, PeerInfo, Reader as Inner, Transport, WriteReactor},
};
use std::{fmt, io, net::TcpStream, sync::Arc};

/// A socket whose WebSocket handshake is done, about to be split.
#[derive(Debug)]
#[must_use = "nothing happens before split()"]
pub struct Duplex {
    role: Role,
    socket: Socket,
    config: Config,
}

#[derive(Debug)]
enum Socket {
    Tungstenite(Box<tungstenite::WebSocket<TcpStream>>),
    Raw(TcpStream, Vec<u8>),
}

impl Duplex {
    /// The server's side, as `tungstenite::accept` and its like return it.
    ///
    /// Hand it over before anything is read from it or written to it: at that time it holds no bytes, for they all refuse
    /// clients that send some before the answer.
    pub fn server(socket: tungstenite::WebSocket<TcpStream>) -> Self {
        Self::new(Role::Server, Socket::Tungstenite(Box::new(socket)))
    }

    /// The client's side, as `tungstenite::client` and its like return it.
    ///
    /// Hand it over before anything is read from it or written to it. A server may send its first messages together with
    /// its answer; then tungstenite has read them. They are not lost: see [`Duplex::split`].
    pub fn client(socket: tungstenite::WebSocket<TcpStream>) -> Self {
        Self::new(Role::Client, Socket::Tungstenite(Box::new(socket)))
    }

    /// Either side, after a handshake by any means. `already_read`: the bytes that came behind the handshake, if some
    /// were read with it; they are frames.
    pub fn after_handshake(role: Role, stream: TcpStream, already_read: Vec<u8>) -> Self {
        Self::new(role, Socket::Raw(stream, already_read))
    }

    fn new(role: Role, socket: Socket) -> Self {
        Self { role, socket, config: Config::default() }
    }

    /// Bounds and times: of [`Config`], those for messages, Pings, closing and what waits to be sent. What the
    /// `WebSocket` was configured with does not count any more. Default: [`Config::default`], with messages up to 64 KiB.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The half that writes, for any thread and any number of them, and the half that reads.
    ///
    /// # Errors
    /// No thread or descriptor is to be had for what the process needs, one thread that sends what sockets did not take
    /// at once. `InvalidData`: tungstenite has read a part of a message already and does not give it out; what it has read
    /// in whole messages is read again here, so this can only happen with a message that came together with the
    /// server's answer and was cut in the middle.
    pub fn split(self) -> io::Result<(Writer, Reader)> {
        let (stream, input) = match self.socket {
            Socket::Tungstenite(socket) => unread::recover(*socket, self.role)?,
            Socket::Raw(stream, input) => (stream, input),
        };
        stream.set_nonblocking(false)?;
        let _ = stream.set_nodelay(true);
        let (reactor, id) = WriteReactor::of_process()?;
        let config = Arc::new(self.config.sensible());
        let transport = Transport { stream: Arc::new(stream), session: None, input };
        let (connection, reader) = Connection::new(PeerInfo::only_id(id), self.role, transport, config, reactor);
        let writer = Writer { connection: Arc::clone(&connection) };
        Ok((writer, Reader { connection, reader, reason: None }))
    }
}

/// The half that writes. Cloning is cheap; all clones write to the same connection.
#[derive(Clone)]
pub struct Writer {
    connection: Arc<Connection>,
}

impl Writer {
    /// Sends a message, and never blocks: what the socket does not take at once waits, up to [`Config::max_send_buffer`] bytes;
    /// when more waits, the connection is failed with 1013.
    ///
    /// False: it is closing or over, and the message was not sent.
    pub fn send(&self, message: impl Into<Message>) -> bool {
        self.connection.send_message(message.into())
    }

    /// Bytes that wait to be sent.
    #[must_use]
    pub fn buffered_amount(&self) -> usize {
        self.connection.buffered_amount()
    }

    /// Starts the closing handshake after all that was sent before, as [`Peer::close`](crate::Peer::close) does. The
    /// reader comes to its end, at the latest after [`Config::close_timeout`].
    pub fn close(&self, code: u16, reason: &str) {
        self.connection.close(code, reason);
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} bytes wait)", self.buffered_amount())
    }
}

/// The half that reads: an iterator over messages that blocks. It also answers Pings and Close frames, so somebody has to
/// read. When it is dropped, the connection is over.
pub struct Reader {
    connection: Arc<Connection>,
    reader: Inner,
    reason: Option<DisconnectReason>,
}

impl Reader {
    /// Why the connection ended; `None` as long as it has not.
    #[must_use]
    pub fn reason(&self) -> Option<&DisconnectReason> {
        self.reason.as_ref()
    }
}

/// Waits for the next message. `None`: the connection is over, [`Reader::reason`] says why.
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
        if self.reason.is_none() {
            self.connection.end();
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("reason", &self.reason).finish_non_exhaustive()
    }
}
