//! Step 2 of 9, the handshake: a browser's request gets the response 101, and its key comes back hashed.
//!
//! Without:  step 1 sends the browser's own request back. That is not a response: the browser reports `error`.
//! See it:   ws = new WebSocket('ws://127.0.0.1:9100'); ws.onopen = ws.onerror = (e) => console.log(e.type);
//!           (type it into the console, F12, of about:blank)
//! Run:      cargo run --example grow_2_handshake -- 127.0.0.1:9100

use data_encoding::BASE64;
use sha1::{Digest, Sha1};
use std::env;
use std::io::{BufRead, BufReader, Error, Read, Result, Write};
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
    let (mut input, mut output) = (BufReader::new(stream), stream);
    handshake(&mut input, output)?;
    let mut bytes = [0; 1024];
    loop {
        let count = input.read(&mut bytes)?;
        if count == 0 {
            return Ok(()); // the client has sent its FIN
        }
        output.write_all(&bytes[..count])?;
    }
}

/// Reads the request, and sends the response. After it, no byte is HTTP.
fn handshake(input: &mut impl BufRead, mut output: &TcpStream) -> Result<()> {
    let key = read_key(input)?;
    let accept = BASE64.encode(&Sha1::digest(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")); // RFC 6455 1.3
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    output.write_all(format!("{head}Sec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes())
}

/// Reads up to the empty line that ends the request.
fn read_key(input: &mut impl BufRead) -> Result<String> {
    let mut key = None;
    for line in input.take(8192).lines() {
        let line = line?;
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("Sec-WebSocket-Key") => key = Some(value.to_owned()),
            None if line.is_empty() => break,
            _ => {}
        }
    }
    key.ok_or(Error::other("no Sec-WebSocket-Key in the request"))
}
