//! Step 3 of 9, one frame: after the handshake, messages travel in frames. A server's frame has a header of two bytes.
//!
//! Without:  step 2 sends the client's frame back, with its mask. A server's frames must have none: Chromium closes.
//!           (Firefox is lenient.)
//! See it:   ws = new WebSocket('ws://127.0.0.1:9100'); ws.onopen = () => ws.send('');
//!           ws.onmessage = ws.onclose = (e) => console.log(e.type);
//! Run:      cargo run --example grow_3_frame -- 127.0.0.1:9100

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
    let (mut input, output) = (BufReader::new(stream), stream);
    handshake(&mut input, output)?;
    loop {
        let payload = read_frame(&mut input)?;
        send_frame(output, &payload)?;
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

/// Reads a frame, and returns its payload.
fn read_frame(input: &mut impl Read) -> Result<Vec<u8>> {
    let [_first, second] = read(input)?;
    let length = match second & 0b0111_1111 {
        length @ ..126 => usize::from(length),
        _ => return Err(Error::other("a frame of more than 125 bytes")),
    };
    let _key: [u8; 4] = read(input)?;
    let mut payload = vec![0; length];
    input.read_exact(&mut payload)?;
    Ok(payload)
}

fn read<const COUNT: usize>(input: &mut impl Read) -> Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Sends a text frame, without a mask: FIN and the opcode 1, the length, the payload.
fn send_frame(mut output: &TcpStream, payload: &[u8]) -> Result<()> {
    let mut frame = vec![0b1000_0001];
    frame.push(payload.len() as u8);
    frame.extend(payload);
    output.write_all(&frame)
}
