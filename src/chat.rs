//! The chat: its protocol and rules, which do no I/O, and the server, client, history and page around them.

pub mod client;
#[cfg(feature = "cluster")]
pub mod cluster;
#[cfg(feature = "history")]
pub mod history;
pub mod page;
pub mod protocol;
pub mod rules;
pub mod server;

pub use {
    client::ChatClient,
    protocol::Dialect,
    rules::{Chat, Rules},
    server::ChatServer,
};
