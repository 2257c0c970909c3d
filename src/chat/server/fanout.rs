//! Collects what each client gets in a batch. A broadcast is encoded once for each dialect.
//!
//! A client receives its room's broadcasts since it subscribed, and the messages for it alone, in the order in which the
//! rules sent them. Each batch is one write for each client, in [`Fanout::flush`], or before a Close frame.
//!
//! The members of a room with the same dialect are a group. Its `batch` has the room's broadcasts as frames. A member without
//! messages of its own gets them from byte `from` on.
//! A member with such messages has a buffer, `own`. Before a message is added to it, the broadcasts after `from` are
//! copied there, and `from` moves to the end of the batch. So a flush sends `own`, and then the batch from `from` on.
//! A flush visits each member of a group in which something has to be sent.

use crate::chat::protocol::{Dialect, ServerMessage, UserId};
use crate::{chat::rules::RoomId, ws::Frames, ws::id_map::IdMap, ws::peer::Peer};
use std::{mem, sync::Arc};

/// A batch is sent when it has this many bytes. Small, because several batches must fit into a member's send buffer.
const MAX_BATCH_BYTES: usize = 64 * 1024;

/// What frames are sent to: a [`Peer`], or its replacement in tests.
pub(super) trait Recipient {
    /// Sends the frames from byte `from` on. Returns whether more bytes wait than the limit of the send buffer.
    fn send(&self, frames: &Frames, from: usize) -> bool;
    fn close(&self, code: u16, reason: &str);
}

impl Recipient for Peer {
    fn send(&self, frames: &Frames, from: usize) -> bool {
        self.send_from(frames, from, MAX_BATCH_BYTES)
    }

    fn close(&self, code: u16, reason: &str) {
        // The rules choose codes that may be sent.
        let _ = Self::close(self, code, reason);
    }
}

/// The heads of a member's handshake, for dialects with
/// [`ClientMessage::Inspect`](crate::chat::protocol::ClientMessage::Inspect).
pub(super) type Handshake = Option<(Arc<str>, Arc<str>)>;

#[derive(Debug)]
pub(super) struct Fanout<P = Peer> {
    /// By room and dialect. A dialect without members is not encoded.
    groups: IdMap<(RoomId, usize), Group<P>>,
    /// Each member's group, and its place there.
    index: IdMap<UserId, ((RoomId, usize), usize)>,
    /// Bytes encoded in this batch.
    bytes: usize,
    /// Messages of rooms since the start, counted once for each member that they were for.
    pub(super) deliveries: u64,
    /// Bytes given to connections since the start.
    pub(super) sent_bytes: u64,
}

#[derive(Debug)]
struct Group<P> {
    dialect: Dialect,
    /// Stored inline: each extra pointer would cost a cache miss for each member and flush.
    members: Vec<Member<P>>,
    batch: Frames,
    /// Whether a member gets something in this batch.
    is_touched: bool,
}

#[derive(Debug)]
struct Member<P> {
    id: UserId,
    peer: P,
    handshake: Handshake,
    own: Frames,
    /// `None`: it is not subscribed.
    from: Option<usize>,
}

// Not derived, because that would require `P: Default`.
impl<P> Default for Fanout<P> {
    fn default() -> Self {
        Self { groups: IdMap::default(), index: IdMap::default(), bytes: 0, deliveries: 0, sent_bytes: 0 }
    }
}

impl<P: Recipient> Fanout<P> {
    /// Adds a member that gets only the messages for it alone, until [`subscribe`](Self::subscribe).
    pub(super) fn join(&mut self, id: UserId, peer: P, dialect: Dialect, room: RoomId, handshake: Handshake) {
        let key = (room, dialect as usize);
        if self.groups.get(key).is_none() {
            let group = Group { dialect, members: Vec::new(), batch: Frames::new(), is_touched: false };
            self.groups.insert(key, group);
        }
        let Some(group) = self.groups.get_mut(key) else { return };
        self.index.insert(id, (key, group.members.len()));
        group.members.push(Member { id, peer, handshake, own: Frames::new(), from: None });
    }

    /// A member's connection and handshake.
    pub(super) fn peer(&self, id: UserId) -> Option<(&P, &Handshake)> {
        let (key, place) = *self.index.get(id)?;
        self.groups.get(key)?.members.get(place).map(|member| (&member.peer, &member.handshake))
    }

    /// From now on the member gets the broadcasts of its room.
    pub(super) fn subscribe(&mut self, id: UserId) {
        let Some((group, place)) = self.find(id) else { return };
        group.members[place].from = Some(group.batch.len());
    }

    /// The member gets no more broadcasts of its room, after those of this batch.
    pub(super) fn unsubscribe(&mut self, id: UserId) {
        let Some((group, place)) = self.find(id) else { return };
        group.members[place].copy_broadcasts(&group.batch);
        group.members[place].from = None;
    }

