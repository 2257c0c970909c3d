//! The lab: a server that echoes, without its handshake. Write the five functions that say `todo!`.
//!
//! Run:      cargo run --example lab_handshake
//! Grade it: cargo run --features check -- check ws://127.0.0.1:9003/
//!
//! The grade names the rules that your server breaks. The solution is in examples/lab/solution.rs.
#![allow(unused)] // until the functions are written

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

use data_encoding::BASE64;
use sha1::{Digest, Sha1};
use tungstenite::{WebSocket, protocol::Role};

/// What a server needs to know about a request.
struct Request {
    /// The first line, such as `GET / HTTP/1.1`.
    line: String,
    /// The other lines: names in lower case, and values.
    fields: Vec<(String, String)>,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(env::args().nth(1).unwrap_or("127.0.0.1:9003".into()))?;
    println!("the lab is at ws://{}/", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve(stream));
    }
    Ok(())
}

/// Shakes hands, then sends each message back. From the 101 response on, tungstenite does the rest.
fn serve(stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let request = read_request(&mut reader)?;
    let response = match check(&request) {
        Ok(key) => acceptance(&accept_key(key)),
        Err(status) => refusal(status),
    };
    (&stream).write_all(response.as_bytes())?;
    if !response.starts_with("HTTP/1.1 101 ") {
        return Ok(());
    }
    // The client may have sent its first frames together with the request. They are in the reader's buffer.
    let early = reader.buffer().to_vec();
    let mut socket = WebSocket::from_partially_read(stream, early, Role::Server, None);
    loop {
        match socket.read() {
            Ok(message) if message.is_text() || message.is_binary() => drop(socket.send(message)),
            Ok(_) => (),
            Err(_) => return socket.flush().map_err(io::Error::other),
        }
    }
}

/// 1. Reads lines until the empty one. RFC 9112 2.1: a request line, then `Name: value`. Names have any case.
fn read_request(reader: &mut impl BufRead) -> io::Result<Request> {
    todo!("1")
}

/// 2. The value of a field. `None` if the request does not have it. `name` is in lower case.
fn field<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    todo!("2")
}

/// 3. Returns the key of a valid request, or else the status code of the refusal. RFC 6455 4.2.1: GET, HTTP/1.1, a Host,
///    `Upgrade: websocket`, `Connection` with the token `Upgrade` (any case), a key of 16 bytes in base64, version 13 (else 426).
fn check(request: &Request) -> Result<&str, u16> {
    todo!("3")
}

/// 4. The value of `Sec-WebSocket-Accept`: the SHA-1 of the key and a fixed text, in base64 (RFC 6455 4.2.2, item 5.4).
fn accept_key(key: &str) -> String {
    todo!("4")
}

/// 5. The response that accepts (RFC 6455 4.2.2). Each line ends with `\r\n`, and the last one is empty.
fn acceptance(accept_key: &str) -> String {
    todo!("5")
}

fn refusal(status: u16) -> String {
    format!("HTTP/1.1 {status} Refused\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
