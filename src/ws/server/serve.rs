//! Handlers: the thread of each connection runs a function of the program.

use super::{Shared, connection_task::log_end, handshake::AcceptedHandshake, registry::Permit};
use crate::ws::websocket::WebSocket;
use log::error;
use std::{sync::Arc, thread};

/// Serves an accepted connection to its end. Behind a pointer, so that programs without handlers do not contain its code.
pub(super) type Handler = Box<dyn Fn(AcceptedHandshake, Permit, &Arc<Shared>) + Send + Sync>;

pub(super) fn handler(handle: impl Fn(WebSocket) + Send + Sync + 'static) -> Handler {
    Box::new(move |accepted, permit, shared| handle(open(accepted, permit, shared)))
}

fn open(accepted: AcceptedHandshake, permit: Permit, shared: &Arc<Shared>) -> WebSocket {
    let (peer, reader, _) = accepted.open(&permit, shared);
    peer.flush_pending();
    let (shared, ended) = (Arc::clone(shared), peer.clone());
    let on_end = move |reason| {
        drop(permit);
        if thread::panicking() {
            error!("connection {} from {}: its handler panicked", ended.id(), ended.addr());
        }
        log_end(&shared, &ended, &reason);
    };
    WebSocket::new(peer, reader, Some(Box::new(on_end)))
}
