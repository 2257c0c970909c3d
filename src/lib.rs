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
//!     println!("ws://{}/", server.local_addrs()[0]);
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
//! Two layers; the second one uses the first.
//!
//! | layer | what is there |
//! |---|---|
//! | `ws` | A blocking WebSocket library: [`Server`] and [`Event`], [`Peer`], [`client::WebSocket`], [`duplex::Duplex`], [`sans_io::Protocol`], and the parts that they share: [`access`], [`config`], [`error`], [`handshake`], [`http`]. |
//! | [`chat`](chat/index.html) | The chat: its `protocol`, its `rules`, the `server`, a `client` that reconnects, and the `page`. |
//!
//! Where to begin:
//!
//! | you want | begin with |
//! |---|---|
//! | a server with one loop over events | [`Server`] and [`Event`] |
//! | a server with a function for each connection | [`Builder::serve`], [`WebSocket`] |
//! | to read and write at once on a `tungstenite::WebSocket` of a server | [`duplex::Duplex`] |
//! | a client that waits for each message, or one with events | [`client::Builder::open`], [`client::WebSocket`] |
//! | a WebSocket over another transport, or without any | [`sans_io::Protocol`] |
//! | the chat in your own program | [`chat::server::ChatServer`](chat/server/struct.ChatServer.html) |
//! | the rules of the chat, without a network | [`chat::rules::Chat`](chat/rules/struct.Chat.html) |
//!
//! docs/EMBED.md has nine whole programs, and tables from JavaScript, Python and tungstenite to this library.
//!
//! # From tungstenite
//! tungstenite does the framing here as well, and [`tungstenite`] is the version in use. What changes is who waits:
//!
//! ```
//! use chinwag::{DisconnectReason, Message, Server, client};
//!
//! // In place of an accept loop with `tungstenite::accept` and a thread for each stream.
//! let server = Server::builder().listen("127.0.0.1:0")?.serve(|ws| {
//!     let writer = ws.writer(); // a clone for another thread, which sends while this one waits
//!     std::thread::spawn(move || writer.send("hello from another thread"));
//!     for message in &ws {
//!         ws.send(message); // never blocks; Pings and Close frames are answered
//!     }
//! })?;
//!
//! // In place of `tungstenite::connect`.
//! let ws = client::WebSocket::builder(&format!("ws://{}/", server.local_addrs()[0])).open()?;
//! assert_eq!(ws.recv()?, Message::from("hello from another thread"));
//! ws.close(1000, "bye")?;
//! assert_eq!(ws.recv(), Err(DisconnectReason::ClosedByPeer { code: 1000, reason: "bye".into() }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Public surface
//! Everything that the library exports, without the chat.
//!
//! | for | items |
//! |---|---|
//! | a server | `Server` ([`Server`]), `Builder` ([`Builder`]), `Config` ([`Config`]), `Access` ([`Access`]), `Network` ([`Network`]), `Handle` ([`Handle`]), `Numbers` ([`server::Numbers`]), `Error` ([`Error`]) |
//! | its events | `Event` ([`Event`]), `CloseGuard` ([`CloseGuard`]), `HttpRequest` ([`server::HttpRequest`]), `Responder` ([`server::Responder`]) |
//! | connections | `Peer` ([`Peer`]), `PeerId` ([`PeerId`]), `WebSocket` ([`WebSocket`], which waits for messages), `DisconnectReason` ([`DisconnectReason`]) |
//! | messages | `Message` ([`Message`]), `Frames` ([`Frames`]), [`Bytes`], [`Utf8Bytes`] |
//! | handshakes | `Accept` ([`Accept`]); [`access`]: `Host`, `Ban`; [`handshake`], without sockets: `read_request`, `negotiate`, `Policy`, `Negotiated`, `Upgrade`, `AcceptHook`, `Endpoint`, `Data`, `HeadError`, `server_full` |
//! | HTTP | [`http`]: `Request`, `Response`, `Route`, `Router`, `HttpHandler`, `TokenCheck`, `ShowedAdminToken`, `ClientAddr`, `ClientCertificates`, `HandshakeTranscript`, `cookie`, `bearer`, `query`, `percent_decoded`, `files`, `below`, [`http::Method`] |
//! | clients | [`client`]: `WebSocket` ([`client::WebSocket`], which has events) and `Builder` ([`client::Builder`]), `Event`, `ReadyState`, `Error`, `is_blocked` |
//! | sockets of your own | [`duplex`]: `Duplex` ([`duplex::Duplex`]), `Socket`, `Reader`, [`duplex::Role`] |
//! | transports of your own | [`sans_io`]: `Protocol` ([`sans_io::Protocol`]) |
//! | TLS (feature `tls`) | `tls`: `Acceptor`, `Connector`, `self_signed`, `addresses_of_this_machine`, and the crate `rustls` |
//! | crates in these signatures | [`crossbeam_channel`], [`tungstenite`] |
//!
//! # Features
//! | feature | default | what it adds |
//! |---|---|---|
//! | `chat` | on | The module [`chat`](chat/index.html). Without it, the crate is a WebSocket library with 34 crates in all. |
//! | `cli` | on | The program `chinwag`: flags, logging, signals. |
//! | `precis` | on | Names are compared as RFC 8266 requires, with 122 KiB of Unicode tables. Without it, only case and white space are ignored. |
//! | `deflate` | off | Messages are compressed (`permessage-deflate`): `Deflate`, `Builder::deflate`, and the same for clients. |
//! | `cluster` | off | Several nodes are one chat, on Redis Streams: docs/CLUSTER.md. |
//! | `tls` | off | `https://` and `wss://` with rustls and ring: `tls::Acceptor`, `Builder::listen_tls`, and `tls::Connector` for clients. |
//! | `history` | off | Messages are stored in an SQLite file (`chinwag::chat::history`), which adds 1.6 MiB of SQLite. |
//! | `terminal` | off | The program's `chinwag chat`, a client for terminals and pipes. |
//! | `check` | off | The program's `chinwag check`: whether a server keeps the rules of RFC 6455. |
//! | `learn` | off | The chat's site has the course on WebSocket, docs/course, at `/learn`. |

#![warn(clippy::print_stdout, clippy::print_stderr)]

#[cfg(all(windows, feature = "history"))]
compile_error!("the feature `history` needs Unix: it locks files and checks their owners");

#[cfg(feature = "chat")]
pub mod chat;
mod ws;

pub use crossbeam_channel;
pub use tungstenite;
#[cfg(feature = "deflate")]
pub use ws::Deflate;
pub use ws::peer::{Peer, PeerId};
pub use ws::server::{Builder, CloseGuard, Event, Handle, HttpRequest, Responder, Server};
#[cfg(feature = "tls")]
pub use ws::tls;
pub use ws::{Bytes, DisconnectReason, Frames, Message, Network, Utf8Bytes, WebSocket};
pub use ws::{access, client, config, duplex, error, handshake, http, peer, sans_io, server};
pub use ws::{access::Access, config::Config, error::Error, handshake::Accept};
