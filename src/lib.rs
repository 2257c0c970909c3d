//! chinwag: a synchronous WebSocket server that reads and writes at once, and a chat on top of it.
//!
//! No async runtime: a thread per socket reads, one channel brings everything together, and sending never blocks.
//!
//! An echo server:
//!
//! ```no_run
//! use chinwag::{Event, Server};
//!
//! fn main() -> Result<(), chinwag::Error> {
//!     let server = Server::bind("127.0.0.1:9000")?;
//!     for event in server.events() {
//!         if let Event::Message(peer, message) = event {
//!             peer.send(message);
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Map
//! Two rooms; the second one uses the first.
//!
//! | room | what is there |
//! |---|---|
//! | `ws` | A WebSocket for threads: [`Server`] and [`Event`], [`Peer`], [`client::WebSocket`], [`duplex::Duplex`], and the parts that they share: [`access`], [`config`], [`error`], [`handshake`], [`http`]. |
//! | [`chat`] | The chat: its [protocol](chat::protocol), its [rules](chat::rules), the [server](chat::server), a [client](chat::client) that reconnects, and the [page](chat::page). |
//!
//! Where to begin: [`Server`] and [`Event`] for a server of your own; [`chat::server::ChatServer`] for the chat in your own
//! program; [`chat::rules::Chat`] for its rules without a network; [`client::WebSocket`] for a client; [`duplex::Duplex`] for
//! reading and writing at the same time on a `tungstenite::WebSocket` that you already have.
//!
//! # Features
//! `precis`, on by default: names are compared as RFC 8266 says, for 20 KiB, tables of Unicode. Without it, case and white
//! space do not count, and that is all.
//!
//! `history`, off by default: messages are kept in an SQLite file (`chinwag::chat::history`), for 1.8 MiB of binary.
//!
//! `tls`: `https://` and `wss://`, with rustls and ring: `tls::Acceptor` and `Builder::listen_tls`; `tls::Connector` for clients.
//!
//! `terminal`: the program's `chinwag chat`. The library is the same with it.

pub mod chat;
mod ws;

#[cfg(feature = "tls")]
pub use ws::tls;
pub use ws::{Bytes, DisconnectReason, Frames, Message, Utf8Bytes};
pub use ws::{access, client, config, duplex, error, handshake, http, peer, server};
pub use ws::{
    access::Access,
    config::Config,
    error::Error,
    peer::{Peer, PeerId},
    server::{Builder, CloseGuard, Event, Server, Shutdown},
};
