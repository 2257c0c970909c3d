//! What the chat's thread and the worker thread share: how much waits for the file, and why.

use super::{HistoryError, new_log_name};
use crate::ws::spawn::lock;
use log::error;
use std::{
    mem,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

/// While the file is not writable, no more is queued when this much memory waits, 4 MiB.
const MAX_BYTES: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Shared {
    file: PathBuf,
    /// The lock is never held while a file is read or written.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Why messages wait.
    pub(super) error: Option<HistoryError>,
    /// Messages that are not in the file yet.
    pub(super) waiting: usize,
    /// What was queued since the last success.
    bytes: usize,
    /// Messages that were not queued since the error began.
    dropped: usize,
    /// The name of logs that begin now.
    pub(super) log: Arc<str>,
    /// All logs in the file must get that name, because clients know numbers that the file does not have.
    pub(super) must_rename: bool,
    /// Questions of operators that wait for the worker.
    pub(super) checks: usize,
}

impl Shared {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, state: Mutex::new(State { log: new_log_name(), ..State::default() }) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// From now on messages wait, for this reason. A permanent error stays.
    pub(super) fn raise(&self, error: HistoryError) {
        let plan = match &error {
            HistoryError::Permanent(_) => "messages are not stored until a restart",
            HistoryError::Temporary(_) => "messages wait in memory until they can be stored",
        };
        let mut state = self.lock();
        if !state.is_permanent() && state.error.replace(error.clone()).as_ref() != Some(&error) {
            drop(state);
            error!("history: {}: {error}. The chat continues; {plan}", self.file.display());
        }
    }

    /// So many messages were written, and all logs have this name if they had to be renamed. An error is over, although in a
    /// busy chat other messages wait already: returns what was lost.
    pub(super) fn finish(&self, messages: usize, log: &Arc<str>) -> Option<String> {
        let mut state = self.lock();
        (state.waiting, state.bytes) = (state.waiting - messages, 0);
        // There is a newer name if messages were dropped meanwhile.
        state.must_rename &= state.log != *log;
        state.error.take()?;
        Some(match mem::take(&mut state.dropped) {
            0 => "nothing was lost".to_owned(),
            count => format!("dropped messages: {count}, and the logs of all rooms have new names"),
        })
    }
}

impl State {
    pub(super) fn is_permanent(&self) -> bool {
        matches!(self.error, Some(HistoryError::Permanent(_)))
    }

    /// Whether the file has everything that clients know.
    pub(super) fn is_complete(&self) -> bool {
        self.error.is_none() && self.waiting == 0 && !self.must_rename
    }

    /// Counts messages that are queued next. Returns false if they must be dropped, because too much waits.
    pub(super) fn admit(&mut self, messages: usize, bytes: usize) -> bool {
        // Deletions without messages have as much again.
        let most = if messages > 0 { MAX_BYTES } else { 2 * MAX_BYTES };
        let fits = self.error.is_none() || self.bytes <= most && !self.is_permanent();
        if fits {
            (self.waiting, self.bytes) = (self.waiting + messages, self.bytes + bytes);
        } else {
            self.dropped += messages;
            // Clients will know their numbers under the previous name.
            (self.log, self.must_rename) = (new_log_name(), true);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> HistoryError {
        HistoryError::Temporary("the disk is full".into())
    }

    #[test]
    fn error_ends_with_the_first_success_although_other_messages_wait() {
        let shared = Shared::new("chat.db".into());
        let log = shared.lock().log.clone();
        assert!(shared.lock().admit(3, 2 * MAX_BYTES), "without an error there is no bound");
        shared.raise(full());
        assert_eq!(shared.finish(2, &log).as_deref(), Some("nothing was lost"));
        assert!(shared.lock().error.is_none() && !shared.lock().is_complete(), "one message waits");
        assert_eq!(shared.finish(1, &log), None, "it was over before");
        assert!(shared.lock().is_complete());
    }

    #[test]
    fn messages_above_the_bound_are_dropped_and_logs_get_new_names() {
        let shared = Shared::new("chat.db".into());
        let first = shared.lock().log.clone();
        shared.raise(full());
        assert!(shared.lock().admit(1, MAX_BYTES) && shared.lock().admit(1, 1) && !shared.lock().admit(5, 1));
        let second = shared.lock().log.clone();
        assert!(second != first && shared.lock().must_rename);
        assert!(!shared.lock().admit(1, 1), "a name is not used again after another loss");
        assert!(shared.lock().admit(0, 1), "a deletion is not lost as well");
        assert!(shared.finish(2, &second).is_some_and(|loss| loss.contains("messages: 6")));
        assert!(shared.lock().must_rename && !shared.lock().is_complete(), "the logs have an earlier name");
        let third = shared.lock().log.clone();
        assert!(third != second && shared.lock().admit(1, 1), "a busy chat stores messages again");
        assert_eq!(shared.finish(1, &third), None);
        assert!(shared.lock().is_complete());
    }

    #[test]
    fn permanent_error_stays_and_nothing_waits_for_it() {
        let shared = Shared::new("chat.db".into());
        shared.raise(HistoryError::Permanent("damaged".into()));
        shared.raise(full());
        assert!(shared.lock().is_permanent() && !shared.lock().admit(1, 1));
    }
}
