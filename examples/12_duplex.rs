//! Duplex: tungstenite does the handshake, then one thread reads while another one writes.
//!
//! Run:      cargo run --example 12_duplex -- 127.0.0.1:9012
//! Look at:  `split()`. No lock and no read timeout: the ticks arrive while the reader waits.

use chinwag::{duplex::Duplex, tungstenite};
use std::net::{TcpListener, TcpStream};
use std::{env, error::Error, io, thread, time::Duration};

fn main() -> io::Result<()> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9012".into());
    let listener = TcpListener::bind(addr)?;
    println!("duplex at ws://{}/", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept()?;
        thread::spawn(move || serve(stream).unwrap_or_else(|error| println!("{peer} failed: {error}")));
    }
}

/// Echoes what the client sends. A second thread sends a tick each second.
fn serve(stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let socket = tungstenite::accept(stream)?;
    let (writer, reader) = Duplex::server(socket).split()?;
    let ticker = writer.clone();
    thread::spawn(move || {
        while ticker.send("tick") {
            thread::sleep(Duration::from_secs(1));
        }
    });
    for message in reader {
        writer.send(message);
    }
    Ok(())
}
