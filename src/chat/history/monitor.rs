//! Answers an operator's questions about a history.

use super::{HistoryError, write_queue::Shared};
use crate::chat::server::Storage;
use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

/// Whether a history can store messages, and how many wait.
#[derive(Debug, Clone)]
pub struct Monitor(pub(super) Arc<Shared>);

impl Storage for Monitor {
    fn check(&self, timeout: Duration) -> Result<(), String> {
        let mut state = self.0.lock();
        state.checks_due += 1;
        let due = state.checks_due;
        self.0.work.notify_one();
        let waited = self.0.done.wait_timeout_while(state, timeout, |state| state.checks < due && !state.has_ended);
        let (state, result) = waited.unwrap_or_else(PoisonError::into_inner);
        let found = if result.timed_out() { Some(HistoryError::NotResponding) } else { state.found.clone() };
        found.map_or(Ok(()), |error| Err(error.to_string()))
    }

    fn queued(&self) -> usize {
        self.0.lock().queue.len()
    }
}
