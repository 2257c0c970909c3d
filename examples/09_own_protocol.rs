//! A protocol of your own: a shared whiteboard, with its page. A stroke is 8 bytes: from x, y to x, y.
//!
//! Run:      cargo run --example 09_own_protocol -- 127.0.0.1:9009
//! Look at:  the page in two windows. Draw in one, then reload the other.

use chinwag::http::Response;
use chinwag::{Event, Frames, Message, Server};
use std::{collections::HashMap, collections::VecDeque, env};

const PAGE: &[u8] = include_bytes!("09_own_protocol.html");

/// Bytes of a message: four numbers of 16 bits, the high byte first.
const STROKE: usize = 8;

/// The board is bounded. Above this, the oldest strokes are deleted.
const MAX_STROKES: usize = 10_000;

fn main() -> Result<(), chinwag::Error> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9009".into());
    let server = Server::builder()
        .site(move |request| (request.uri().path() == "/").then(|| Response::html(200, PAGE)))
        .listen(addr)?
        .start()?;
    println!("whiteboard at http://{}/", server.local_addrs()[0]);
    let mut peers = HashMap::new();
    let mut board: VecDeque<u8> = VecDeque::new();
    for event in server.events() {
        match event {
            Event::Connected(peer, _) => {
                // All strokes so far, in one message.
                peer.send(board.make_contiguous().to_vec());
                peers.insert(peer.id(), peer);
            }
            Event::Message(_sender, Message::Binary(stroke)) if stroke.len() == STROKE => {
                board.extend(&stroke[..]);
                let surplus = board.len().saturating_sub(MAX_STROKES * STROKE);
                board.drain(..surplus);
                let mut frames = Frames::new();
                frames.binary(&stroke);
                peers.values().for_each(|peer| _ = peer.send_frames(&frames));
            }
            // Check all input. 1003 and 1007 reject data (RFC 6455 7.4.1).
            Event::Message(peer, Message::Binary(_)) => _ = peer.close(1007, "a stroke has 8 bytes"),
            Event::Message(peer, Message::Text(_)) => _ = peer.close(1003, "strokes are binary"),
            Event::Disconnected(peer, _) => _ = peers.remove(&peer.id()),
            _ => {}
        }
    }
    Ok(())
}
