//! Recovers the bytes that tungstenite has buffered.
//!
//! tungstenite's `WebSocket` (0.30) does not give out its buffer, but its stream can be replaced. It gets an empty stream
//! and is read until it needs more bytes. The messages are encoded as frames again. Then two test messages are sent through
//! it. If it does not return them unchanged, its buffer still contains part of a message.

use super::{Role, Socket};
use std::io::{self, Cursor, Write};
use std::mem;
use std::os::{fd::OwnedFd, unix::net::UnixStream};
use tungstenite::{Error, Message, WebSocket};

/// The stream, and the frames that were already read from it.
///
/// # Errors
/// `InvalidData` if part of a message is buffered; or no descriptors are available.
pub(super) fn recover<S: Socket>(mut socket: WebSocket<S>, role: Role) -> io::Result<(S, Vec<u8>)> {
    let (inside, mut outside) = UnixStream::pair()?;
    inside.set_nonblocking(true)?;
    let stream = mem::replace(socket.get_mut(), S::from(OwnedFd::from(inside)));
    let mut frames = Vec::new();
    while let Some(message) = next_message(&mut socket)? {
        frames.extend(encode(&message, role)?);
        if message.is_close() {
            return Ok((stream, frames));
        }
    }
    for probe in [Message::Ping("?".into()), Message::Text("?".into())] {
        outside.write_all(&encode(&probe, role)?)?;
        if next_message(&mut socket)? != Some(probe) {
            return Err(incomplete());
        }
    }
    Ok((stream, frames))
}

/// The next buffered message. `None` if tungstenite needs more bytes.
fn next_message(socket: &mut WebSocket<impl Socket>) -> io::Result<Option<Message>> {
    match socket.read() {
        Ok(message) => Ok(Some(message)),
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(_) => Err(incomplete()),
    }
}

fn incomplete() -> io::Error {
    let why = "the WebSocket has buffered part of a message, or was used before it was split";
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The frame of the message as the peer sends it.
fn encode(message: &Message, role: Role) -> io::Result<Vec<u8>> {
    let peer = match role {
        Role::Server => Role::Client,
        Role::Client => Role::Server,
    };
    let mut encoder = WebSocket::from_raw_socket(Cursor::new(Vec::new()), peer, None);
    encoder.send(message.clone()).map_err(io::Error::other)?;
    Ok(encoder.into_inner().into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    fn stream() -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection")
    }

    #[test]
    fn complete_messages_are_recovered() {
        for bytes in [&b""[..], b"\x81\x02hi\x89\x01!\x82\x00", b"\x81\x02hi\x88\x02\x03\xe8"] {
            let socket = WebSocket::from_partially_read(stream(), bytes.to_vec(), Role::Client, None);
            let (_, frames) = recover(socket, Role::Client).expect("whole messages");
            assert_eq!(frames, bytes);
        }
        // A client's frame gets another mask, so it is compared after decoding.
        let frame = encode(&"hi".into(), Role::Server).expect("memory");
        let socket = WebSocket::from_partially_read(stream(), frame, Role::Server, None);
        let frames = recover(socket, Role::Server).expect("whole messages").1;
        let mut socket = WebSocket::from_partially_read(Cursor::new(Vec::new()), frames, Role::Server, None);
        assert_eq!(socket.read().expect("a message"), Message::from("hi"));
    }

    #[test]
    fn fragments_are_recovered_as_one_message() {
        let bytes = b"\x01\x01h\x80\x01i".to_vec();
        let socket = WebSocket::from_partially_read(stream(), bytes, Role::Client, None);
        assert_eq!(recover(socket, Role::Client).expect("a whole message").1, b"\x81\x02hi");
    }

    #[test]
    fn partial_messages_are_refused() {
        for bytes in
            [&b"\x81"[..], b"\x81\x05", b"\x81\x05hi", b"\x01\x02hi", b"\x81\x02hi\x89", b"\x82\x7e\x01", b"\xff"]
        {
            let socket = WebSocket::from_partially_read(stream(), bytes.to_vec(), Role::Client, None);
            let error = recover(socket, Role::Client).expect_err("a part");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{bytes:?}");
        }
    }
}
