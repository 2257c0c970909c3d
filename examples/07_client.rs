//! A client: lines that you type go out, what comes in is printed. One thread writes while another waits in reading.
//!
//! Run:      cargo run --example 07_client -- ws://127.0.0.1:6502/        (with a chinwag running there)
//! Look at:  `socket.clone()`: no lock and no timeout, the two threads share one connection. And the order of the events.

use chinwag::{
    Message,
    client::{Error, Event, WebSocket},
};
use std::{env, io, thread};

fn main() -> Result<(), Error> {
    let url = env::args().nth(1).unwrap_or("ws://127.0.0.1:6502/".into());
    let socket = WebSocket::connect(&url, &["text"])?;
    for event in socket.events() {
        match event {
            Event::Open => {
                println!("open, {:?}", socket.protocol());
                let socket = socket.clone();
                thread::spawn(move || write(&socket));
            }
            Event::Message(Message::Text(text)) => println!("{text}"),
            Event::Message(Message::Binary(bytes)) => println!("{} bytes", bytes.len()),
            Event::Error(error) => return Err(error),
            Event::Close { code, reason, was_clean } => println!("closed, {code} {reason:?}, clean: {was_clean}"),
            _ => {}
        }
    }
    Ok(())
}

/// The other thread. Its end is the end of what you type: then it closes, and `main` hears of that.
fn write(socket: &WebSocket) {
    for line in io::stdin().lines().map_while(Result::ok) {
        if !socket.send(line) {
            return;
        }
    }
    let _ = socket.close(1000, "that was all");
}
