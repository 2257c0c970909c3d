//! What the handles of a WebSocket share with its thread, and the events that they receive.

use super::Error;
use crate::ws::connection::{Connection, Message};
use crossbeam_channel::Sender;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// An event of a [`WebSocket`](super::WebSocket). `Close` comes exactly once, as the last one.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The handshake succeeded. Messages can be sent from now on.
    Open,
    /// A whole message arrived.
    Message(Message),
    /// The connection failed, before or after it was open. `Close` follows. In contrast to browsers, the cause is named.
    Error(Error),
    /// The connection has ended.
    Close {
        /// The code of the server's Close frame: 1005 if the frame has none, 1006 if the frame is missing.
        code: u16,
        /// The reason in that frame: up to 123 bytes of text that nothing has checked.
        reason: String,
        /// Whether both sides have sent a Close frame.
        was_clean: bool,
    },
}

/// The state of a WebSocket. The numbers are those of browsers: `socket.ready_state() as u8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ReadyState {
    /// Not yet open.
    Connecting = 0,
    /// Messages can be sent and received.
    Open = 1,
    /// One side has begun to close the connection.
    Closing = 2,
    /// The connection has ended, or it could not be opened.
    Closed = 3,
}

/// Shared by all handles of a WebSocket and its thread. The lock is never held during a wait.
#[derive(Debug)]
pub(super) struct State {
    pub(super) url: String,
    /// The selected subprotocol, once the WebSocket is open.
    pub(super) protocol: OnceLock<Option<String>>,
    pub(super) extensions: OnceLock<String>,
    stage: Mutex<Stage>,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// Dropping the sender ends the wait for a socket.
    Dialing {
        _cancel: Sender<()>,
    },
    Handshake(Arc<TcpStream>),
    /// Closed before it was open. The thread is about to notice.
    Cancelled,
    Connected(Arc<Connection>),
    Closed,
}

impl State {
    pub(super) fn new(url: String, cancel: Sender<()>) -> Self {
        let (protocol, extensions) = Default::default();
        Self { url, protocol, extensions, stage: Mutex::new(Stage::Dialing { _cancel: cancel }) }
    }

    pub(super) fn ready_state(&self) -> ReadyState {
        match &*self.stage() {
            Stage::Dialing { .. } | Stage::Handshake(_) => ReadyState::Connecting,
            Stage::Connected(connection) if connection.is_open() => ReadyState::Open,
            Stage::Connected(_) | Stage::Cancelled => ReadyState::Closing,
            Stage::Closed => ReadyState::Closed,
        }
    }

    /// The connection, from the end of the handshake to the end of the thread.
    pub(super) fn connection(&self) -> Option<Arc<Connection>> {
        match &*self.stage() {
            Stage::Connected(connection) => Some(Arc::clone(connection)),
            _ => None,
        }
    }

    /// Begins to close the connection, or cancels its opening.
    pub(super) fn close(&self, code: u16, reason: &str) {
        let mut stage = self.stage();
        match &*stage {
            Stage::Connected(connection) => {
                let connection = Arc::clone(connection);
                drop(stage);
                connection.close(code, reason);
            }
            Stage::Dialing { .. } => *stage = Stage::Cancelled,
            Stage::Handshake(stream) => {
                // This ends a read of the handshake.
                let _ = stream.shutdown(Shutdown::Both);
                *stage = Stage::Cancelled;
            }
            Stage::Cancelled | Stage::Closed => {}
        }
    }

    pub(super) fn set_closed(&self) {
        *self.stage() = Stage::Closed;
    }

    /// Enters the next stage, unless the WebSocket was closed. For its thread.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub(super) fn advance(&self, next: Stage) -> Result<(), Error> {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Cancelled) {
            return Err(Error::Cancelled);
        }
        *stage = next;
        Ok(())
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
