//! Echo: the server sends each message, text or binary, back to its sender.
//!
//! Run:      cargo run --example 02_echo -- 127.0.0.1:9002
//! Look at:  the loop in `main`. It receives all messages of all clients.

use chinwag::{Config, Event, Server};
use std::{env, error::Error};

fn main() -> Result<(), Box<dyn Error>> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9002".into());
    // The defaults suit chats on small devices. This echo accepts large messages.
    let mut config = Config::default();
    config.max_message_size = 32 * 1024 * 1024;
    config.max_send_buffer = 64 * 1024 * 1024;
    let builder = Server::builder().config(config);
    // With `--features deflate`, messages are compressed for clients that offer it.
    #[cfg(feature = "deflate")]
    let builder = builder.deflate(chinwag::Deflate::default());
    let server = builder.listen(addr)?.start()?;
    println!("echo at ws://{}/", server.local_addrs()[0]);
    for event in server.events() {
        if let Event::Message(peer, message) = event {
            peer.send(message);
        }
    }
    Ok(())
}
