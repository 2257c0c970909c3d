//! A client that comes back, with a header field of its own. It prints what it receives. Ctrl-C ends it, also in a pause.
//!
//! Needs:    cargo add ctrlc --features termination, in a program of your own
//! Run:      cargo run --example embed_client -- ws://127.0.0.1:9005/

use chinwag::{Message, Peer, client};
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::{env, thread};

/// What ends the loop from another thread.
#[derive(Default)]
struct Stop {
    is_set: bool,
    writer: Option<Peer>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = env::args().nth(1).unwrap_or("ws://127.0.0.1:9005/".into());
    let stop = Arc::new(Mutex::new(Stop::default()));
    let (ctrl_c, loop_thread) = (Arc::clone(&stop), thread::current());
    ctrlc::set_handler(move || {
        let mut stop = ctrl_c.lock().expect("no panic");
        stop.is_set = true;
        stop.writer.iter().for_each(|writer| _ = writer.close(1000, ""));
        loop_thread.unpark(); // ends a pause
    })?;
    let client = client::WebSocket::builder(&url).header("Authorization", "Bearer swordfish");
    let is_stopped = || stop.lock().expect("no panic").is_set;
    for connection in client.reconnecting()? {
        match connection {
            Ok(ws) => {
                stop.lock().expect("no panic").writer = Some(ws.writer());
                if is_stopped() {
                    break; // Ctrl-C came before there was a writer to close
                }
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
        if is_stopped() {
            break;
        }
    }
    Ok(())
}
