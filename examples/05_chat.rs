//! The whole chat, page included, in a program of your own, with rules of your own.
//!
//! Run:      cargo run --example 05_chat -- 127.0.0.1:6505
//! Look at:  the page in two windows. Send a message of more than 140 characters.

use chinwag::{Server, chat::protocol::Dialect, chat::rules::Rules, chat::server::ChatServer};
use std::env;

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:6505".into());
    let mut rules = Rules::default();
    rules.text_chars = 140;
    let server = Server::builder()
        .protocols(ChatServer::protocols()) // accepted values of Sec-WebSocket-Protocol
        .endpoint(ChatServer::is_endpoint) // paths with a WebSocket: / and /room/NAME
        .route(ChatServer::route) // requests of scripts: messages and streams
        .site(ChatServer::site) // responses to all other requests
        .listen(addr)?
        .start()?;
    println!("chat at http://{}/", server.local_addrs()[0]);
    // This thread runs the chat until the server is shut down and all clients have left.
    ChatServer::new(server, rules, Dialect::Json).run();
    Ok(())
}
