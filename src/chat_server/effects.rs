//! What the rules want done: to peers, to the archive, to the list of rooms.
//!
//! Owns the order of it: what is said is kept first, then told.

use super::ChatServer;
use crate::{
    chat::{Output, recalled},
    protocol::{Notice, UserId},
};
use std::{mem, ops::Range};

impl ChatServer {
    pub(super) fn perform(&mut self) {
        let mut outputs = mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            match output {
                Output::ShowHandshake { to } => {
                    if let Some(notice) = self.handshakes.get(&to) {
                        self.fanout.send(to, notice);
                    }
                }
                Output::Drop { who } => self.fanout.cut(who),
                Output::Send { to, notice } => self.fanout.send(to, &notice),
                Output::Broadcast { room, notice } => {
                    self.rooms_changed |= matches!(notice, Notice::Username { .. });
                    self.fanout.broadcast(room, &notice);
                }
                Output::Store(entry) => self.unsaved.push(entry),
                Output::Recall { to, room, after, up_to, bytes } => self.recall(to, &room, after..up_to, bytes),
                Output::Close { to, code, reason } => {
                    // It gets all that it has yet to get, at once.
                    self.save();
                    self.fanout.close(to, code, reason);
                }
            }
        }
        self.outputs = outputs;
    }

    /// Tells one what is in the archive only.
    fn recall(&mut self, to: UserId, room: &str, missed: Range<u64>, bytes: usize) {
        self.save();
        let archive = self.archive.as_mut();
        let found = archive.map(|archive| archive.recall(room, missed.start, missed.end, bytes)).unwrap_or_default();
        for notice in recalled(missed.start, missed.end, found) {
            self.fanout.send(to, &notice);
        }
    }

    /// Gives the archive what it does not have yet. Before anything of it leaves.
    pub(super) fn save(&mut self) {
        if let Some(archive) = self.archive.as_mut().filter(|_| !self.unsaved.is_empty()) {
            archive.commit(&mut self.unsaved);
        }
        self.unsaved.clear();
    }

    pub(super) fn tell_rooms(&mut self) {
        if let Some(rooms) = self.rooms.as_ref().filter(|_| self.rooms_changed) {
            rooms.set(self.chat.rooms());
            self.rooms_changed = false;
        }
    }
}
