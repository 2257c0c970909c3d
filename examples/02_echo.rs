//! Echo: what a client sends, text or bytes, it gets back. The generic server, without any chat.
//!
//! Run:      cargo run --example 02_echo -- 127.0.0.1:9001
//! Look at:  the loop in `main`: every message of every client passes through it.

use chinwag::{Config, Event, Server};
use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9001".into());
    // Room for large messages, there and back: the defaults are made for chats on small devices.
    let mut config = Config::default();
    config.max_message_size = 32 * 1024 * 1024;
    config.max_send_buffer = 64 * 1024 * 1024;
    let server = Server::builder().config(config).listen(addr)?.start()?;
    println!("echo at ws://{}/", server.local_addrs()[0]);
    for event in server.events() {
        if let Event::Message(peer, message) = event {
            peer.send(message);
        }
    }
    Ok(())
}
