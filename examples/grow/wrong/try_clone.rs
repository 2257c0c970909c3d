//! Wrong: two WebSockets on one TCP connection, one to read and one to write. The one that reads also sends: a Pong for
//! each Ping. The Pong lands in the middle of a message that the other one is sending.
//!
//! Run:      cargo run --example grow_wrong_try_clone
//! Look at:  the bytes of the Pong in a message that has only `x`.
//! Right:    examples/12_duplex.rs

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::{error::Error, thread, time::Duration};
use tungstenite::{Message, WebSocket, protocol::Role};

/// More than the system's buffers hold.
const SIZE: usize = 32 * 1024 * 1024;
/// FIN and opcode 9, MASK and length 4, a key of zeros, the payload.
const PING: &[u8] = b"\x89\x84\0\0\0\0ping";
const PINGS: usize = 100;
/// The two race for the socket: now and then, the message gets through whole.
const ATTEMPTS: usize = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| _ = serve(stream)));
    for _ in 0..ATTEMPTS {
        let payload = receive(addr)?;
        if let Some(at) = payload.iter().position(|byte| *byte != b'x') {
            println!("corrupt: from byte {at} on, the message has {:02x?}", &payload[at..SIZE.min(at + 6)]);
            return Ok(());
        }
    }
    Err("not corrupt this time".into())
}

/// Asks for the message, sends Pings while it is on its way, and returns its payload.
fn receive(addr: SocketAddr) -> Result<Vec<u8>, Box<dyn Error>> {
    let (mut client, _) = tungstenite::client(format!("ws://{addr}/"), TcpStream::connect(addr)?)?;
    client.send(Message::text("send me a large message"))?;
    // From here on, the client looks at the bytes.
    let mut stream = client.into_inner();
    let mut header = [0; 10];
    stream.read_exact(&mut header)?;
    for _ in 0..PINGS {
        stream.write_all(PING)?;
    }
    // The message does not fit into the system's buffers. It waits for the client now, and so does the first Pong.
    thread::sleep(Duration::from_millis(500));
    let mut payload = vec![0; SIZE];
    stream.read_exact(&mut payload)?;
    Ok(payload)
}

/// Here is the mistake: each WebSocket believes that it is alone on the socket.
fn serve(stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let mut reader = tungstenite::accept(stream)?;
    let mut writer = WebSocket::from_raw_socket(reader.get_ref().try_clone()?, Role::Server, None);
    reader.read()?;
    thread::spawn(move || writer.send(Message::text("x".repeat(SIZE))));
    loop {
        reader.read()?;
    }
}
