//! The events of a client under test, one by one.

use std::net::SocketAddr;

use chinwag::Message;
use chinwag::client::{Error, Event, WebSocket};

use super::DEADLINE;

/// A client that is open.
#[track_caller]
pub fn open(addr: SocketAddr) -> WebSocket {
    let socket = WebSocket::connect(&format!("ws://{addr}/"), &[]).expect("a URL");
    expect_open(&socket);
    socket
}

/// The next event.
#[track_caller]
pub fn next(socket: &WebSocket) -> Event {
    socket.events().recv_timeout(DEADLINE).expect("an event before the deadline")
}

/// The next event, which must be that it is open.
#[track_caller]
pub fn expect_open(socket: &WebSocket) {
    match next(socket) {
        Event::Open => {}
        other => panic!("expected Open, got {other:?}"),
    }
}

/// The next event, which must be a message.
#[track_caller]
pub fn message(socket: &WebSocket) -> Message {
    match next(socket) {
        Event::Message(message) => message,
        other => panic!("expected a message, got {other:?}"),
    }
}

/// The next event, which must be a text.
#[track_caller]
pub fn text(socket: &WebSocket) -> String {
    match message(socket) {
        Message::Text(text) => text.as_str().to_owned(),
        other => panic!("expected a text, got {other:?}"),
    }
}

/// The next event, which must say what went wrong.
#[track_caller]
pub fn error(socket: &WebSocket) -> Error {
    match next(socket) {
        Event::Error(error) => error,
        other => panic!("expected Error, got {other:?}"),
    }
}

/// The next event, which must be the last: code, reason, whether it was clean.
#[track_caller]
pub fn close(socket: &WebSocket) -> (u16, String, bool) {
    match next(socket) {
        Event::Close { code, reason, was_clean } => {
            assert!(socket.events().recv_timeout(DEADLINE).is_err(), "nothing comes behind Close");
            (code, reason, was_clean)
        }
        other => panic!("expected Close, got {other:?}"),
    }
}

/// The next two events, which must be an error and a close with 1006.
#[track_caller]
pub fn failure(socket: &WebSocket) -> Error {
    let error = error(socket);
    assert_eq!(close(socket), (1006, String::new(), false), "after {error}");
    error
}
