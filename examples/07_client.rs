//! A client: sends the lines that you type and prints what it receives. One thread writes while another one reads.
//!
//! Run:      cargo run --example 07_client -- ws://127.0.0.1:6502/        (with a chinwag running there)
//! Look at:  `socket.clone()`. Two threads share one connection, without a lock or a timeout.

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

/// Runs on the second thread. At the end of the input it closes, and `main` receives `Event::Close`.
fn write(socket: &WebSocket) {
    for line in io::stdin().lines().map_while(Result::ok) {
        if !socket.send(line) {
            return;
        }
    }
    let _ = socket.close(1000, "end of input");
}
