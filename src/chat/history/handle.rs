//! The chat's side of a history: it queues messages, and waits for the worker thread, but only for a limited time.

use super::{
    DEADLINE, Settings,
    error::HistoryError,
    worker::Worker,
    write_queue::{Query, Range, Shared, State},
};
use crate::{
    chat::{protocol::StoredMessage, rules::RoomSnapshot, server::Archive},
    ws::spawn,
};
use log::error;
use std::sync::{Arc, MutexGuard, PoisonError};

/// A history in an SQLite file. A thread of its own reads and writes the file.
///
/// While the file is not writable, the log says why. Messages then wait in memory, at most 4 MiB of them, and the file is
/// tried again every 2 seconds.
#[derive(Debug)]
pub struct History {
    shared: Arc<Shared>,
    first_id: u64,
}

impl History {
    /// Opens or creates the file, and starts the thread. A disk that fails or is full is logged and tried again.
    ///
    /// # Errors
    /// [`HistoryError::Unusable`], with the file's name: the folder does not exist; the file is not readable, not a
    /// database, damaged, in use, or of another program or a newer version. The file is not changed. Also if the operating
    /// system refuses a thread.
    pub fn open(settings: &Settings) -> Result<Self, HistoryError> {
        Self::start(settings).map_err(|error| HistoryError::Unusable(format!("{}: {error}", settings.path.display())))
    }

    fn start(settings: &Settings) -> Result<Self, HistoryError> {
        let shared = Arc::new(Shared::new(settings.path.clone()));
        let worker = Worker::open(settings, shared.clone())?;
        let first_id = worker.first_id();
        spawn::spawn("history", 512 * 1024, Box::new(move || worker.run()))?;
        Ok(Self { shared, first_id })
    }

    /// The smallest connection id above all that the file contains. Pass it to [`Builder::first_id`], so that an id in the
    /// history never belongs to another client.
    ///
    /// [`Builder::first_id`]: crate::Builder::first_id
    #[must_use]
    pub fn first_id(&self) -> u64 {
        self.first_id
    }

    /// What currently keeps messages out of the file.
    #[must_use]
    pub fn error(&self) -> Option<HistoryError> {
        self.shared.lock().report.error().cloned()
    }

    fn load(&self, room: &str, range: Range) -> Option<RoomSnapshot> {
        let mut state = self.shared.lock();
        if state.is_unresponsive {
            return None;
        }
        (state.query, state.answer) = (Some(Query { room: room.into(), range }), None);
        drop(state);
        self.shared.work.notify_one();
        let mut state = self.wait_while(|state| state.query.is_some());
        state.query = None;
        let answer = state.answer.take();
        drop(state);
        self.shared.handle_error();
        answer
    }

    /// Blocks while the condition holds, at most [`DEADLINE`].
    fn wait_while(&self, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.shared.done.wait_timeout_while(self.shared.lock(), DEADLINE, |state| condition(state));
        let (mut state, result) = waited.unwrap_or_else(PoisonError::into_inner);
        if result.timed_out() {
            state.is_unresponsive = true;
            state.report.raise(HistoryError::NotResponding);
        }
        state
    }
}

impl Archive for History {
    fn load_room(&mut self, room: &str, messages: usize) -> Option<RoomSnapshot> {
        self.load(room, Range::Last(messages))
    }

    fn load_messages(&mut self, room: &str, after: u64, up_to: u64, bytes: usize) -> Option<Vec<StoredMessage>> {
        self.load(room, Range::Between { after, up_to, bytes }).map(|snapshot| snapshot.messages)
    }

    fn commit(&mut self, messages: &mut Vec<StoredMessage>) {
        self.shared.lock().queue.push(messages);
        self.shared.work.notify_one();
        // While there is an error, the messages wait in the queue and the chat continues.
        drop(self.wait_while(|state| !state.queue.is_empty() && state.report.error().is_none()));
        self.shared.handle_error();
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.shared.lock().is_closing = true;
        self.shared.work.notify_one();
        if !self.wait_while(|state| !state.has_ended).queue.is_empty() {
            error!("history: the last messages could not be stored");
        }
    }
}
