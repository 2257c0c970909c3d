//! Who gets which bytes: what is said to a room is encoded once for each dialect, whoever hears it.
//!
//! Owns the members' handles and the bytes of one batch. Knows nothing of sockets.
//!
//! The law: each member gets what was said to the room since it joined, and what was said to it alone, in the order in
//! which the rules said them; in one write a batch; and before a Close frame, if it is closed.
//!
//! How it is kept: `said` is what was said to the room in this batch. A member who is told nothing of its own gets it as
//! it is, from byte `from` on, where the room was when it joined. Who is told something gets a script of its own instead:
//! `own` holds the room's bytes up to `from`, with its own in between; before anything is added to it, the room's bytes
//! that are missing are, and `from` moves on. So at any time what a member has yet to get is `own`, then the rest of
//! `said` from `from` on.

use crate::{
    connection::Frames,
    peer::Peer,
    protocol::{Dialect, Notice, UserId},
};
use std::collections::HashMap;

/// Memory that an empty buffer keeps for the next batch.
const KEEP: usize = 64 * 1024;

/// Bytes that one member gets in one batch, and a little more. A peer that reads gets on with it while the next batch is
/// made; many batches at once would not fit into its outbox.
const FULL: usize = 64 * 1024;

/// Somebody to whom bytes go: a [`Peer`], or what tests have instead.
pub(super) trait Recipient {
    fn id(&self) -> UserId;
    fn send(&self, frames: &[u8]);
    fn close(&self, code: u16, reason: &str);
    fn cut(&self);
}

impl Recipient for Peer {
    fn id(&self) -> UserId {
        Peer::id(self)
    }

    fn send(&self, frames: &[u8]) {
        self.send_bytes(frames);
    }

    fn close(&self, code: u16, reason: &str) {
        Peer::close(self, code, reason);
    }

    fn cut(&self) {
        Peer::cut(self);
    }
}

#[derive(Debug)]
pub(super) struct Fanout<P = Peer> {
    members: Vec<Member<P>>,
    /// Where in `members` each one is.
    index: HashMap<UserId, usize>,
    /// What was said to the room in this batch, by dialect.
    said: [Frames; Dialect::ALL.len()],
    /// How many members speak each dialect: nothing is encoded for nobody.
    speakers: [usize; Dialect::ALL.len()],
    /// Members that have something of their own to be sent.
    touched: Vec<UserId>,
    /// Bytes that were said in this batch to one member or another.
    private: usize,
    /// Where a notice becomes text, before its length is known.
    text: String,
}

#[derive(Debug)]
struct Member<P> {
    peer: P,
    dialect: Dialect,
    /// What it gets before the rest of what was said to the room: its own messages and the room's so far.
    own: Frames,
    /// From where on it has yet to get what was said to the room.
    from: usize,
}

// Not derived: that would ask for a recipient by default, too.
impl<P> Default for Fanout<P> {
    fn default() -> Self {
        Self {
            members: Vec::new(),
            index: HashMap::new(),
            said: Default::default(),
            speakers: Default::default(),
            touched: Vec::new(),
            private: 0,
            text: String::new(),
        }
    }
}

impl<P: Recipient> Fanout<P> {
    pub(super) fn join(&mut self, peer: P, dialect: Dialect) {
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

    /// Whether it is time to send what there is.
    pub(super) fn is_full(&self) -> bool {
        self.private >= FULL || self.said.iter().any(|frames| frames.len() >= FULL)
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
        let before = member.own.len();
        encode(notice, member.dialect, &mut self.text, &mut member.own);
        self.private += member.own.len() - before;
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
        self.private = 0;
    }
}

impl<P: Recipient> Member<P> {
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
                self.peer.send(rest);
            }
            self.from += rest.len();
        } else {
            self.catch_up(said);
            self.peer.send(self.own.as_bytes());
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

#[cfg(test)]
mod tests;
