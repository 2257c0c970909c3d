//! What the chat's thread and the worker thread share: how much waits for the file, and why.

use super::{HistoryError, new_log_name};
use log::error;
use std::{mem, path::PathBuf, sync::Arc};

/// While the file is not writable, no more is queued when this much memory waits, 4 MiB.
const MAX_BYTES: usize = 4 << 20;

/// Its lock is never held while a file is read or written.
#[derive(Debug, Default)]
pub(super) struct Shared {
    file: PathBuf,
    /// Why messages wait.
    pub(super) error: Option<HistoryError>,
    /// An error is over, and what waited meanwhile is not in the file yet.
    is_recovering: bool,
    /// Messages that are not in the file yet.
    pub(super) waiting: usize,
    /// What was queued since the last success.
    bytes: usize,
    /// Messages that were not queued since the error began.
    dropped: usize,
    /// Questions of operators that wait.
    pub(super) checks: usize,
    /// The name of logs that begin now.
    pub(super) log: Arc<str>,
    /// All logs in the file must get that name, because clients know numbers that the file does not have.
    pub(super) must_rename: bool,
}

impl Shared {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, log: new_log_name(), ..Self::default() }
    }

    /// From now on messages wait, for this reason. A permanent error stays.
    pub(super) fn raise(&mut self, error: HistoryError) {
        let plan = match &error {
            HistoryError::Permanent(_) => "messages are not stored until a restart",
            HistoryError::Temporary(_) => "messages wait in memory until they can be stored",
        };
        if !self.is_permanent() && self.error.as_ref() != Some(&error) {
            error!("history: {}: {error}. The chat continues; {plan}", self.file.display());
            self.error = Some(error);
        }
    }

    /// So many messages were written, and all logs have this name if they had to be renamed. An error is over, although in a
    /// busy chat other messages wait already. Returns what was lost when those are written, too.
    pub(super) fn finish(&mut self, messages: usize, log: &Arc<str>) -> Option<String> {
        (self.waiting, self.bytes) = (self.waiting - messages, 0);
        // There is a newer name if messages were dropped meanwhile.
        self.must_rename &= self.log != *log;
        self.is_recovering |= self.error.take().is_some();
        if self.waiting > 0 || !mem::take(&mut self.is_recovering) {
            return None;
        }
        Some(match mem::take(&mut self.dropped) {
            0 => "nothing was lost".to_owned(),
            count => format!("dropped messages: {count}, and the logs of all rooms have new names"),
        })
    }

    pub(super) fn is_permanent(&self) -> bool {
        matches!(self.error, Some(HistoryError::Permanent(_)))
    }

    /// Whether the file has everything that clients know.
    pub(super) fn is_complete(&self) -> bool {
        self.error.is_none() && self.waiting == 0 && !self.must_rename
    }

    /// Counts messages that are queued next. Returns false if they must be dropped, because too much waits.
    pub(super) fn admit(&mut self, messages: usize, bytes: usize) -> bool {
        let fits = self.error.is_none() || self.bytes <= MAX_BYTES && !self.is_permanent();
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
        let mut shared = Shared::new("chat.db".into());
        let log = shared.log.clone();
        assert!(shared.admit(3, 2 * MAX_BYTES), "without an error there is no bound");
        shared.raise(full());
        assert_eq!(shared.finish(2, &log), None, "a client may know the message that waits");
        assert!(shared.error.is_none() && !shared.is_complete(), "one message waits");
        assert_eq!(shared.finish(1, &log).as_deref(), Some("nothing was lost"));
        assert!(shared.is_complete() && shared.admit(1, 1));
        assert_eq!(shared.finish(1, &log), None, "it was over before");
    }

    #[test]
    fn messages_above_the_bound_are_dropped_and_logs_get_new_names() {
        let mut shared = Shared::new("chat.db".into());
        let first = shared.log.clone();
        shared.raise(full());
        assert!(shared.admit(1, MAX_BYTES) && shared.admit(1, 1) && !shared.admit(5, 1));
        let second = shared.log.clone();
        assert!(second != first && shared.must_rename);
        assert!(!shared.admit(1, 1), "a name is not used again after another loss");
        assert!(shared.finish(2, &second).is_some_and(|loss| loss.contains("messages: 6")));
        assert!(shared.must_rename && !shared.is_complete(), "the logs have an earlier name");
        let third = shared.log.clone();
        assert!(third != second && shared.admit(1, 1), "a busy chat stores messages again");
        assert_eq!(shared.finish(1, &third), None);
        assert!(shared.is_complete());
    }

    #[test]
    fn permanent_error_stays_and_nothing_waits_for_it() {
        let mut shared = Shared::new("chat.db".into());
        shared.raise(HistoryError::Permanent("damaged".into()));
        shared.raise(full());
        assert!(shared.is_permanent() && !shared.admit(1, 1));
    }
}
