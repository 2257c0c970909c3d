//! What a connection receives of the messages before it joined, and what happens when an archive knows more of a room.
//!
//! A returning client may have missed more than its send buffer can hold. So it receives one part, then the next one when
//! it has taken that. Meanwhile it is not subscribed to its room: new messages come in their turn. A client that takes
//! messages more slowly than they come is served in the same way.

use super::{Chat, Output, RoomId, RoomName, RoomSnapshot, Since, message_log::MessageLog, room::Room};
use crate::chat::protocol::{ByteBudget, Millis, ResumeToken, ServerMessage, StoredMessage, UserId};

/// How long an archive that does not answer is asked again. After that its messages count as gone, so that the connection
/// receives new ones.
const ARCHIVE_TIMEOUT: Millis = 10_000;

/// A connection that has not received all messages yet.
#[derive(Debug, Clone)]
pub(super) struct CatchUp {
    pub(super) id: UserId,
    /// The number of the last message that it has received, or that is gone.
    pub(super) received: u64,
    /// The room's last message and its number of user lists when it was without broadcasts. If they are the same at the end, it
    /// missed nothing. `None` if it had to wait for a part, so that it missed user lists.
    left_at: Option<(u64, u64)>,
    /// Since when the archive has not answered a request for it.
    unanswered: Option<Millis>,
    /// The numbers of later messages that it has sent again: each message comes in its turn, with its nonce.
    pub(super) repeated: Vec<u64>,
}

impl Chat {
    /// Sends a new connection its id and earlier messages: the last ones, or those that it missed if it returns.
    pub(super) fn welcome(&mut self, id: UserId, room: RoomId, since: Option<Since<'_>>) {
        let Some(Room { log, list, .. }) = self.rooms.get(room) else { return };
        let left_at = Some((log.last, list.sent));
        let is_stream = self.members.get(id).is_some_and(|member| member.client.dialect.is_stream());
        let is_valid = |since: &Since<'_>| since.log.is_none_or(|id| *id == *log.log_id) && since.seq <= log.last;
        // The last message that the client has, or does not get. `None`: it belongs to another numbering, and everything is sent.
        let begin = match since {
            Some(since) => Some(since).filter(is_valid).map(|since| since.seq),
            None if is_stream => Some(log.last),
            None => Some(log.last - log.count_last(self.rules.history_lines, self.rules.replay_bytes)),
        };
        let received = begin.unwrap_or(0);
        // A stream begins after the last message that its reader has, so that it can begin there again.
        self.out.extend(self.id_message(id, log, if is_stream { received } else { log.last }));
        self.out.extend(begin.is_none().then_some(Output::Send(id, ServerMessage::Gap { missed: None })));
        self.catch_ups.push_back(CatchUp { id, received, left_at, unanswered: None, repeated: Vec::new() });
        self.send_next_part(id);
    }

    /// A client has received every message so far, but cannot take more now.
    pub(super) fn fall_behind(&mut self, id: UserId) {
        let Some(room) = self.room(id).filter(|_| self.received_up_to(id).is_none()) else { return };
        let (received, left_at) = (room.log.last, Some((room.log.last, room.list.sent)));
        self.catch_ups.push_back(CatchUp { id, received, left_at, unanswered: None, repeated: Vec::new() });
        self.out.push(Output::Unsubscribe(id));
    }

