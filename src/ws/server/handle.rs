//! A handle to a running server, for other threads.

use super::{Event, Shared};
use std::{any::Any, sync::Weak, time::Duration};

/// A handle to a server. Cloning is cheap, and it does not keep the server alive.
#[derive(Debug, Clone)]
pub struct Handle(pub(super) Weak<Shared>);

/// The numbers of a server at one moment.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Numbers {
    /// Open WebSockets.
    pub connections: usize,
    /// Handshakes in progress.
    pub handshakes: usize,
    /// What was rejected since the start: the name of each kind, and how often.
    pub rejections: Vec<(&'static str, u64)>,
}

impl Handle {
    /// Puts [`Event::Own`] into the channel of events, so that the thread that receives them takes it in its turn. Returns
    /// false if the channel stays full for this time, or the server has ended.
    pub fn send(&self, event: Box<dyn Any + Send>, timeout: Duration) -> bool {
        let Some(shared) = self.0.upgrade() else { return false };
        shared.events.send_timeout(Event::Own(event), timeout).is_ok()
    }

    /// The numbers at this moment; those of a server that has ended are zero.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        let Some(shared) = self.0.upgrade() else { return Numbers::default() };
        let (connections, handshakes) = shared.registry.counts();
        Numbers { connections, handshakes, rejections: shared.rejections.counts() }
    }
}
