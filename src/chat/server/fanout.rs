//! Who gets which bytes: what is said to a room is encoded once for each dialect, whoever hears it.
//!
//! Owns the members' handles and the bytes of one batch. Knows nothing of sockets.
//!
//! The law: each member gets what was said to its room since it joined, and what was said to it alone, in the order in
//! which the rules said them; in one write a batch, and none before [`Fanout::flush`]; and before a Close frame, if it is
//! closed.
//!
//! How it is kept: `said` is what was said to a room in this batch. A member who is told nothing of its own gets it as
//! it is, from byte `from` on, where the room was when it joined. Who is told something gets a script of its own instead:
//! `own` holds the room's bytes up to `from`, with its own in between; before anything is added to it, the room's bytes
//! that are missing are, and `from` moves on. So at any time what a member has yet to get is `own`, then the rest of
//! `said` from `from` on. What is said costs its room's members something, and nobody else.

mod room;

use crate::{
    chat::protocol::{Dialect, ServerMessage, UserId},
    chat::rules::RoomId,
    ws::Frames,
    ws::peer::Peer,
};
use room::{Member, Room, Said};
use std::collections::HashMap;

/// Bytes that one member gets in one batch, and a little more. A peer that reads gets on with it while the next batch is
/// made; many batches at once would not fit into its outbox.
const FULL: usize = 64 * 1024;

/// The same for what is said in all rooms, in all dialects.
const FULL_IN_ALL: usize = 8 * FULL;

/// Buffers that wait for the next batch: more rooms than that seldom talk at once.
const SPARE: usize = 4;

/// Where those are who are in no room.
const NO_ROOM: usize = 0;

/// Where a room is among all.
fn place(room: RoomId) -> usize {
    NO_ROOM + 1 + room.index()
}

/// Somebody to whom bytes go: a [`Peer`], or what tests have instead.
pub(super) trait Recipient {
    fn id(&self) -> UserId;
    fn send(&self, frames: &[u8]);
    fn is_idle(&self) -> bool;
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

    fn is_idle(&self) -> bool {
        Peer::buffered_amount(self) == 0
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
    /// By number, behind those who are in none.
    rooms: Vec<Room<P>>,
    /// In which room, and where among its members each one is.
    index: HashMap<UserId, (usize, usize)>,
    /// Rooms to which something was said in this batch.
    loud: Vec<usize>,
    /// Members that have something of their own to be sent.
    touched: Vec<UserId>,
    /// Members that are closed with this batch.
    closing: Vec<Closing<P>>,
    /// Buffers for what is said to rooms.
    spare: Vec<Said>,
    /// Bytes that were said in this batch to one member or another.
    private: usize,
    /// Bytes that were said in this batch to the room that was told most.
    most: usize,
    /// Bytes that were said in this batch to rooms.
    public: usize,
    /// Where a notice becomes text, before its length is known.
    text: String,
}

/// Somebody who is gone already, but for the last words.
#[derive(Debug)]
struct Closing<P> {
    peer: P,
    last: Frames,
    code: u16,
    reason: &'static str,
}

// Not derived: that would ask for a recipient by default, too.
impl<P> Default for Fanout<P> {
    fn default() -> Self {
        Self {
            rooms: Vec::new(),
            index: HashMap::new(),
            loud: Vec::new(),
            touched: Vec::new(),
            closing: Vec::new(),
            spare: Vec::new(),
            private: 0,
            most: 0,
            public: 0,
            text: String::new(),
        }
    }
}

impl<P: Recipient> Fanout<P> {
    /// Somebody who is told only what is meant for it alone, as long as it is in no room.
    pub(super) fn join(&mut self, peer: P, dialect: Dialect) {
        self.put(Member::new(peer, dialect), NO_ROOM);
    }

    /// From now on it hears what is said in the room.
    pub(super) fn enter(&mut self, id: UserId, room: RoomId) {
        if let Some(member) = self.take(id) {
            self.put(member, place(room));
        }
    }

