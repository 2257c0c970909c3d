//! A protocol of your own: a whiteboard for everybody. A stroke is 8 bytes: from x, y to x, y; the page comes along.
//!
//! Run:      cargo run --example 09_own_protocol -- 127.0.0.1:9009
//! Look at:  the page, in two windows: draw in one. Then reload the other.

use chinwag::http::Response;
use chinwag::{Event, Frames, Message, Server};
use std::{collections::HashMap, collections::VecDeque, env};

const PAGE: &[u8] = include_bytes!("09_own_protocol.html");

/// What one message says: four numbers, the high byte first.
const STROKE: usize = 8;

/// What a client can make grow has a bound, and a rule for what happens there: the oldest strokes are forgotten.
const MOST: usize = 10_000;

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9009".into());
    let page = || Response::empty(200).with("Content-Type", "text/html; charset=utf-8");
    let server = Server::builder()
        .site(move |request| (request.uri().path() == "/").then(|| Response { body: PAGE.into(), ..page() }))
        .listen(addr)?
        .start()?;
    println!("whiteboard at http://{}/", server.local_addrs()[0]);
    let mut peers = HashMap::new();
    let mut board: VecDeque<u8> = VecDeque::new();
    for event in server.events() {
        match event {
            Event::Connected(peer, _) => {
                // All that was drawn so far, as one message: a newcomer sees what the others see.
                peer.send(board.make_contiguous().to_vec());
                peers.insert(peer.id(), peer);
            }
            Event::Message(_sender, Message::Binary(stroke)) if stroke.len() == STROKE => {
                board.extend(&stroke[..]);
                let forgotten = board.len().saturating_sub(MOST * STROKE);
                board.drain(..forgotten);
                let mut frames = Frames::new();
                frames.binary(&stroke);
                peers.values().for_each(|peer| _ = peer.send_frames(&frames));
            }
            // Never trust what comes: 1003 and 1007 say "I cannot accept this kind of data" (RFC 6455 7.4.1).
            Event::Message(peer, Message::Binary(_)) => peer.close(1007, "a stroke has 8 bytes"),
            Event::Message(peer, Message::Text(_)) => peer.close(1003, "strokes are binary"),
            Event::Disconnected(peer, _) => drop(peers.remove(&peer.id())),
            _ => {}
        }
    }
    Ok(())
}
