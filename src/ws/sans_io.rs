//! A WebSocket over any transport, as a state machine without a socket ("sans I/O"): bytes in, messages and bytes out.
//!
//! The program moves the bytes: over a serial line, pipes, a tunnel, a simulated network, or memory in a test. For a TCP or
//! Unix socket, [`Duplex`](crate::duplex::Duplex) does that.
//!
//! Two ends, and no transport but a `Vec<u8>`:
//!
//! ```
//! use chinwag::sans_io::{Protocol, Role};
//! use chinwag::{Config, DisconnectReason};
//!
//! let mut client = Protocol::new(Role::Client, Config::client());
//! let mut server = Protocol::new(Role::Server, Config::default());
//!
//! client.send("hello");
//! let bytes: Vec<u8> = client.bytes_to_send();
//! server.receive(&bytes[..3]); // in any pieces
//! assert_eq!(server.next_message()?, None);
//! server.receive(&bytes[3..]);
//! assert_eq!(server.next_message()?, Some("hello".into()));
//!
//! server.close(1000, "bye")?;
//! client.receive(&server.bytes_to_send());
//! let reason = DisconnectReason::ClosedByPeer { code: 1000, reason: "bye".into() };
//! assert_eq!(client.next_message(), Err(reason));
//! server.receive(&client.bytes_to_send()); // the client's Close frame
//! assert_eq!(server.next_message(), Err(DisconnectReason::ClosedLocally { code: 1000 }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The loop
//! Whatever the transport is, one thread does this until [`Protocol::next_message`] returns an error, which says how the
//! connection ended:
//!
//! ```
//! # use chinwag::{DisconnectReason, sans_io::Protocol};
//! # use std::io::{self, Read, Write};
//! # fn echo(protocol: &mut Protocol, mut transport: impl Read + Write) -> io::Result<DisconnectReason> {
//! let reason = loop {
//!     match protocol.next_message() {
//!         Ok(Some(message)) => _ = protocol.send(message),
//!         Ok(None) => {
//!             transport.write_all(&protocol.bytes_to_send())?;
//!             let mut buffer = [0; 1024];
//!             match transport.read(&mut buffer)? {
//!                 0 => protocol.receive_eof(),
//!                 count => protocol.receive(&buffer[..count]),
//!             }
//!         }
//!         Err(reason) => break reason,
//!     }
//! };
//! transport.write_all(&protocol.bytes_to_send())?; // a Close frame
//! # Ok(reason)
//! # }
//! ```
//!
//! Then the server ends the transport, and a client waits a moment for that (RFC 6455 7.1.1).
//! [docs/embed/stdio.rs](https://docs.rs/crate/chinwag/latest/source/docs/embed/stdio.rs) is a whole program, with the handshake.
//!
//! # What is left to the program
//! - The handshake. [`read_request`](crate::handshake::read_request) and [`negotiate`](crate::handshake::negotiate) are a server's,
//!   and need no socket either. tungstenite has `generate_key` and `derive_accept_key` for clients. The bytes after the head of
//!   the request or response are the first for [`Protocol::receive`].
//! - Time. Nothing here waits. The program calls [`Protocol::ping`] when the peer is silent. It ends the transport when the peer
//!   does not answer a Ping or a Close frame. The clock is read only for the limits of control frames and fragments, and for
//!   [`Protocol::round_trip_time`].
//! - Taking the bytes. They wait in memory until [`Protocol::bytes_to_send`].
//!
//! The limits are those of any connection: `max_message_size`, `control_frames_per_second` and `max_send_buffer` of
//! [`Config`](crate::Config), valid UTF-8, and a limit of fragments without a message. Messages are not compressed, so do not agree to compression.

pub use tungstenite::protocol::Role;

use crate::ws::connection::{BufferedStream, ConnectionEnd, ConnectionState, DisconnectReason, Message, ReadResult};
use crate::ws::{config::Config, error::Error, peer::checked_close};
use std::{mem, sync::Arc, time::Duration};
use tungstenite::Message as Frame;

