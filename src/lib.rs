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
//! From the ground up; each floor uses those below it only.
//!
//! | floor | modules | what is there |
//! |---|---|---|
//! | 0 | [`error`], [`config`], `gzip`, [`http`], [`access`], [`protocol`], `spawn`, `tcp` | types: what can go wrong, bounds, answers, who may come in, what clients and server say; gzip unpacked; starting a thread; calls on sockets |
//! | 1 | [`chat`], [`handshake`], [`pages`], `connection`, `line`, `tls`, `history` | the rules of the chat; request or upgrade; the page; the full-duplex socket; a socket until then; TLS; messages kept in a file |
//! | 2 | [`peer`], [`server`], [`client`], [`duplex`] | the generic server: [`Server`], [`Event`], [`Peer`]; a WebSocket as browsers have it; any socket split in two |
//! | 3 | [`chat_server`], [`chat_client`] | the chat on that server; a user of it who comes back |
//!
//! Where to begin: [`Server`] and [`Event`] for a server of your own; [`chat_server::ChatServer`] for the chat in your own
//! program; [`chat::Chat`] for its rules without any network; [`client::WebSocket`] for a client; [`duplex::Duplex`] for
//! reading and writing at once on a `tungstenite::WebSocket` that you have already.
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
pub use ws::{Bytes, Frames, Message, Reason, Utf8Bytes};
pub use ws::{access, client, config, duplex, error, handshake, http, peer, server};
pub use ws::{
    access::Access,
    config::Config,
    error::Error,
    peer::{Peer, PeerId},
    server::{Builder, Event, Server, Shutdown},
};
