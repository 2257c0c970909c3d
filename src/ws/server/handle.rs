//! A handle to a running server, for other threads.

use super::{Event, Shared};
use std::{any::Any, sync::Weak, time::Instant};

/// A handle to a server. Cloning is cheap, and it does not keep the server alive.
#[derive(Debug, Clone)]
pub struct Handle(pub(super) Weak<Shared>);

/// Open connections, handshakes in progress, and the number of rejections of each kind.
pub type Numbers = (usize, usize, Vec<(&'static str, u64)>);

impl Handle {
    /// Puts [`Event::Own`] into the channel of events, so that the thread that receives them takes it in its turn. Returns
    /// false if the channel stays full until the deadline, or the server has ended.
    pub fn send(&self, event: Box<dyn Any + Send>, deadline: Instant) -> bool {
        self.0.upgrade().is_some_and(|shared| shared.events.send_deadline(Event::Own(event), deadline).is_ok())
    }

    /// How many connections are open, how many handshakes are in progress, and how often each kind of client or request was
    /// rejected since the start. `None`: the server has ended.
    #[must_use]
    pub fn numbers(&self) -> Option<Numbers> {
        let shared = self.0.upgrade()?;
        let (connections, handshakes) = shared.registry.counts();
        Some((connections, handshakes, shared.rejections.counts()))
    }
}
