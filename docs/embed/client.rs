//! A client that comes back, with a header field of its own. It prints what it receives.
//!
//! Run:      cargo run --example embed_client -- ws://127.0.0.1:9005/

use chinwag::{Message, client};
use std::env;

fn main() -> Result<(), client::Error> {
    let url = env::args().nth(1).unwrap_or("ws://127.0.0.1:9005/".into());
    let client = client::WebSocket::builder(&url).header("Authorization", "Bearer swordfish");
    for connection in client.reconnecting()? {
        match connection {
            Ok(ws) => {
                ws.send("hello");
                for message in &ws {
                    if let Message::Text(text) = message {
                        println!("{text}");
                    }
                }
                ws.reason().iter().for_each(|reason| println!("disconnected: {reason}"));
            }
            Err(error) => {
                println!("{error}");
                if matches!(error, client::Error::Refused { status: 401, .. }) {
                    break; // the token is wrong, also the next time
                }
            }
        }
    }
    Ok(())
}
