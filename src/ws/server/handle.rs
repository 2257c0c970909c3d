//! A handle to a running server, for other threads.

use super::{Event, Shared};
use std::{any::Any, sync::Weak, time::Duration};

/// A handle to a server. Cloning is cheap, and it does not keep the server alive.
#[derive(Debug, Clone)]
pub struct Handle(pub(super) Weak<Shared>);

impl Handle {
    /// Puts [`Event::Own`] into the channel of events, so that the thread that receives them takes it in its turn. Returns
    /// false if the channel stays full for this time, or the server has ended.
    pub fn send(&self, event: Box<dyn Any + Send>, timeout: Duration) -> bool {
        self.0.upgrade().is_some_and(|shared| shared.events.send_timeout(Event::Own(event), timeout).is_ok())
    }

    /// How many connections are open, how many handshakes are in progress, and how often each kind of client or request was
    /// rejected since the start. `None`: the server has ended.
    #[must_use]
    pub fn numbers(&self) -> Option<(usize, usize, Vec<(&'static str, u64)>)> {
        let shared = self.0.upgrade()?;
        let (connections, handshakes) = shared.registry.counts();
        Some((connections, handshakes, shared.rejections.counts()))
    }
}