    /// The connections that are catching up, in the order of their turns. Give each one
    /// [`Input::Ready`](super::Input::Ready) when it has taken what was sent to it.
    pub fn catching_up(&self) -> impl Iterator<Item = UserId> + '_ {
        self.catch_ups.iter().map(|catch_up| catch_up.id)
    }

    /// The number of the last message that a connection has received, if it is catching up.
    pub(super) fn received_up_to(&self, id: UserId) -> Option<u64> {
        self.catch_ups.iter().find(|catch_up| catch_up.id == id).map(|catch_up| catch_up.received)
    }

    pub(super) fn send_next_part(&mut self, id: UserId) {
        let Some(mut catch_up) = self.take_catch_up(id) else { return };
        let Some(Room { log, name, .. }) = self.room(id) else { return };
        let (last, forgotten, room, bytes) =
            (log.last, log.last_forgotten(), name.key().clone(), self.rules.replay_bytes);
        // What comes before this is not available, or too much to be read. What is in memory need not be read.
        let most = if self.rules.archive { self.rules.replay_messages as u64 } else { 0 };
        let first = last.saturating_sub(most).min(forgotten);
        self.send_gap(&mut catch_up, first);
        if catch_up.received >= forgotten {
            return self.send_from_memory(catch_up, ByteBudget::new(bytes));
        }
        self.out.push(Output::Load { id, room, after: catch_up.received, up_to: forgotten, bytes });
        self.catch_ups.push_back(catch_up);
    }

    /// Sends the messages that the archive returned. If it did not answer, they are requested again until a timeout.
    pub(super) fn loaded(&mut self, id: UserId, up_to: u64, messages: Option<&[StoredMessage]>) {
        let Some(mut catch_up) = self.take_catch_up(id) else { return };
        let now = self.now.uptime;
        let unanswered = *catch_up.unanswered.get_or_insert(now);
        if messages.is_none() && now.saturating_sub(unanswered) < ARCHIVE_TIMEOUT {
            return self.wait(catch_up);
        }
        catch_up.unanswered = None;
        let mut budget = ByteBudget::new(self.rules.replay_bytes);
        let messages = messages.unwrap_or_default();
        for message in messages.iter().filter(|message| message.seq <= up_to) {
            if message.seq > catch_up.received {
                self.send_gap(&mut catch_up, message.seq - 1);
                self.out.push(history(id, message, &catch_up.repeated));
                budget.spend(message);
                catch_up.received = message.seq;
            }
        }
        if messages.is_empty() {
            self.send_gap(&mut catch_up, up_to);
        }
        self.send_from_memory(catch_up, budget);
    }

    /// Sends the messages in memory that follow and fit. A connection that has received all is subscribed to its room. To others,
    /// the rest comes in another part.
    fn send_from_memory(&mut self, mut catch_up: CatchUp, mut budget: ByteBudget) {
        let id = catch_up.id;
        let Some(room) = self.room_of(id).and_then(|room| self.rooms.get(room)) else { return };
        for (message, seq) in room.log.after(catch_up.received).zip(catch_up.received + 1..) {
            if message.seq != seq || !budget.spend(message) {
                break;
            }
            self.out.push(history(id, message, &catch_up.repeated));
            catch_up.received = seq;
        }
        if catch_up.received < room.log.last {
            return self.wait(catch_up);
        }
        self.out.push(Output::Subscribe(id));
        // If it missed nothing, it does not need the list, which may be what it could not take.
        if catch_up.left_at != Some((catch_up.received, room.list.sent)) {
            self.out.push(Output::Send(id, room.user_list()));
        }
    }

    /// The connection's next turn comes after those of all others.
    fn wait(&mut self, mut catch_up: CatchUp) {
        catch_up.left_at = None;
        catch_up.repeated.retain(|seq| *seq > catch_up.received);
        self.catch_ups.push_back(catch_up);
    }

    pub(super) fn take_catch_up(&mut self, id: UserId) -> Option<CatchUp> {
        let place = self.catch_ups.iter().position(|catch_up| catch_up.id == id)?;
        self.catch_ups.remove(place)
    }

    /// Whether [`restore`](Self::restore) is needed before a connection enters this room.
    #[must_use]
    pub fn needs_snapshot(&self, room: &RoomName) -> bool {
        let is_restored = |id| self.rooms.get(id).is_some_and(|room| room.is_restored);
        self.rules.archive && !self.find_room(room).is_some_and(is_restored)
    }

    /// Inserts a room's archived messages. Nothing changes if the room was restored already or has messages, or if there are too
    /// many rooms.
    pub fn restore(&mut self, room: &RoomName, snapshot: RoomSnapshot) {
        let Some(id) = self.open_room(room) else { return };
        let Some(room) = self.rooms.get_mut(id).filter(|room| !room.is_restored && room.log.last == 0) else { return };
        (room.is_restored, room.log) = (true, MessageLog::restored(snapshot));
        self.shrink_logs(id);
        self.release_room(id);
    }

    pub(super) fn id_message(&self, id: UserId, log: &MessageLog, seq: u64) -> Option<Output> {
        let resume = ResumeToken { id, secret: self.members.get(id)?.client.secret };
        Some(Output::Send(id, ServerMessage::Id { id, seq, log: log.log_id.clone(), resume }))
    }

    /// Tells a client that the messages up to this number are gone.
    fn send_gap(&mut self, catch_up: &mut CatchUp, last: u64) {
        if last > catch_up.received {
            self.out.push(Output::Send(catch_up.id, ServerMessage::Gap { missed: Some(last - catch_up.received) }));
            catch_up.received = last;
        }
    }
}

/// An earlier message. Its nonce is for its author, and for a connection that has sent it again.
pub(super) fn history(to: UserId, message: &StoredMessage, repeated: &[u64]) -> Output {
    if message.is_deleted() {
        return Output::Send(to, ServerMessage::Deleted { seq: vec![message.seq] });
    }
    let nonce = message.nonce.clone().filter(|_| message.id == to || repeated.contains(&message.seq));
    Output::Send(to, ServerMessage::History(StoredMessage { nonce, ..message.clone() }))
}
