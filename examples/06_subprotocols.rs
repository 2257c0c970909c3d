//! Two subprotocols under one URI: the client names those it speaks, the server takes the first one that it knows.
//!
//! Run:      cargo run --example 06_subprotocols -- 127.0.0.1:9006
//! Look at:  ws.protocol, with http://127.0.0.1:9006/ open, and in its console (F12):
//!           ws = new WebSocket('ws://127.0.0.1:9006', ['morse', 'upper', 'reverse'])

use chinwag::{Event, Message, Server};
use std::env;

/// A subprotocol's name is how client and server agree on what their messages mean.
const PROTOCOLS: [&str; 2] = ["upper", "reverse"];

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9006".into());
    let server = Server::builder().protocols(PROTOCOLS).listen(addr)?.start()?;
    println!("{} at ws://{}/", PROTOCOLS.join(" and "), server.local_addrs()[0]);
    for event in server.events() {
        match event {
            // A handshake that agrees on no subprotocol succeeds all the same (RFC 6455 4.2.2). What then? Codes from
            // 4000 on are the application's own.
            Event::Connected(peer, _) if peer.protocol().is_none() => peer.close(4000, "ask for upper or reverse"),
            Event::Message(peer, Message::Text(text)) => match peer.protocol() {
                Some("upper") => drop(peer.send(text.to_uppercase())),
                _ => drop(peer.send(text.chars().rev().collect::<String>())),
            },
            Event::Message(peer, Message::Binary(_)) => peer.close(1003, "text only"),
            _ => {}
        }
    }
    Ok(())
}
