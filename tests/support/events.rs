//! The events of `client::WebSocket`, one by one.

use std::net::SocketAddr;

use chinwag::Message;
use chinwag::client::{Error, Event, WebSocket};

use super::DEADLINE;

/// Connects a client and waits until it is open.
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

/// The next event, which must be `Open`.
#[track_caller]
pub fn expect_open(socket: &WebSocket) {
    match next(socket) {
        Event::Open => {}
        other => panic!("expected Open, got {other:?}"),
    }
}

/// The next event, which must be a `Message`.
#[track_caller]
pub fn message(socket: &WebSocket) -> Message {
    match next(socket) {
        Event::Message(message) => message,
        other => panic!("expected a message, got {other:?}"),
    }
}

/// The next event, which must be a text message.
#[track_caller]
pub fn text(socket: &WebSocket) -> String {
    match message(socket) {
        Message::Text(text) => text.as_str().to_owned(),
        other => panic!("expected a text, got {other:?}"),
    }
}

/// The next event, which must be an `Error`.
#[track_caller]
pub fn error(socket: &WebSocket) -> Error {
    match next(socket) {
        Event::Error(error) => error,
        other => panic!("expected Error, got {other:?}"),
    }
}

/// The next event, which must be `Close` and the last one. Returns code, reason, and whether it was clean.
#[track_caller]
pub fn close(socket: &WebSocket) -> (u16, String, bool) {
    match next(socket) {
        Event::Close { code, reason, was_clean } => {
            assert!(socket.events().recv_timeout(DEADLINE).is_err(), "Close is the last event");
            (code, reason, was_clean)
        }
        other => panic!("expected Close, got {other:?}"),
    }
}

/// The next two events, which must be `Error` and `Close` with 1006.
#[track_caller]
pub fn failure(socket: &WebSocket) -> Error {
    let error = error(socket);
    assert_eq!(close(socket), (1006, String::new(), false), "after {error}");
    error
}