    pub(super) fn members(&self) -> usize {
        self.index.len()
    }

    fn find(&mut self, id: UserId) -> Option<(&mut Group<P>, usize)> {
        let (key, place) = *self.index.get(id)?;
        Some((self.groups.get_mut(key)?, place))
    }

    pub(super) fn leave(&mut self, id: UserId) {
        let Some((key, place)) = self.index.remove(id) else { return };
        let Some(group) = self.groups.get_mut(key) else { return };
        group.members.swap_remove(place);
        if let Some(moved) = group.members.get(place) {
            self.index.insert(moved.id, (key, place));
        }
        if group.members.is_empty() {
            self.groups.remove(key);
        }
    }

    /// Whether the batch should be sent now.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MAX_BATCH_BYTES
    }

    /// Adds a message for all subscribed members of a room, except one of them that gets its own copy next.
    pub(super) fn broadcast(&mut self, room: RoomId, message: &ServerMessage, except: Option<UserId>) {
        except.into_iter().for_each(|id| self.unsubscribe(id));
        for dialect in Dialect::ALL.into_iter().chain(Dialect::STREAMS) {
            let Some(group) = self.groups.get_mut((room, dialect as usize)) else { continue };
            self.bytes += encode(message, dialect, &mut group.batch);
            group.is_touched = true;
            if let ServerMessage::Message(_) = message {
                self.deliveries += group.members.len() as u64;
            }
        }
        except.into_iter().for_each(|id| self.subscribe(id));
    }

    /// Adds a message for one member.
    pub(super) fn send(&mut self, id: UserId, message: &ServerMessage) {
        let Some((group, place)) = self.find(id) else { return };
        let member = &mut group.members[place];
        member.copy_broadcasts(&group.batch);
        group.is_touched = true;
        self.bytes += encode(message, group.dialect, &mut member.own);
    }

    /// Removes a member, sends its part of the batch so far, and closes its connection.
    pub(super) fn close(&mut self, id: UserId, code: u16, reason: &str) {
        let Some((group, place)) = self.find(id) else { return };
        let (sent, _) = group.members[place].flush(&group.batch);
        group.members[place].peer.close(code, reason);
        self.sent_bytes += sent;
        self.leave(id);
    }

    /// Closes all connections.
    #[cfg(feature = "cluster")]
    pub(super) fn close_all(&mut self, (code, reason): (u16, &str)) {
        let ids: Vec<UserId> = self.index.iter().map(|(id, _)| id).collect();
        ids.into_iter().for_each(|id| self.close(id, code, reason));
    }

    /// Sends the batch: one write for each member that has a part in it. Returns the subscribed members for which more bytes
    /// wait now than the limit of the send buffer allows.
    pub(super) fn flush(&mut self) -> Vec<UserId> {
        let mut behind = Vec::new();
        for group in self.groups.values_mut().filter(|group| group.is_touched) {
            let batch = mem::take(&mut group.batch);
            for member in &mut group.members {
                let (sent, is_behind) = member.flush(&batch);
                self.sent_bytes += sent;
                behind.extend(is_behind.then_some(member.id));
            }
            group.is_touched = false;
        }
        self.bytes = 0;
        behind
    }
}

impl<P: Recipient> Member<P> {
    /// Copies the broadcasts after `from` to its own buffer, so that the next message comes after them.
    fn copy_broadcasts(&mut self, batch: &Frames) {
        if let Some(from) = &mut self.from {
            self.own.append(batch, *from);
            *from = batch.len();
        }
    }

    /// One write: the group's frames as they are, unless the member has messages of its own. Returns the number of bytes, and
    /// whether the member is subscribed and cannot take more broadcasts. The next batch is empty.
    fn flush(&mut self, batch: &Frames) -> (u64, bool) {
        let (mut frames, mut from) = (batch, self.from.unwrap_or(batch.len()));
        if !self.own.is_empty() {
            self.copy_broadcasts(batch);
            (frames, from) = (&self.own, 0);
        }
        let bytes = frames.len() - from;
        let is_full = bytes > 0 && self.peer.send(frames, from);
        self.own.clear(0);
        self.from = self.from.map(|_| 0);
        (bytes as u64, is_full && self.from.is_some())
    }
}

/// Appends a message as one frame, or as one part of a stream, if the dialect has it. Returns the number of bytes.
fn encode(message: &ServerMessage, dialect: Dialect, frames: &mut Frames) -> usize {
    let before = frames.len();
    if let Some(text) = dialect.encode(message) {
        match dialect.is_stream() {
            true => frames.raw(text.as_bytes()),
            false => frames.text(&text),
        }
    }
    frames.len() - before
}

#[cfg(test)]
mod tests;