    fn put(&mut self, member: Member<P>, at: usize) {
        if at >= self.rooms.len() {
            self.rooms.resize_with(at + 1, Room::default);
        }
        let id = member.peer.id();
        self.index.insert(id, (at, self.rooms[at].join(member)));
    }

    /// Whether it has taken everything that it was sent.
    pub(super) fn is_idle(&self, id: UserId) -> bool {
        self.index.get(&id).is_some_and(|&(at, place)| self.rooms[at].members[place].is_idle())
    }

    pub(super) fn leave(&mut self, id: UserId) {
        self.take(id);
    }

    fn take(&mut self, id: UserId) -> Option<Member<P>> {
        let (at, place) = self.index.remove(&id)?;
        let room = &mut self.rooms[at];
        let member = room.leave(place);
        if let Some(moved) = room.members.get(place) {
            self.index.insert(moved.peer.id(), (at, place));
        }
        Some(member)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it is time to send what there is.
    pub(super) fn is_full(&self) -> bool {
        self.private.max(self.most) >= FULL || self.public >= FULL_IN_ALL
    }

    /// Says it to everyone in the room.
    pub(super) fn broadcast(&mut self, room: RoomId, notice: &ServerMessage) {
        let at = place(room);
        let Some(place) = self.rooms.get_mut(at).filter(|room| !room.members.is_empty()) else { return };
        let said = place.said.get_or_insert_with(|| {
            self.loud.push(at);
            self.spare.pop().unwrap_or_default()
        });
        for dialect in Dialect::ALL {
            if place.speakers[dialect.index()] > 0 {
                let frames = &mut said[dialect.index()];
                let before = frames.len();
                encode(notice, dialect, &mut self.text, frames);
                self.public += frames.len() - before;
                self.most = self.most.max(frames.len());
            }
        }
    }

    /// Says it to one.
    pub(super) fn send(&mut self, to: UserId, notice: &ServerMessage) {
        let Some((room, place)) = self.index.get(&to).map(|&(at, place)| (&mut self.rooms[at], place)) else { return };
        let member = &mut room.members[place];
        if member.own.is_empty() {
            self.touched.push(to);
        }
        member.catch_up(room.said.as_ref());
        let before = member.own.len();
        encode(notice, member.dialect, &mut self.text, &mut member.own);
        self.private += member.own.len() - before;
    }

    /// Closes one with this batch, after what was said to it; for the chat it is gone.
    pub(super) fn close(&mut self, id: UserId, code: u16, reason: &'static str) {
        let room = self.index.get(&id).map(|&(at, _)| at);
        if let (Some(at), Some(mut member)) = (room, self.take(id)) {
            member.catch_up(self.rooms[at].said.as_ref());
            self.closing.push(Closing { peer: member.peer, last: member.own, code, reason });
        }
    }

    /// Cuts one's connection.
    pub(super) fn cut(&self, id: UserId) {
        if let Some(&(at, place)) = self.index.get(&id) {
            self.rooms[at].members[place].peer.cut();
        }
    }

    /// Sends the batch: one write for each member that has something to get.
    pub(super) fn flush(&mut self) {
        for at in self.loud.drain(..) {
            let spare = self.rooms[at].flush();
            self.spare.extend(spare.filter(|_| self.spare.len() < SPARE));
        }
        for id in self.touched.drain(..) {
            if let Some(&(at, place)) = self.index.get(&id) {
                self.rooms[at].members[place].flush(None);
            }
        }
        for Closing { peer, last, code, reason } in self.closing.drain(..) {
            if !last.is_empty() {
                peer.send(last.as_bytes());
            }
            peer.close(code, reason);
        }
        (self.private, self.most, self.public) = (0, 0, 0);
    }
}

/// One notice as one frame; none if the dialect has no words for it.
fn encode(notice: &ServerMessage, dialect: Dialect, text: &mut String, frames: &mut Frames) {
    text.clear();
    if dialect.encode(notice, text) {
        frames.text(text);
    }
}

#[cfg(test)]
mod tests;
