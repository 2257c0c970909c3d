//! chinwag: a synchronous WebSocket chat server, and the small library it stands on.

// Floor 0: what things are called and how big they may be.
pub mod access;
pub mod config;
pub mod error;
pub mod http;
pub mod protocol;
// Floor 1: the rules, the handshake, the socket.
pub mod chat;
pub mod connection;
pub mod handshake;
pub mod pages;
// Floor 2: the generic server, usable without chat.
pub mod peer;
pub mod server;
// Floor 3: the chat on top of it.
pub mod chat_server;
