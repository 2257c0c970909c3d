//! A game loop: 60 times a second it takes the moves that have arrived, and sends everybody the positions. It never waits for
//! a player.
//!
//! Run:      cargo run --example embed_game -- 127.0.0.1:9006

use chinwag::crossbeam_channel::TryRecvError;
use chinwag::{Event, Message, Server};
use std::{collections::HashMap, env, thread, time::Duration, time::Instant};

const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9006".into());
    let server = Server::builder().listen(addr)?.start()?;
    println!("game at ws://{}/", server.local_addrs()[0]);
    let mut positions = HashMap::new();
    let mut next_frame = Instant::now();
    loop {
        loop {
            match server.events().try_recv() {
                Ok(Event::Connected(peer, _)) => _ = positions.insert(peer.id(), 0),
                Ok(Event::Message(peer, Message::Text(key))) => {
                    let step = if key.as_str() == "right" { 1 } else { -1 };
                    positions.entry(peer.id()).and_modify(|position| *position += step);
                }
                Ok(Event::Disconnected(peer, _)) => _ = positions.remove(&peer.id()),
                Ok(_) => {}
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()), // after a shutdown
            }
        }
        server.broadcast(format!("{:?}", positions.values().collect::<Vec<_>>()));
        next_frame += FRAME;
        thread::sleep(next_frame.saturating_duration_since(Instant::now()));
    }
}
