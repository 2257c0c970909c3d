//! Step 9 of 9, the chat: messages are JSON objects as in MDN's sample. Each has a type and the name of its sender.
//!
//! Without:  step 8 sends `hi` to all clients, and no client knows which user wrote it.
//! See it:   ws = new WebSocket('ws://127.0.0.1:9100'); ws.onmessage = (e) => console.log(e.data);
//!           ws.onopen = () => { ws.send(JSON.stringify({type: 'username', name: 'ann'}));
//!           ws.send(JSON.stringify({type: 'message', text: 'hi'})); };
//! Run:      cargo run --example grow_9_chat -- 127.0.0.1:9100
//! Not here: checks of RSV bits and `Origin`, deadlines for silent clients, rates, TLS. The library has them.

use data_encoding::BASE64;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use std::io::{self, BufRead, BufReader, Error, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::{collections::BTreeMap, env, mem, str, sync::mpsc, thread, time::Duration};

fn main() -> Result<()> {
    let addr = env::args().nth(1).unwrap_or("127.0.0.1:9100".into());
    let listener = TcpListener::bind(addr)?;
    println!("listening at ws://{}/", listener.local_addr()?);
    let (sender, events) = mpsc::sync_channel(64);
    thread::spawn(move || {
        for (id, stream) in (1_u64..).zip(listener.incoming().flatten()) {
            let sender = sender.clone();
            thread::spawn(move || serve(&stream, |event| sender.send((id, event)).map_err(Error::other)));
        }
    });
    let mut clients = BTreeMap::new();
    let mut names = BTreeMap::new();
    for (id, event) in events {
        match event {
            Event::Open(stream) => {
                send(&stream, TEXT, json!({"type": "id", "id": id}).to_string().as_bytes());
                clients.insert(id, stream);
            }
            Event::Frame(TEXT, text) => chat(&clients, &mut names, id, &text),
            Event::Frame(opcode, payload) => send(&clients[&id], opcode, &payload),
            Event::End => {
                clients.remove(&id);
                names.remove(&id);
                send_all(&clients, &user_list(&names));
            }
        }
    }
    Ok(())
}

/// Handles an object of a client. MDN's page assigns texts to innerHTML, where `&lt;` is harmless.
fn chat(clients: &BTreeMap<u64, TcpStream>, names: &mut BTreeMap<u64, String>, id: u64, text: &[u8]) {
    let object: Value = serde_json::from_slice(text).unwrap_or_default();
    let field = |key: &str| object[key].as_str().unwrap_or_default().replace('<', "&lt;");
    let (mut name, text, date) = (field("name"), field("text"), &object["date"]);
    if object["type"] == "message" && names.contains_key(&id) {
        let name = &names[&id];
        send_all(clients, &json!({"type": "message", "id": id, "name": name, "text": text, "date": date}));
    } else if object["type"] == "username" {
        while names.iter().any(|(other, taken)| *other != id && *taken == name) {
            name += "2";
        }
        if name != field("name") {
            let other_name = json!({"type": "rejectusername", "id": id, "name": name});
            send(&clients[&id], TEXT, other_name.to_string().as_bytes());
        }
        send_all(clients, &json!({"type": "username", "id": id, "name": name, "date": date}));
        names.insert(id, name);
        send_all(clients, &user_list(names));
    }
}

fn user_list(names: &BTreeMap<u64, String>) -> Value {
    json!({"type": "userlist", "users": names.values().collect::<Vec<_>>()})
}

fn send_all(clients: &BTreeMap<u64, TcpStream>, object: &Value) {
    clients.values().for_each(|client| send(client, TEXT, object.to_string().as_bytes()));
}

/// What the clients' threads send to `main`.
enum Event {
    Open(TcpStream),
    Frame(u8, Vec<u8>),
    End,
}

/// A longer message is refused. Without such a limit, one client could take all the memory.
const MAX_MESSAGE: usize = 65_535;

/// Opcodes: what a frame is.
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

struct Frame {
    is_last: bool,
    opcode: u8,
    payload: Vec<u8>,
}

/// Serves one client to its end. It sends no frame: `main` sends those for all clients, so that they do not mix.
fn serve(stream: &TcpStream, post: impl Fn(Event) -> Result<()>) -> Result<()> {
    let (mut input, output) = (BufReader::new(stream), stream);
    handshake(&mut input, output)?;
    output.set_write_timeout(Some(Duration::from_secs(1)))?;
    post(Event::Open(output.try_clone()?))?;
    let send = |opcode, payload| post(Event::Frame(opcode, payload));
    let close = receive(&mut input, send).unwrap_or_else(|error| {
        println!("closed: {error}");
        [&1002_u16.to_be_bytes(), error.to_string().as_bytes()].concat()
    });
    send(CLOSE, close)?;
    post(Event::End)?;
    read_to_fin(input)
}

/// Receives up to the client's Close. Returns its payload, a code and a reason, for the reply.
fn receive(mut input: impl Read, send: impl Fn(u8, Vec<u8>) -> Result<()>) -> Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let frame = read_frame(&mut input)?;
        match frame.opcode {
            PING => send(PONG, frame.payload)?,
            PONG => {}
            CLOSE => return Ok(frame.payload),
            CONTINUATION | TEXT => {
                message.extend(frame.payload);
                if message.len() > MAX_MESSAGE {
                    return Err(Error::other("a message of more than 65535 bytes"));
                }
                if frame.is_last {
                    str::from_utf8(&message).map_err(Error::other)?;
                    send(TEXT, mem::take(&mut message))?;
                }
            }
            _ => return Err(Error::other("a frame of another kind")),
        }
    }
}

/// Reads up to the end, but not for ever. An unread byte would turn the end into a reset, and the Close might be lost.
fn read_to_fin(input: BufReader<&TcpStream>) -> Result<()> {
    input.get_ref().set_read_timeout(Some(Duration::from_secs(1)))?;
    io::copy(&mut input.take(65_536), &mut io::sink())?;
    Ok(())
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
    Ok(Frame { is_last: first & 0b1000_0000 != 0, opcode: first & 0b1111, payload })
}

fn read<const COUNT: usize>(input: &mut impl Read) -> Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Sends a frame, without a mask: FIN and the opcode, the length, the payload.
fn send_frame(mut output: &TcpStream, opcode: u8, payload: &[u8]) -> Result<()> {
    let mut frame = vec![0b1000_0000 | opcode];
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
    output.write_all(&frame)?;
    // The Close is the last frame. The FIN says so to TCP.
    if opcode == CLOSE { output.shutdown(Shutdown::Write) } else { Ok(()) }
}

/// Drops a client that does not receive the frame within its timeout: the others wait meanwhile.
fn send(client: &TcpStream, opcode: u8, payload: &[u8]) {
    if send_frame(client, opcode, payload).is_err() {
        let _ = client.shutdown(Shutdown::Both); // ends its thread
    }
}
