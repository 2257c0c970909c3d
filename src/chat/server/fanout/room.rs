//! One room's members, and what was said to it in this batch.
//!
//! Owns the order of what a member gets; `fanout.rs` says the law. Knows nothing of other rooms.

use super::Recipient;
use crate::{chat::protocol::Dialect, ws::Frames};

/// Memory that an empty buffer keeps for the next batch.
const KEEP: usize = 64 * 1024;

/// What was said to a room in this batch, by dialect.
pub(super) type Said = [Frames; Dialect::ALL.len()];

#[derive(Debug)]
pub(super) struct Room<P> {
    pub(super) members: Vec<Member<P>>,
    /// How many members speak each dialect: nothing is encoded for nobody.
    pub(super) speakers: [usize; Dialect::ALL.len()],
    /// None, as long as nothing was said.
    pub(super) said: Option<Said>,
}

#[derive(Debug)]
pub(super) struct Member<P> {
    pub(super) peer: P,
    pub(super) dialect: Dialect,
    /// What it gets before the rest of what was said to the room: its own messages and the room's so far.
    pub(super) own: Frames,
    /// From where on it has yet to get what was said to the room.
    from: usize,
}

// Not derived: that would ask for a recipient by default, too.
impl<P> Default for Room<P> {
    fn default() -> Self {
        Self { members: Vec::new(), speakers: Default::default(), said: None }
    }
}

impl<P: Recipient> Room<P> {
    /// Its place among the members.
    pub(super) fn join(&mut self, member: Member<P>) -> usize {
        let dialect = member.dialect.index();
        let from = self.said.as_ref().map_or(0, |said| said[dialect].len());
        self.speakers[dialect] += 1;
        self.members.push(Member { from, ..member });
        self.members.len() - 1
    }

    /// The last member takes the place.
    pub(super) fn leave(&mut self, place: usize) -> Member<P> {
        let member = self.members.swap_remove(place);
        self.speakers[member.dialect.index()] -= 1;
        if self.members.is_empty() {
            self.members = Vec::new();
        }
        member
    }

    /// Sends what was said, and gives the empty buffers back.
    pub(super) fn flush(&mut self) -> Option<Said> {
        let mut said = self.said.take()?;
        for member in &mut self.members {
            member.flush(Some(&said));
            member.from = 0;
        }
        said.iter_mut().for_each(|frames| frames.clear(KEEP));
        Some(said)
    }
}

impl<P: Recipient> Member<P> {
    pub(super) fn new(peer: P, dialect: Dialect) -> Self {
        Self { peer, dialect, own: Frames::new(), from: 0 }
    }

    /// Whether it has taken everything that it was sent.
    pub(super) fn is_idle(&self) -> bool {
        self.own.is_empty() && self.peer.is_idle()
    }

    /// Takes over what was said to the room so far, so that what follows comes after it.
    pub(super) fn catch_up(&mut self, said: Option<&Said>) {
        if let Some(said) = said.map(|said| &said[self.dialect.index()]) {
            self.own.append(said, self.from);
            self.from = said.len();
        }
    }

    /// One write: the room's bytes as they are, unless there are own ones.
    pub(super) fn flush(&mut self, said: Option<&Said>) {
        if self.own.is_empty() {
            let rest = said.map_or(&[][..], |said| &said[self.dialect.index()].as_bytes()[self.from..]);
            if !rest.is_empty() {
                self.peer.send(rest);
            }
        } else {
            self.catch_up(said);
            self.peer.send(self.own.as_bytes());
            self.own.clear(0);
        }
    }
}
