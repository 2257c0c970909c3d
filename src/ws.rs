//! A blocking WebSocket library: a server and a client that read and write at the same time.

pub mod access;
pub mod client;
pub mod config;
mod connection;
mod deflate;
pub mod duplex;
pub mod error;
pub mod handshake;
mod handshake_stream;
pub mod http;
pub(crate) mod id_map;
pub(crate) mod network;
pub mod peer;
pub(crate) mod queue;
pub(crate) mod rate_limiter;
#[cfg(any(feature = "chat", feature = "tls"))]
pub(crate) mod replace_file;
pub mod sans_io;
pub mod server;
pub(crate) mod session;
pub(crate) mod spawn;
mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
pub(crate) mod websocket;

pub use connection::{Bytes, DisconnectReason, Frames, Message, Utf8Bytes};
#[cfg(feature = "deflate")]
pub use deflate::Deflate;
pub use network::Network;
pub use websocket::WebSocket;
