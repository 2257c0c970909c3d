//! Broadcast: each message goes to all clients. A handle to a peer can be kept and used at any time.
//!
//! Run:      cargo run --example 03_broadcast -- 127.0.0.1:9003
//! Look at:  http://127.0.0.1:9003/ twice, both consoles (F12) with  ws = new WebSocket('ws://127.0.0.1:9003');
//!           ws.onmessage = (event) => console.log(event.data)  and then  ws.send('hi')  in one.

use chinwag::{Event, Frames, Peer, Server};
use std::{collections::HashMap, env};

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9003".into());
    let server = Server::bind(addr)?;
    println!("broadcast at ws://{}/", server.local_addrs()[0]);
    let mut peers = HashMap::new();
    for event in server.events() {
        match event {
            Event::Connected(peer, _) => _ = peers.insert(peer.id(), peer),
            Event::Message(peer, message) => {
                let mut frames = Frames::new();
                frames.text(&format!("from {}:", peer.id()));
                frames.message(&message);
                send_all(&peers, &frames);
            }
            Event::Disconnected(peer, reason) => {
                peers.remove(&peer.id());
                let mut frames = Frames::new();
                frames.text(&format!("{} left: {reason}", peer.id()));
                send_all(&peers, &frames);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Encoded once, sent to all: a server's frames are not masked, so all clients receive the same bytes. A send never
/// waits for the network, so a slow client delays only itself.
fn send_all(peers: &HashMap<u64, Peer>, frames: &Frames) {
    for peer in peers.values() {
        peer.send_frames(frames);
    }
}
