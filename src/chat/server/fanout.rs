//! Collects what each client gets in a batch. A broadcast is encoded once for each dialect.
//!
//! A client receives its room's broadcasts since it subscribed, and the messages for it alone, in the order in which the
//! rules sent them. Each batch is one write for each client, in [`Fanout::flush`], or before a Close frame.
//!
//! A room's `batch` has its broadcasts as frames. A member without messages of its own gets them from byte `from` on.
//! A member with such messages has a buffer, `own`. Before a message is added to it, the broadcasts after `from` are
//! copied there, and `from` moves to the end of the batch. So a flush sends `own`, and then the batch from `from` on.

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
    /// Rooms with broadcasts in this batch.
    touched_rooms: Vec<RoomId>,
    /// Members with messages of their own in this batch.
    touched_members: Vec<UserId>,
    /// Subscribed members whose send buffers were too full after the last flush.
    behind: Vec<UserId>,
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
    batch: Option<Batch>,
}

#[derive(Debug)]
struct Member<P> {
    id: UserId,
    peer: P,
    handshake: Handshake,
    dialect: Dialect,
    is_subscribed: bool,
    own: Frames,
    /// Bytes in `own` that count against the limit of the send buffer.
    counted: usize,
    from: usize,
}

// Not derived, because that would require `P: Default`.
impl<P> Default for Fanout<P> {
    fn default() -> Self {
        let (rooms, index, touched_rooms, touched_members, behind) = Default::default();
        let (bytes, deliveries, sent_bytes) = Default::default();
        Self { rooms, index, touched_rooms, touched_members, behind, bytes, deliveries, sent_bytes }
    }
}

impl<P: Recipient> Fanout<P> {
    /// Adds a member that gets only the messages for it alone, until [`subscribe`](Self::subscribe).
    pub(super) fn join(&mut self, id: UserId, peer: P, dialect: Dialect, room_id: RoomId, handshake: Handshake) {
        if !self.rooms.contains(room_id) {
            self.rooms.insert(room_id, Room { members: Vec::new(), dialects: Default::default(), batch: None });
        }
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        room.dialects[dialect as usize] += 1;
        self.index.insert(id, (room_id, room.members.len()));
        let (is_subscribed, own, counted, from) = Default::default();
        room.members.push(Member { id, peer, handshake, dialect, is_subscribed, own, counted, from });
    }

    /// A member's connection and handshake.
    pub(super) fn peer(&self, id: UserId) -> Option<(&P, &Handshake)> {
        let (room, place) = *self.index.get(id)?;
        self.rooms.get(room)?.members.get(place).map(|member| (&member.peer, &member.handshake))
    }

    /// From now on the member gets the broadcasts of its room.
    pub(super) fn subscribe(&mut self, id: UserId) {
        let Some((member, batch)) = self.find(id) else { return };
        member.from = batch.map_or(0, |batch| batch[member.dialect as usize].len());
        member.is_subscribed = true;
    }

    /// The member gets no more broadcasts of its room, after those of this batch.
    pub(super) fn unsubscribe(&mut self, id: UserId) {
        let Some((member, batch)) = self.find(id) else { return };
        let is_first = member.own.is_empty();
        member.copy_broadcasts(batch);
        member.is_subscribed = false;
        if is_first && !member.own.is_empty() {
            self.touched_members.push(id);
        }
    }

    pub(super) fn members(&self) -> usize {
        self.index.len()
    }

    /// The members for which more bytes wait than the limit of the send buffer allows, since the last call.
    pub(super) fn take_behind(&mut self) -> Vec<UserId> {
        mem::take(&mut self.behind)
    }

    fn find(&mut self, id: UserId) -> Option<(&mut Member<P>, Option<&Batch>)> {
        let (room, place) = *self.index.get(id)?;
        let room = self.rooms.get_mut(room)?;
        Some((room.members.get_mut(place)?, room.batch.as_ref()))
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

    /// Adds a message for all subscribed members of a room, except one that gets its own copy next.
    pub(super) fn broadcast(&mut self, room_id: RoomId, message: &ServerMessage, except: Option<UserId>) {
        if let Some((member, batch)) = except.and_then(|id| self.find(id)) {
            member.copy_broadcasts(batch);
        }
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        let batch = room.batch.get_or_insert_with(|| {
            self.touched_rooms.push(room_id);
            Batch::default()
        });
        if let ServerMessage::Message(_) = message {
            self.deliveries += room.members.len() as u64;
        }
        for dialect in DIALECTS {
            if room.dialects[dialect as usize] > 0 {
                self.bytes += encode(message, dialect, &mut batch[dialect as usize]);
            }
        }
        if let Some((member, Some(batch))) = except.and_then(|id| self.find(id)) {
            member.from = batch[member.dialect as usize].len();
        }
    }

    /// Adds a message for one member.
    pub(super) fn send(&mut self, id: UserId, message: &ServerMessage) {
        let Some((member, batch)) = self.find(id) else { return };
        let is_first = member.own.is_empty();
        member.copy_broadcasts(batch);
        let bytes = encode(message, member.dialect, &mut member.own);
        // A member that is behind gets log messages only when it has taken the last ones. Others must be limited.
        if !member.is_subscribed && !is_from_log(message) {
            member.counted += bytes;
        }
        self.bytes += bytes;
        if is_first {
            self.touched_members.push(id);
        }
    }

    /// Removes a member, sends its part of the batch so far, and closes its connection.
    pub(super) fn close(&mut self, id: UserId, code: u16, reason: &str) {
        let Some((member, batch)) = self.find(id) else { return };
        let mut sent = 0;
        member.flush(batch, &mut sent);
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

    /// Sends the batch: one write for each member that has a part in it.
    pub(super) fn flush(&mut self) {
        for room in self.touched_rooms.drain(..) {
            let Some(room) = self.rooms.get_mut(room) else { continue };
            let batch = room.batch.take();
            for member in &mut room.members {
                if member.flush(batch.as_ref(), &mut self.sent_bytes) {
                    self.behind.push(member.id);
                }
                member.from = 0;
            }
        }
        let mut sent = 0;
        for id in mem::take(&mut self.touched_members) {
            if self.find(id).is_some_and(|(member, _)| member.flush(None, &mut sent)) {
                self.behind.push(id);
            }
        }
        self.sent_bytes += sent;
        self.bytes = 0;
    }
}

impl<P: Recipient> Member<P> {
    /// Copies the broadcasts after `from` to its own buffer, so that the next message comes after them.
    fn copy_broadcasts(&mut self, batch: Option<&Batch>) {
        if let Some(batch) = batch.filter(|_| self.is_subscribed) {
            let frames = &batch[self.dialect as usize];
            self.own.append(frames, self.from);
            self.from = frames.len();
        }
    }

    /// One write: the room's frames as they are, unless the member has messages of its own. Returns whether the member is
    /// subscribed and cannot take more broadcasts. Adds the number of bytes to `sent`.
    fn flush(&mut self, batch: Option<&Batch>, sent: &mut u64) -> bool {
        let mut is_full = false;
        if !self.own.is_empty() {
            self.copy_broadcasts(batch);
            *sent += self.own.len() as u64;
            is_full = self.peer.send(&self.own, 0, mem::take(&mut self.counted));
            self.own.clear(0);
        } else if let Some(batch) = batch.filter(|_| self.is_subscribed) {
            let broadcasts = &batch[self.dialect as usize];
            if self.from < broadcasts.len() {
                *sent += (broadcasts.len() - self.from) as u64;
                is_full = self.peer.send(broadcasts, self.from, 0);
            }
        }
        is_full && self.is_subscribed
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
