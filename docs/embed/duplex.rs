//! An accept loop with tungstenite's handshake, turned full duplex: over TCP, or over a Unix socket (not on Windows).
//!
//! Run:      cargo run --example embed_duplex -- 127.0.0.1:9003
//!           cargo run --example embed_duplex -- /tmp/duplex.sock

use chinwag::duplex::{Duplex, Socket};
use chinwag::tungstenite;
use std::{env, io, net::TcpListener, thread, time::Duration};

fn main() -> io::Result<()> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9003".into());
    #[cfg(unix)]
    if addr.contains('/') {
        let listener = std::os::unix::net::UnixListener::bind(&addr)?;
        println!("duplex at {addr}");
        listener.incoming().for_each(start); // which does not end
    }
    let listener = TcpListener::bind(addr)?;
    println!("duplex at ws://{}/", listener.local_addr()?);
    listener.incoming().for_each(start);
    Ok(())
}

fn start(stream: io::Result<impl Socket + Send + 'static>) {
    thread::spawn(|| stream.and_then(serve).unwrap_or_else(|error| println!("{error}")));
}

/// Echoes what the client sends, and ticks meanwhile.
fn serve(stream: impl Socket) -> io::Result<()> {
    let socket = tungstenite::accept(stream).map_err(|error| io::Error::other(error.to_string()))?;
    let (peer, reader) = Duplex::server(socket).split()?;
    let ticker = peer.clone();
    thread::spawn(move || {
        while ticker.send("tick") {
            thread::sleep(Duration::from_secs(1));
        }
    });
    for message in reader {
        peer.send(message);
    }
    Ok(())
}
