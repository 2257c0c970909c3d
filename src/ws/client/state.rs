//! How far a WebSocket is: what its handles and its thread share.
//!
//! Owns the one lock of a client, which is never held across a wait.

use super::{Error, ReadyState};
use crate::ws::connection::{Connection, Message};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::{
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// Shared by all handles of a WebSocket and its thread.
#[derive(Debug)]
pub(super) struct State {
    url: String,
    /// The subprotocol, once it is open.
    protocol: OnceLock<Option<String>>,
    stage: Mutex<Stage>,
    cancel: Sender<()>,
}

#[derive(Debug)]
enum Stage {
    /// With the socket, when there is one.
    Connecting(Option<Arc<TcpStream>>),
    /// Closed before it was open: its thread is about to see it.
    Cancelled,
    Live(Arc<Connection>),
    Closed,
}

impl State {
    /// The state of a new one, and what its thread hears when it is closed before it is open.
    pub(super) fn new(url: String) -> (Self, Receiver<()>) {
        let (cancel, cancelled) = bounded(1);
        let stage = Mutex::new(Stage::Connecting(None));
        (Self { url, protocol: OnceLock::new(), stage, cancel }, cancelled)
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn protocol(&self) -> Option<&str> {
        self.protocol.get()?.as_deref()
    }

    pub(super) fn ready(&self) -> ReadyState {
        match &*self.stage() {
            Stage::Connecting(_) => ReadyState::Connecting,
            Stage::Live(connection) if connection.is_open() => ReadyState::Open,
            Stage::Live(_) | Stage::Cancelled => ReadyState::Closing,
            Stage::Closed => ReadyState::Closed,
        }
    }

    /// The connection, unless it is not yet or no longer there.
    fn connection(&self) -> Option<Arc<Connection>> {
        match &*self.stage() {
            Stage::Live(connection) => Some(Arc::clone(connection)),
            _ => None,
        }
    }

    pub(super) fn send(&self, message: Message) -> bool {
        self.connection().is_some_and(|connection| connection.send_message(message))
    }

    pub(super) fn buffered(&self) -> usize {
        self.connection().map_or(0, |connection| connection.buffered_amount())
    }

    /// Begins to close it, whatever its stage.
    pub(super) fn close(&self, code: u16, reason: &str) {
        let mut stage = self.stage();
        match &*stage {
            Stage::Live(connection) => {
                let connection = Arc::clone(connection);
                drop(stage);
                connection.close(code, reason);
            }
            Stage::Connecting(stream) => {
                // Wakes its thread, wherever it waits.
                if let Some(stream) = stream {
                    let _ = stream.shutdown(Shutdown::Both);
                }
                *stage = Stage::Cancelled;
                let _ = self.cancel.try_send(());
            }
            Stage::Cancelled | Stage::Closed => {}
        }
    }

    /// There is a socket.
    pub(super) fn dialled(&self, stream: &Arc<TcpStream>) -> Result<(), Error> {
        self.advance(Stage::Connecting(Some(Arc::clone(stream))))
    }

    /// It is open.
    pub(super) fn open(&self, connection: &Arc<Connection>, protocol: Option<String>) -> Result<(), Error> {
        self.protocol.get_or_init(|| protocol);
        self.advance(Stage::Live(Arc::clone(connection)))
    }

    /// It is over.
    pub(super) fn closed(&self) {
        *self.stage() = Stage::Closed;
    }

    fn advance(&self, to: Stage) -> Result<(), Error> {
        let mut stage = self.stage();
        match *stage {
            Stage::Connecting(_) => *stage = to,
            _ => return Err(Error::Cancelled),
        }
        Ok(())
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
