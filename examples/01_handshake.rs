//! The handshake and the frames by hand: a bare TcpListener, no WebSocket library.
//!
//! Run:      cargo run --example 01_handshake -- 127.0.0.1:9001
//! Look at:  its output after  new WebSocket('ws://127.0.0.1:9001')  in the console (F12) of the chat's page.

use data_encoding::BASE64;
use sha1::{Digest, Sha1};
use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> Result<()> {
    let listener = TcpListener::bind(std::env::args().nth(1).unwrap_or("127.0.0.1:9001".into()))?;
    println!("handshake at ws://{}/", listener.local_addr()?);
    loop {
        serve(listener.accept()?.0).unwrap_or_else(|error| println!("connection failed: {error}"));
    }
}

fn serve(mut stream: TcpStream) -> Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    let accept = accept_for(&read_key(&mut input)?);
    write!(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")?;
    write!(stream, "Sec-WebSocket-Accept: {accept}\r\n\r\n")?;
    let mut frame = vec![0];
    while frame[0] & 0b1111 != 8 {
        frame = read_frame(&mut input)?;
        stream.write_all(&frame)?; // the echo of a Close frame (opcode 8) completes the closing handshake
    }
    Ok(())
}

fn read_key(input: impl BufRead) -> Result<String> {
    let head: Vec<_> = input.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    head.iter().for_each(|line| println!("{}", line.escape_debug()));
    let mut fields = head.iter().filter_map(|line| line.split_once(": "));
    let key = fields.find(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Key"));
    key.map(|(_, key)| key.into()).ok_or(Error::other("no Sec-WebSocket-Key"))
}

fn accept_for(key: &str) -> String {
    let joined = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"); // from RFC 6455 1.3
    let hash = &Sha1::digest(&joined)[..];
    println!("key     {key}\n+ GUID  {joined}\nSHA-1   {hash:02x?}\nbase64  {}", BASE64.encode(hash));
    BASE64.encode(hash)
}

fn read_frame(input: &mut impl Read) -> Result<Vec<u8>> {
    let mut header = [0; 6];
    input.read_exact(&mut header)?;
    let [first, second, key @ ..] = header;
    println!("{first:08b}  FIN {}, RSV {:03b}, opcode {}", first >> 7, first >> 4 & 0b111, first & 0b1111);
    println!("{second:08b}  MASK {}, length {}", second >> 7, second & 0b111_1111);
    let length = second.checked_sub(0x80).filter(|length| *length < 126);
    let mut payload = vec![0; length.ok_or(Error::other("not masked, or longer than 125 bytes"))?.into()];
    input.read_exact(&mut payload)?;
    println!("key     {key:02x?}\nmasked  {payload:02x?}");
    payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    println!("payload {payload:02x?} {:?}", String::from_utf8_lossy(&payload));
    Ok([&[first, second & 0b111_1111], &payload[..]].concat()) // a server's frames are not masked
}
