//! What tungstenite has read and not yet given out, so that it can be read again.
//!
//! Owns one trick. tungstenite's `WebSocket` (0.30) has no way to take its buffer out, but its stream can be exchanged.
//! So it gets a stream that has nothing to offer, and is read until it is empty; the messages become frames again. Then
//! two frames of our own must come out as they went in: if they do not, a part of a message is still inside.

use super::Role;
use std::{
    io::{self, Write},
    net::TcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream},
};
use tungstenite::{
    Error, Message, WebSocket,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

/// The stream, and the frames that were read from it already.
///
/// # Errors
/// `InvalidData`: it is in the middle of a message. Or no descriptors are to be had.
pub(super) fn recover(mut socket: WebSocket<TcpStream>, role: Role) -> io::Result<(TcpStream, Vec<u8>)> {
    let (inside, mut outside) = UnixStream::pair()?;
    inside.set_nonblocking(true)?;
    let stream = std::mem::replace(socket.get_mut(), TcpStream::from(OwnedFd::from(inside)));
    let mut frames = Vec::new();
    while let Some(message) = next(&mut socket)? {
        let closing = message.is_close();
        write(frame(message), role, &mut frames)?;
        if closing {
            return Ok((stream, frames));
        }
    }
    for probe in [Message::Ping("?".into()), Message::Text("?".into())] {
        let mut bytes = Vec::new();
        write(frame(probe.clone()), role, &mut bytes)?;
        outside.write_all(&bytes)?;
        if next(&mut socket)? != Some(probe) {
            return Err(middle());
        }
    }
    Ok((stream, frames))
}

/// `None`: it needs more bytes.
fn next(socket: &mut WebSocket<TcpStream>) -> io::Result<Option<Message>> {
    match socket.read() {
        Ok(message) => Ok(Some(message)),
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(_) => Err(middle()),
    }
}

fn middle() -> io::Error {
    let why = "the WebSocket has read a part of a message, or was used before it was split";
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn frame(message: Message) -> Frame {
    match message {
        Message::Text(text) => Frame::message(text, OpCode::Data(Data::Text), true),
        Message::Binary(bytes) => Frame::message(bytes, OpCode::Data(Data::Binary), true),
        Message::Ping(bytes) => Frame::ping(bytes),
        Message::Pong(bytes) => Frame::pong(bytes),
        Message::Close(close) => Frame::close(close),
        Message::Frame(frame) => frame,
    }
}

/// As the peer would write it: a client's frames are masked, here with zeros.
fn write(mut frame: Frame, role: Role, bytes: &mut Vec<u8>) -> io::Result<()> {
    frame.header_mut().mask = (role == Role::Server).then_some([0; 4]);
    frame.format(bytes).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn stream() -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection")
    }

    #[test]
    fn whole_messages_come_out_again() {
        for (role, bytes) in [
            (Role::Client, &b""[..]),
            (Role::Client, b"\x81\x02hi\x89\x01!\x82\x00"),
            (Role::Client, b"\x81\x02hi\x88\x02\x03\xe8"),
            (Role::Server, b"\x81\x82\0\0\0\0hi"),
        ] {
            let socket = WebSocket::from_partially_read(stream(), bytes.to_vec(), role, None);
            let (_, frames) = recover(socket, role).expect("whole messages");
            assert_eq!(frames, bytes);
        }
    }

    #[test]
    fn a_fragmented_message_comes_out_joined() {
        let bytes = b"\x01\x01h\x80\x01i".to_vec();
        let socket = WebSocket::from_partially_read(stream(), bytes, Role::Client, None);
        assert_eq!(recover(socket, Role::Client).expect("a whole message").1, b"\x81\x02hi");
    }

    #[test]
    fn parts_are_noticed() {
        for bytes in
            [&b"\x81"[..], b"\x81\x05", b"\x81\x05hi", b"\x01\x02hi", b"\x81\x02hi\x89", b"\x82\x7e\x01", b"\xff"]
        {
            let socket = WebSocket::from_partially_read(stream(), bytes.to_vec(), Role::Client, None);
            let error = recover(socket, Role::Client).expect_err("a part");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{bytes:?}");
        }
    }
}
