//! Two subprotocols at one URL: the client offers a list, and the server picks the first one that it knows.
//!
//! Run:      cargo run --example 06_subprotocols -- 127.0.0.1:9006
//! Look at:  ws.protocol. Open http://127.0.0.1:9006/ and enter in its console (F12):
//!           ws = new WebSocket('ws://127.0.0.1:9006', ['morse', 'upper', 'reverse'])

use chinwag::{Event, Message, Server};
use std::env;

/// The name of a subprotocol tells both sides how to read the messages.
const PROTOCOLS: [&str; 2] = ["upper", "reverse"];

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9006".into());
    let server = Server::builder().protocols(PROTOCOLS).listen(addr)?.start()?;
    println!("{} at ws://{}/", PROTOCOLS.join(" and "), server.local_addrs()[0]);
    for event in server.events() {
        match event {
            // A handshake without a common subprotocol succeeds as well (RFC 6455 4.2.2). Codes from 4000 on are for
            // applications.
            Event::Connected(peer, _) if peer.protocol().is_none() => _ = peer.close(4000, "ask for upper or reverse"),
            Event::Message(peer, Message::Text(text)) => match peer.protocol() {
                Some("upper") => drop(peer.send(text.to_uppercase())),
                _ => drop(peer.send(text.chars().rev().collect::<String>())),
            },
            Event::Message(peer, Message::Binary(_)) => _ = peer.close(1003, "text only"),
            _ => {}
        }
    }
    Ok(())
}