/// One end of a WebSocket connection after its handshake. [The module](self) has examples.
#[derive(Debug)]
pub struct Protocol {
    state: Box<ConnectionState<()>>,
    config: Config,
    /// Whether the transport has ended.
    is_eof: bool,
}

impl Protocol {
    /// A new connection with these limits. The timeouts in `config` are not used.
    #[must_use]
    pub fn new(role: Role, config: Config) -> Self {
        let stream = BufferedStream::new(Arc::new(()), None, Vec::new());
        Self { state: Box::new(ConnectionState::new(role, *stream, &config)), config, is_eof: false }
    }

    /// Bytes have arrived: as many as the transport had, also parts of frames. Take all messages before the next call:
    /// until then, the bytes are in memory. After the end of the connection they are dropped.
    pub fn receive(&mut self, bytes: &[u8]) {
        let _ = self.state.receive(bytes);
    }

    /// The transport has ended: nothing more will arrive. Without a Close frame before it, the connection is lost.
    pub fn receive_eof(&mut self) {
        self.is_eof = true;
    }

    /// The next message in the bytes that arrived. `None`: it is not complete. This also prepares the answers to Pings and to a
    /// Close frame, so take the [bytes to send](Protocol::bytes_to_send) after it, also after an error.
    ///
    /// # Errors
    /// The connection has ended, and why. After a violation of the protocol, the bytes to send have the Close frame for it.
    /// Further calls return the same error.
    pub fn next_message(&mut self) -> Result<Option<Message>, DisconnectReason> {
        let end = match self.state.read(&self.config) {
            ReadResult::Message(message) => return Ok(Some(message)),
            ReadResult::NeedData if !self.is_eof => return Ok(None),
            ReadResult::NeedData => ConnectionEnd::Lost,
            ReadResult::Closed(end) => end,
        };
        self.state.conclude(end);
        Err(self.state.reason.clone().unwrap_or(DisconnectReason::ConnectionLost))
    }

    /// Adds a message to the bytes to send. Returns false if the connection is closing or has ended; the message is not sent
    /// then. If more than [`Config::max_send_buffer`] bytes of earlier calls have not been taken, the connection fails with 1013.
    pub fn send(&mut self, message: impl Into<Message>) -> bool {
        if self.state.is_open() && self.state.stream.unsent.len() > self.config.max_send_buffer {
            self.state.fail(1013, "too slow", DisconnectReason::SlowReader);
        }
        self.if_open(|state| {
            state.write(match message.into() {
                Message::Text(text) => Frame::Text(text),
                Message::Binary(bytes) => Frame::Binary(bytes),
            });
        })
    }

    /// Adds a Ping, whose answer changes [`Protocol::round_trip_time`]. Returns as [`Protocol::send`] does.
    pub fn ping(&mut self) -> bool {
        self.if_open(ConnectionState::ping)
    }

    /// The time from the last answered [`Protocol::ping`] to its answer.
    #[must_use]
    pub fn round_trip_time(&self) -> Option<Duration> {
        self.state.round_trip_time
    }

    /// Adds a Close frame, which is the last frame of this side. The peer answers it, and then
    /// [`Protocol::next_message`] returns the end. Does nothing if the connection is closing already.
    ///
    /// # Errors
    /// As [`Peer::close`](crate::Peer::close).
    pub fn close(&mut self, code: u16, reason: &str) -> Result<(), Error> {
        let reason = checked_close(code, reason)?;
        self.if_open(|state| state.close(code, reason));
        Ok(())
    }

    /// Takes the bytes that have to go to the peer, in this order, before those of later calls. Empty if there are none.
    #[must_use = "the peer needs these bytes"]
    pub fn bytes_to_send(&mut self) -> Vec<u8> {
        mem::take(&mut self.state.stream.unsent).into()
    }

    fn if_open(&mut self, action: impl FnOnce(&mut ConnectionState<()>)) -> bool {
        let is_open = self.state.is_open();
        if is_open {
            action(&mut self.state);
        }
        is_open
    }
}
