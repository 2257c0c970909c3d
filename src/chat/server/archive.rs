//! The archive, and when the chat asks it: on the chat's thread, which waits for the answer.

use super::ChatServer;
use crate::chat::protocol::{StoredMessage, UserId};
use crate::chat::rules::{Erasure, Input, RoomName, RoomSnapshot};
use crate::ws::peer::Peer;
use std::{fmt::Debug, ops::Range, sync::Arc, time::Duration};

/// The most clients that are sent a part of history in one batch. Loading the parts delays everything else.
const MAX_PARTS_PER_BATCH: usize = 4;

/// Stores messages beyond the process. Its methods run on the chat's thread: a slow one delays all clients.
pub trait Archive: Debug + Send {
    /// A room with its last messages, so many at most. It is called when a connection enters a room for the first time. For
    /// an unknown room, the snapshot is a new numbering without messages.
    ///
    /// `None`: the archive cannot answer now. Then the connection is closed with 1013, so that its client tries again later.
    fn load_room(&mut self, room: &str, messages: usize) -> Option<RoomSnapshot>;

    /// Messages of a room after `after` and up to `up_to`, in order: the first ones that take at most so many bytes
    /// ([`StoredMessage::wire_size`]), and at least one. An empty list: there are none.
    ///
    /// `None`: the archive cannot answer now. After ten seconds of such answers the messages count as gone.
    fn load_messages(&mut self, room: &str, after: u64, up_to: u64, bytes: usize) -> Option<Vec<StoredMessage>>;

    /// Stores the messages of a batch, of all rooms, in order, and removes them from the list. They are sent when this
    /// returns.
    ///
    /// Errors are not returned: the chat goes on in any case, and the archive logs its problems.
    fn commit(&mut self, messages: &mut Vec<StoredMessage>);

    /// Deletes messages, and returns the room and the number of each. What is stored must then be
    /// [deleted](StoredMessage::is_deleted), so that numbers have no gap.
    ///
    /// `None`: the archive cannot do this now.
    fn erase(&mut self, erasure: Erasure) -> Option<Vec<(Arc<str>, u64)>>;

    /// Finds out whether messages can be stored now, without waiting for that. `done` gets one line if they cannot.
    fn check(&mut self, done: Box<dyn FnOnce(Option<String>) + Send>);

    /// Whether all messages that were committed are stored now.
    fn is_complete(&self) -> bool;

    /// The number of messages that were committed and are not stored yet.
    fn queued(&self) -> usize;

    /// For a node of a cluster: the messages of this room that follow have numbers in the numbering of this name, and may have been
    /// stored before. What is stored of the room in another numbering does not belong to it any more.
    fn begin(&mut self, room: Arc<str>, log: Arc<str>);
}

impl ChatServer {
    /// Must be called before a connection enters the room. Returns whether it may: not if the archive does not answer.
    pub(super) fn restore(&mut self, room: &RoomName) -> bool {
        if !self.chat.needs_snapshot(room) {
            return true;
        }
        // The room may have been forgotten with its last messages.
        self.store();
        let Some(archive) = &mut self.archive else { return true };
        let Some(snapshot) = archive.load_room(room.key(), self.chat.rules.room_messages) else { return false };
        self.chat.restore(room, snapshot);
        true
    }

    /// Commits the messages of this batch. Must be called before any of them is sent.
    pub(super) fn store(&mut self) {
        if let Some(archive) = self.archive.as_mut().filter(|_| !self.unstored.is_empty()) {
            archive.commit(&mut self.unstored);
        }
        self.unstored.clear();
    }

    /// Takes a message that has to be stored with this batch.
    pub(super) fn keep(&mut self, message: StoredMessage) {
        #[cfg(feature = "cluster")]
        self.name_log(&message.room);
        self.unstored.push(message);
    }

    pub(super) fn erase(&mut self, by: Option<UserId>, erasure: Erasure) {
        // A command that is read again must not delete later messages.
        #[cfg(feature = "cluster")]
        if self.cluster.as_ref().is_some_and(|cluster| !cluster.is_current) {
            return;
        }
        self.store();
        let messages = self.archive.as_mut().and_then(|archive| archive.erase(erasure));
        self.apply(Input::Erased(by, messages.as_deref()));
    }

    /// Loads messages for a client that is catching up.
    pub(super) fn load(&mut self, id: UserId, room: &Arc<str>, range: Range<u64>, bytes: usize) {
        #[cfg(feature = "cluster")]
        self.name_log(room);
        self.store();
        let (up_to, archive) = (range.end, self.archive.as_mut());
        let messages = archive.and_then(|archive| archive.load_messages(room, range.start, up_to, bytes));
        self.apply(Input::Loaded(id, up_to, messages.as_deref()));
    }

    /// Sends the next part to clients that are catching up and have taken the last one, in turn. Drops those that take
    /// nothing for too long.
    pub(super) fn send_next_parts(&mut self) {
        let longest = self.chat.rules.stall_timeout.map(Duration::from_millis);
        let is_ready = |id: &UserId| {
            let Some((peer, _)) = self.fanout.peer(*id) else { return false };
            longest.into_iter().for_each(|longest| drop_if_stalled(peer, longest));
            peer.buffered_amount() == 0
        };
        let ready: Vec<UserId> = self.chat.catching_up().filter(is_ready).take(MAX_PARTS_PER_BATCH).collect();
        for id in ready {
            self.apply(Input::Ready(id));
        }
    }
}

/// Drops a connection that has taken nothing for longer than this.
fn drop_if_stalled(peer: &Peer, longest: Duration) {
    let is_stalled = || peer.stalled_for().is_some_and(|time| time > longest);
    if is_stalled() {
        // The operating system reports a socket as writable late, when a part of its buffer is free.
        peer.connection.flush_pending();
        if is_stalled() {
            peer.drop_slow();
        }
    }
}
