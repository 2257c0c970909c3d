//! For peers of the chat that read slowly. The chat has logs, from which such a peer receives later what it cannot take now.

use super::Connection;
use crate::ws::config::Config;
use std::{sync::Arc, time::Duration};

impl Connection {
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// As [`Connection::send`], but only `counted` of these bytes count against [`Config::max_send_buffer`]. Returns whether
    /// more bytes than that limit wait, counted or not.
    pub(crate) fn send_counting(self: &Arc<Self>, frames: &[u8], counted: usize) -> bool {
        let mut guard = self.lock();
        let Some(state) = guard.as_mut().filter(|state| state.is_open()) else { return false };
        // Compressed frames may have fewer bytes than were counted.
        state.send(frames, counted.min(frames.len()));
        self.flush(state);
        state.stream.buffered_amount() > self.config.max_send_buffer
    }

    /// How long the socket has taken none of the bytes that wait. `None`: no bytes wait.
    pub(crate) fn stalled_for(&self) -> Option<Duration> {
        self.lock().as_ref()?.stream.stalled_for()
    }

    /// Drops a peer that reads too slowly: Close 1013 after all queued bytes.
    pub(crate) fn drop_slow(self: &Arc<Self>) {
        self.if_open(|state| self.fail_slow(state));
    }
}

#[cfg(test)]
mod tests;
