//! Collects what each client gets in a batch. A broadcast is encoded once for each dialect.
//!
//! A client receives its room's broadcasts since it subscribed, and the messages for it alone, in the order in which the
//! rules sent them. Each batch is one write for each client, in [`Fanout::flush`], or before a Close frame.
//!
//! A room's `batch` has its broadcasts as frames. A member without messages of its own gets them from byte `from` on.
//! A member with such messages has a buffer, `own`. Before a message is added to it, the broadcasts after `from` are
//! copied there, and `from` moves to the end of the batch. So a flush sends `own`, and then the batch from `from` on.
//! A flush visits each member of a room in which something has to be sent.

use crate::{
    chat::protocol::{Dialect, ServerMessage, UserId},
    chat::rules::RoomId,
    ws::Frames,
    ws::id_map::IdMap,
    ws::peer::Peer,
};
use std::{mem, sync::Arc};

/// A batch is sent when it has this many bytes. Small, because several batches must fit into a member's send buffer.
const MAX_BATCH_BYTES: usize = 64 * 1024;

/// A room's broadcasts in this batch, by dialect.
type Batch = [Frames; DIALECTS.len()];

const DIALECTS: [Dialect; 6] =
    [Dialect::Json, Dialect::Chinwag, Dialect::Text, Dialect::Sse, Dialect::Ndjson, Dialect::Lines];

/// What frames are sent to: a [`Peer`], or its replacement in tests.
pub(super) trait Recipient {
    /// Sends the frames from byte `from` on. Of these, `counted` bytes count against the limit of the send buffer. Returns
    /// whether more bytes than that limit wait.
    fn send(&self, frames: &Frames, from: usize, counted: usize) -> bool;
    fn close(&self, code: u16, reason: &str);
}

impl Recipient for Peer {
    fn send(&self, frames: &Frames, from: usize, counted: usize) -> bool {
        self.send_counting(frames, from, counted)
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
    rooms: IdMap<RoomId, Room<P>>,
    /// Each member's room, and its place there.
    index: IdMap<UserId, (RoomId, usize)>,
    /// Bytes encoded in this batch.
    bytes: usize,
    /// Messages of rooms since the start, counted once for each member that they were for.
    pub(super) deliveries: u64,
    /// Bytes given to connections since the start.
    pub(super) sent_bytes: u64,
}

#[derive(Debug)]
struct Room<P> {
    /// Stored inline: each extra pointer would cost a cache miss for each member and flush.
    members: Vec<Member<P>>,
    /// The number of members by dialect. A dialect without members is not encoded.
    dialects: [usize; DIALECTS.len()],
    batch: Batch,
    /// Whether a member gets something in this batch.
    is_touched: bool,
}

#[derive(Debug)]
struct Member<P> {
    id: UserId,
    peer: P,
    handshake: Handshake,
    dialect: Dialect,
    own: Frames,
    /// Bytes in `own` that count against the limit of the send buffer.
    counted: usize,
    /// `None`: it is not subscribed.
    from: Option<usize>,
}

// Not derived, because that would require `P: Default`.
impl<P> Default for Fanout<P> {
    fn default() -> Self {
        Self { rooms: IdMap::default(), index: IdMap::default(), bytes: 0, deliveries: 0, sent_bytes: 0 }
    }
}

impl<P: Recipient> Fanout<P> {
    /// Adds a member that gets only the messages for it alone, until [`subscribe`](Self::subscribe).
    pub(super) fn join(&mut self, id: UserId, peer: P, dialect: Dialect, room_id: RoomId, handshake: Handshake) {
        if !self.rooms.contains(room_id) {
            let (members, dialects, batch) = Default::default();
            self.rooms.insert(room_id, Room { members, dialects, batch, is_touched: false });
        }
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        room.dialects[dialect as usize] += 1;
        self.index.insert(id, (room_id, room.members.len()));
        room.members.push(Member { id, peer, handshake, dialect, own: Frames::new(), counted: 0, from: None });
    }

    /// A member's connection and handshake.
    pub(super) fn peer(&self, id: UserId) -> Option<(&P, &Handshake)> {
        let (room, place) = *self.index.get(id)?;
        self.rooms.get(room)?.members.get(place).map(|member| (&member.peer, &member.handshake))
    }

    /// From now on the member gets the broadcasts of its room.
    pub(super) fn subscribe(&mut self, id: UserId) {
        let Some((room, place)) = self.find(id) else { return };
        let member = &mut room.members[place];
        member.from = Some(room.batch[member.dialect as usize].len());
    }

