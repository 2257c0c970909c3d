//! Broadcast: what one client sends, everybody gets. A handle to a peer can be kept, and used at any time.
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
            Event::Connected(peer, _) => drop(peers.insert(peer.id(), peer)),
            // Here `peer` stands for the message: it is dropped when everybody has been told.
            Event::Message(peer, message) => {
                let mut frames = Frames::new();
                frames.text(&format!("{} says:", peer.id()));
                frames.message(&message);
                tell(&peers, &frames);
            }
            Event::Disconnected(peer, reason) => {
                peers.remove(&peer.id());
                let mut frames = Frames::new();
                frames.text(&format!("{} is gone: {reason}", peer.id()));
                tell(&peers, &frames);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Encoded once, sent to all: a server's frames are not masked, so everybody gets the same bytes. No send waits for
/// the network: whoever does not read lags behind alone.
fn tell(peers: &HashMap<u64, Peer>, frames: &Frames) {
    for peer in peers.values() {
        peer.send_frames(frames);
    }
}
