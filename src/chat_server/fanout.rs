//! Who gets which bytes: what is said to a room is encoded once for each dialect, whoever hears it.
//!
//! Owns the members' handles and the bytes of one batch. Each member gets at most one write a batch: its own messages
//! and the room's, in the order in which the rules said them.

use crate::{
    connection::Frames,
    peer::Peer,
    protocol::{Dialect, Notice, UserId},
};
use std::collections::HashMap;

/// Memory that an empty buffer keeps for the next batch.
const KEEP: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(super) struct Fanout {
    members: Vec<Member>,
    /// Where in `members` each one is.
    index: HashMap<UserId, usize>,
    /// What was said to the room in this batch, by dialect.
    said: [Frames; Dialect::ALL.len()],
    /// How many members speak each dialect: nothing is encoded for nobody.
    speakers: [usize; Dialect::ALL.len()],
    /// Members that have something of their own to be sent.
    touched: Vec<UserId>,
    /// Where a notice becomes text, before its length is known.
    text: String,
}

#[derive(Debug)]
struct Member {
    peer: Peer,
    dialect: Dialect,
    /// What it gets before the rest of what was said to the room: its own messages and the room's so far.
    own: Frames,
    /// From where on it has yet to get what was said to the room.
    from: usize,
}

impl Fanout {
    pub(super) fn join(&mut self, peer: Peer, dialect: Dialect) {
        let from = self.said[dialect.index()].len();
        self.speakers[dialect.index()] += 1;
        self.index.insert(peer.id(), self.members.len());
        self.members.push(Member { peer, dialect, own: Frames::new(), from });
    }

    pub(super) fn leave(&mut self, id: UserId) {
        let Some(place) = self.index.remove(&id) else { return };
        let member = self.members.swap_remove(place);
        self.speakers[member.dialect.index()] -= 1;
        if let Some(moved) = self.members.get(place) {
            self.index.insert(moved.peer.id(), place);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Says it to everyone.
    pub(super) fn broadcast(&mut self, notice: &Notice) {
        for dialect in Dialect::ALL {
            if self.speakers[dialect.index()] > 0 {
                encode(notice, dialect, &mut self.text, &mut self.said[dialect.index()]);
            }
        }
    }

    /// Says it to one.
    pub(super) fn send(&mut self, to: UserId, notice: &Notice) {
        let Some(member) = self.index.get(&to).and_then(|&place| self.members.get_mut(place)) else { return };
        if member.own.is_empty() {
            self.touched.push(to);
        }
        member.catch_up(&self.said);
        encode(notice, member.dialect, &mut self.text, &mut member.own);
    }

    /// Closes one, after what was said to it; for the chat it is gone.
    pub(super) fn close(&mut self, id: UserId, code: u16, reason: &str) {
        if let Some(&place) = self.index.get(&id) {
            let member = &mut self.members[place];
            member.flush(&self.said);
            member.peer.close(code, reason);
            self.leave(id);
        }
    }

    /// Cuts one's connection.
    pub(super) fn cut(&self, id: UserId) {
        if let Some(&place) = self.index.get(&id) {
            self.members[place].peer.cut();
        }
    }

    /// Sends the batch: one write for each member that has something to get.
    pub(super) fn flush(&mut self) {
        if self.said.iter().all(Frames::is_empty) {
            for id in &self.touched {
                if let Some(&place) = self.index.get(id) {
                    self.members[place].flush(&self.said);
                }
            }
        } else {
            for member in &mut self.members {
                member.flush(&self.said);
                member.from = 0;
            }
            for frames in &mut self.said {
                frames.clear(KEEP);
            }
        }
        self.touched.clear();
    }
}

impl Member {
    /// Takes over what was said to the room so far, so that what follows comes after it.
    fn catch_up(&mut self, said: &[Frames]) {
        let said = &said[self.dialect.index()];
        self.own.append(said, self.from);
        self.from = said.len();
    }

    /// One write: the room's bytes as they are, unless there are own ones.
    fn flush(&mut self, said: &[Frames]) {
        if self.own.is_empty() {
            let rest = &said[self.dialect.index()].as_bytes()[self.from..];
            if !rest.is_empty() {
                self.peer.send_bytes(rest);
            }
            self.from += rest.len();
        } else {
            self.catch_up(said);
            self.peer.send_frames(&self.own);
            self.own.clear(0);
        }
    }
}

/// One notice as one frame; none if the dialect has no words for it.
fn encode(notice: &Notice, dialect: Dialect, text: &mut String, frames: &mut Frames) {
    text.clear();
    if dialect.encode(notice, text) {
        frames.text(text);
    }
}