    /// The member gets no more broadcasts of its room, after those of this batch.
    pub(super) fn unsubscribe(&mut self, id: UserId) {
        let Some((room, place)) = self.find(id) else { return };
        room.members[place].copy_broadcasts(&room.batch);
        room.members[place].from = None;
    }

    pub(super) fn members(&self) -> usize {
        self.index.len()
    }

    fn find(&mut self, id: UserId) -> Option<(&mut Room<P>, usize)> {
        let (room, place) = *self.index.get(id)?;
        Some((self.rooms.get_mut(room)?, place))
    }

    pub(super) fn leave(&mut self, id: UserId) {
        let Some((room_id, place)) = self.index.remove(id) else { return };
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        let member = room.members.swap_remove(place);
        room.dialects[member.dialect as usize] -= 1;
        if let Some(moved) = room.members.get(place) {
            self.index.insert(moved.id, (room_id, place));
        }
        if room.members.is_empty() {
            self.rooms.remove(room_id);
        }
    }

    /// Whether the batch should be sent now.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MAX_BATCH_BYTES
    }

    /// Adds a message for all subscribed members of a room, except one of them that gets its own copy next.
    pub(super) fn broadcast(&mut self, room_id: RoomId, message: &ServerMessage, except: Option<UserId>) {
        if let Some((room, place)) = except.and_then(|id| self.find(id)) {
            room.members[place].copy_broadcasts(&room.batch);
        }
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        room.is_touched = true;
        if let ServerMessage::Message(_) = message {
            self.deliveries += room.members.len() as u64;
        }
        for dialect in DIALECTS {
            if room.dialects[dialect as usize] > 0 {
                self.bytes += encode(message, dialect, &mut room.batch[dialect as usize]);
            }
        }
        // The broadcasts of this member go on after this one.
        except.into_iter().for_each(|id| self.subscribe(id));
    }

    /// Adds a message for one member.
    pub(super) fn send(&mut self, id: UserId, message: &ServerMessage) {
        let Some((room, place)) = self.find(id) else { return };
        room.is_touched = true;
        let member = &mut room.members[place];
        member.copy_broadcasts(&room.batch);
        let bytes = encode(message, member.dialect, &mut member.own);
        // A member that is behind gets log messages only when it has taken the last ones. Others must be limited.
        if member.from.is_none() && !is_from_log(message) {
            member.counted += bytes;
        }
        self.bytes += bytes;
    }

    /// Removes a member, sends its part of the batch so far, and closes its connection.
    pub(super) fn close(&mut self, id: UserId, code: u16, reason: &str) {
        let Some((room, place)) = self.find(id) else { return };
        let member = &mut room.members[place];
        let (sent, _) = member.flush(&room.batch);
        member.peer.close(code, reason);
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
        for room in self.rooms.values_mut().filter(|room| room.is_touched) {
            room.is_touched = false;
            let batch = mem::take(&mut room.batch);
            for member in &mut room.members {
                let (sent, is_behind) = member.flush(&batch);
                self.sent_bytes += sent;
                behind.extend(is_behind.then_some(member.id));
                member.from = member.from.map(|_| 0);
            }
        }
        self.bytes = 0;
        behind
    }
}

impl<P: Recipient> Member<P> {
    /// Copies the broadcasts after `from` to its own buffer, so that the next message comes after them.
    fn copy_broadcasts(&mut self, batch: &Batch) {
        if let Some(from) = &mut self.from {
            let frames = &batch[self.dialect as usize];
            self.own.append(frames, *from);
            *from = frames.len();
        }
    }

    /// One write: the room's frames as they are, unless the member has messages of its own. Returns the number of bytes, and
    /// whether the member is subscribed and cannot take more broadcasts.
    fn flush(&mut self, batch: &Batch) -> (u64, bool) {
        let (mut frames, mut from) = (&batch[self.dialect as usize], self.from.unwrap_or(usize::MAX));
        if !self.own.is_empty() {
            self.copy_broadcasts(batch);
            (frames, from) = (&self.own, 0);
        }
        let bytes = frames.len().saturating_sub(from);
        let is_full = bytes > 0 && self.peer.send(frames, from, mem::take(&mut self.counted));
        self.own.clear(0);
        (bytes as u64, is_full && self.from.is_some())
    }
}

/// Whether the rules send this message to a member that is behind only when it has taken everything before.
fn is_from_log(message: &ServerMessage) -> bool {
    use ServerMessage::{Deleted, Gap, History, UserList};
    matches!(message, History(_) | Gap { .. } | Deleted { .. } | UserList { .. })
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
