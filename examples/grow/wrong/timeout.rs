//! Wrong: one thread reads with a timeout, and sends between two reads. Each message waits until the read has timed out.
//!
//! Run:      cargo run --example grow_wrong_timeout
//! Look at:  the time that a message takes. With a shorter TIMEOUT, an idle server is busy.
//! Right:    examples/12_duplex.rs

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{error::Error, net::TcpListener, net::TcpStream, thread};
use tungstenite::{Message, WebSocket};

const TIMEOUT: Duration = Duration::from_millis(100);
const MESSAGES: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let (queue, messages) = channel();
    thread::spawn(move || _ = serve(&listener, &messages));
    let (mut client, _) = tungstenite::client(format!("ws://{addr}/"), TcpStream::connect(addr)?)?;
    // Another thread of the server has a message for this client, and a next one when that has arrived.
    let begin = Instant::now();
    for number in 0..MESSAGES {
        queue.send(Message::text(format!("message {number}")))?;
        client.read()?;
    }
    let latency = begin.elapsed() / MESSAGES;
    println!("a message takes {} ms, because a read takes {} ms", latency.as_millis(), TIMEOUT.as_millis());
    Ok(())
}

fn serve(listener: &TcpListener, messages: &Receiver<Message>) -> Result<(), Box<dyn Error>> {
    let mut socket = tungstenite::accept(listener.accept()?.0)?;
    socket.get_ref().set_read_timeout(Some(TIMEOUT))?;
    loop {
        read(&mut socket)?;
        if let Ok(message) = messages.try_recv() {
            socket.send(message)?;
        }
    }
}

/// Here is the mistake: a thread cannot wait for a socket and for a queue at the same time.
fn read(socket: &mut WebSocket<TcpStream>) -> Result<(), tungstenite::Error> {
    match socket.read() {
        Ok(message) => println!("received {message}"),
        Err(tungstenite::Error::Io(_)) => {} // nothing came
        Err(error) => return Err(error),
    }
    Ok(())
}
