//! The handshake and the frames by hand: a bare TcpListener, no WebSocket library.
//!
//! Run:      cargo run --example 01_handshake -- 127.0.0.1:9001
//! Look at:  its output when you open http://127.0.0.1:9001/ and send something from that page.

use data_encoding::BASE64;
use sha1::{Digest, Sha1};
use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

const PAGE: &str = "<!doctype html><link rel=icon href=data:,><button onclick=\"ws.send('Hello')\">send</button>
<script>
  ws = new WebSocket('ws://' + location.host);
  ws.onopen = ws.onmessage = ws.onclose = (event) => document.body.append(event.type, ' ', event.data ?? '', ' ');
</script>";

/// Opcodes.
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

fn main() -> Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).unwrap_or("127.0.0.1:9001".into()))?;
    println!("handshake at http://{}/", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve(&stream).unwrap_or_else(|error| println!("connection failed: {error}")));
    }
    Ok(())
}

/// Serves the page, or sends each frame back up to the Close.
fn serve(mut stream: &TcpStream) -> Result<()> {
    let mut input = BufReader::new(stream);
    let Some(key) = read_key(&mut input)? else {
        return write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n{PAGE}");
    };
    write!(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")?;
    write!(stream, "Sec-WebSocket-Accept: {}\r\n\r\n", accept_for(&key))?;
    loop {
        let (first, payload) = read_frame(&mut input)?;
        match first & 0b1111 {
            CLOSE => return send_frame(stream, first, &payload), // the same code completes the closing handshake
            PING => send_frame(stream, 0b1000_0000 | PONG, &payload)?,
            PONG => {}
            _ => send_frame(stream, first, &payload)?,
        }
    }
}

/// Reads and prints the request. `None`: it is not a handshake.
fn read_key(input: &mut impl BufRead) -> Result<Option<String>> {
    let mut key = None;
    for line in input.take(8192).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        println!("{}", line.escape_debug());
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("Sec-WebSocket-Key") => key = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(key)
}

fn accept_for(key: &str) -> String {
    let joined = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"); // from RFC 6455 1.3
    let hash = Sha1::digest(&joined);
    let accept = BASE64.encode(&hash);
    println!("key     {key}\n+ GUID  {joined}\nSHA-1   {:02x?}\nbase64  {accept}", &hash[..]);
    accept
}

/// Reads a frame of a client. Returns its first byte, and the payload without the mask.
fn read_frame(input: &mut impl Read) -> Result<(u8, Vec<u8>)> {
    let mut header = [0; 6];
    input.read_exact(&mut header)?;
    let [first, second, key @ ..] = header;
    let (is_masked, length) = (second >> 7 == 1, second & 0b111_1111);
    println!("{first:08b}  FIN {}, RSV {:03b}, opcode {}", first >> 7, first >> 4 & 0b111, first & 0b1111);
    println!("{second:08b}  MASK {}, length {length}", second >> 7);
    if !is_masked || length > 125 {
        return Err(Error::other("not masked, or longer than 125 bytes"));
    }
    let mut payload = vec![0; length.into()];
    input.read_exact(&mut payload)?;
    println!("key     {key:02x?}\nmasked  {payload:02x?}");
    for (index, byte) in payload.iter_mut().enumerate() {
        *byte ^= key[index % 4];
    }
    println!("payload {payload:02x?} {:?}", String::from_utf8_lossy(&payload));
    Ok((first, payload))
}

/// Sends a frame of a server: it is not masked.
fn send_frame(mut stream: &TcpStream, first: u8, payload: &[u8]) -> Result<()> {
    stream.write_all(&[&[first, payload.len() as u8], payload].concat())
}
