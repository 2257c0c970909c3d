//! Step 1 of 9, a TCP echo: the server sends back each byte that it receives.
//!
//! Run:      cargo run --example grow_1_tcp_echo -- 127.0.0.1:9100
//! See it:   nc 127.0.0.1 9100    (type a line, and end it with Ctrl-C)

use std::env;
use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> Result<()> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9100".into());
    let listener = TcpListener::bind(addr)?;
    println!("listening at ws://{}/", listener.local_addr()?);
    for stream in listener.incoming() {
        if let Err(error) = serve(&stream?) {
            println!("closed: {error}");
        }
    }
    Ok(())
}

/// Serves one client to its end. The next client waits.
fn serve(stream: &TcpStream) -> Result<()> {
    let (mut input, mut output) = (stream, stream);
    let mut bytes = [0; 1024];
    loop {
        let count = input.read(&mut bytes)?;
        if count == 0 {
            return Ok(()); // the client has sent its FIN
        }
        output.write_all(&bytes[..count])?;
    }
}
