//! What the rules want done: to peers, to the archive, to the list of rooms.
//!
//! Owns the order of it: what is said is kept first, then told.

use super::ChatServer;
use crate::{
    chat::protocol::{ServerMessage, UserId},
    chat::rules::{Input, Output, RoomId},
};
use std::{mem, ops::Range};

/// Parts of history that are told in one batch: looking them up holds up all others.
const PARTS: usize = 4;

impl ChatServer {
    pub(super) fn perform(&mut self) {
        let mut outputs = mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            if let Output::Broadcast { room, notice: notice @ ServerMessage::Username { .. } } = output {
                self.rooms_changed = true;
                self.calm.name(room, notice);
                continue;
            }
            let names = self.calm.names_before(&output);
            self.tell(names);
            match output {
                Output::ShowHandshake { to } => {
                    if let Some(notice) = self.handshakes.get(&to) {
                        self.fanout.send(to, notice);
                    }
                }
                Output::Drop { who } => self.fanout.cut(who),
                Output::Enter { who, room } => self.fanout.enter(who, room),
                Output::Send { to, notice } => self.fanout.send(to, &notice),
                Output::Broadcast { room, notice } => self.fanout.broadcast(room, &notice),
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

    /// Tells rooms who signed in, in as many writes as batches would take.
    pub(super) fn tell(&mut self, names: Vec<(RoomId, ServerMessage)>) {
        for (room, notice) in names {
            self.fanout.broadcast(room, &notice);
            if self.fanout.is_full() {
                self.send();
            }
        }
    }

    /// Looks up what is in the archive only, and gives it to the rules.
    fn recall(&mut self, id: UserId, room: &str, missed: Range<u64>, bytes: usize) {
        self.save();
        let (up_to, archive) = (missed.end, self.archive.as_mut());
        let found = archive.and_then(|archive| archive.load_messages(room, missed.start, up_to, bytes));
        self.unanswered |= found.is_none();
        self.apply(Input::Recalled { id, up_to, found: found.as_deref() });
    }

    /// Tells the next part to those who are behind and have taken the last one. Each comes to its turn; whether there
    /// was one, and it is of use to look again at once.
    pub(super) fn catch_up(&mut self) -> bool {
        self.unanswered = false;
        let idle: Vec<UserId> = self.chat.behind().filter(|id| self.fanout.is_idle(*id)).take(PARTS).collect();
        for id in &idle {
            self.apply(Input::Ready { id: *id });
        }
        !idle.is_empty() && !self.unanswered
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
