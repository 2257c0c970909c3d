//! Step 5 of 9, fragments: a message may be longer than 125 bytes, and may come in several frames.
//!
//! Without:  step 4 gives up at 126 bytes. It sends each fragment back as a message of its own.
//! See it:   ws = new WebSocket('ws://127.0.0.1:9100'); ws.onopen = () => ws.send('x'.repeat(126));
//!           ws.onmessage = ws.onclose = (e) => console.log(e.type);
//!           python3 -c "from websockets.sync.client import connect
//!           with connect('ws://127.0.0.1:9100', close_timeout=1) as ws:
//!               ws.send(['in ', 'three ', 'frames']); print(ws.recv())"
//! Run:      cargo run --example grow_5_fragments -- 127.0.0.1:9100

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

/// A longer message is refused. Without such a limit, one client could take all the memory.
const MAX_MESSAGE: usize = 65_535;

struct Frame {
    is_last: bool,
    payload: Vec<u8>,
}

/// Serves one client to its end. The next client waits.
fn serve(stream: &TcpStream) -> Result<()> {
    let (mut input, output) = (BufReader::new(stream), stream);
    handshake(&mut input, output)?;
    let mut message = Vec::new();
    loop {
        let frame = read_frame(&mut input)?;
        message.extend(frame.payload);
        if message.len() > MAX_MESSAGE {
            return Err(Error::other("a message of more than 65535 bytes"));
        }
        if frame.is_last {
            send_frame(output, &message)?;
            message.clear();
        }
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

/// Reads a frame, and takes the mask off.
fn read_frame(input: &mut impl Read) -> Result<Frame> {
    let [first, second] = read(input)?;
    if second & 0b1000_0000 == 0 {
        return Err(Error::other("a frame without a mask"));
    }
    let length = match second & 0b0111_1111 {
        length @ ..126 => usize::from(length),
        126 => usize::from(u16::from_be_bytes(read(input)?)),
        _ => return Err(Error::other("a frame of more than 65535 bytes")),
    };
    let key: [u8; 4] = read(input)?;
    let mut payload = vec![0; length];
    input.read_exact(&mut payload)?;
    for (index, byte) in payload.iter_mut().enumerate() {
        *byte ^= key[index % 4];
    }
    Ok(Frame { is_last: first & 0b1000_0000 != 0, payload })
}

fn read<const COUNT: usize>(input: &mut impl Read) -> Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Sends a text frame, without a mask: FIN and the opcode 1, the length, the payload.
fn send_frame(mut output: &TcpStream, payload: &[u8]) -> Result<()> {
    let mut frame = vec![0b1000_0001];
    match payload.len() {
        length @ ..126 => frame.push(length as u8),
        length @ ..65_536 => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    output.write_all(&frame)
}
