//! The rules of the chat: a state machine without I/O. The same inputs at the same times give the same outputs.
//!
//! Rule 1: no output is for a connection that has left or was closed.
//! Rule 2: no two users in a room have names that compare equal (RFC 8266).
//! Rule 3: after the last tick that [`Chat::next_tick`] asks for, the last user list of a room is correct. That list
//! has the users with a name, the oldest connection first.
//! Rule 4: a message goes to no other room. A room's messages are numbered without gap or duplicate, and a connection
//! receives them in this order, those before it joined first. Only the answer to a message that was sent again comes out of
//! turn.

use crate::chat::protocol::{ClientMessage, Dialect, ErrorReason, Millis, ProtocolError, ServerMessage, UserId};
use crate::ws::id_map::IdMap;
use std::{collections::VecDeque, mem, sync::Arc};

mod catch_up;
mod command;
mod events;
mod execute;
mod limits;
mod message_log;
mod moderation;
mod names;
mod reservations;
mod room;
mod room_name;
mod rooms;
mod throttle;

use catch_up::CatchUp;
use moderation::CLOSED;
use reservations::Reservation;
use room::Room;

pub use command::Restriction;
pub use events::{ClientInfo, Erasure, Input, Now, Output, RoomId, RoomSnapshot, Since};
pub use limits::{Rate, Rules};
pub use room_name::RoomName;
pub(crate) use throttle::{Gate, Verdict};

/// The error is what the client receives.
type Result<T = (), E = ProtocolError> = std::result::Result<T, E>;

/// The chat.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Chat {
    #[serde(skip)]
    pub(super) rules: Rules,
    members: IdMap<UserId, Member>,
    /// A room exists while it has users, reserved names or a history; the lobby always does.
    rooms: IdMap<RoomId, Room>,
    /// Grows with each room that is added or becomes empty.
    room_counter: u64,
    /// The names of all numberings begin with it.
    log_id_prefix: u64,
    /// The rates of connections and addresses. In a cluster, each server has one of its own instead.
    #[serde(skip)]
    gate: Gate,
    /// The oldest one first.
    reservations: VecDeque<Reservation>,
    /// Those that operators have ordered. Some of them may have ended.
    restrictions: Vec<Restriction>,
    /// The connections that are catching up. The first one is served next.
    #[serde(skip)]
    catch_ups: VecDeque<CatchUp>,
    /// The time of this input.
    #[serde(skip)]
    now: Now,
    /// The outputs of this input.
    #[serde(skip)]
    out: Vec<Output>,
}

/// A connection.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Member {
    client: ClientInfo,
    room: RoomId,
    /// When it joined, or sent its last message that was not too fast for the room.
    last_sent: Millis,
    /// When it joined, or sent its last message to the room.
    spoke_at: Millis,
    /// Messages rejected in a row, without those that came too fast.
    strikes: u32,
}

impl Chat {
    /// An empty chat. The ids of its logs begin with this prefix, which must differ from that of every earlier chat of the
    /// same clients. Otherwise a returning client would mistake new messages for old ones.
    #[must_use]
    pub fn new(rules: Rules, log_id_prefix: u64) -> Self {
        let mut chat = Self {
            rules,
            members: IdMap::default(),
            rooms: IdMap::default(),
            room_counter: 0,
            log_id_prefix,
            gate: Gate::new(rules),
            reservations: VecDeque::new(),
            restrictions: Vec::new(),
            catch_ups: VecDeque::new(),
            now: Now::default(),
            out: Vec::new(),
        };
        chat.add_room(&RoomName::lobby());
        chat
    }

    /// Takes one input, and returns what follows from it.
    ///
    /// [`Now::uptime`] must not go backwards, [`Now::date`] may.
    #[must_use]
    pub fn apply(&mut self, now: Now, input: Input<'_>) -> Vec<Output> {
        self.now = now;
        // Other inputs are about one process. In a cluster, they must not change what all servers share.
        if matches!(input, Input::Joined(..) | Input::Text(..) | Input::Binary(..) | Input::Left(..) | Input::Post(..))
        {
            self.end_reservations();
        }
        match input {
            Input::Joined(client, room, since) => self.join(client, room, since),
            Input::Text(id, text) => self.receive(id, text),
            Input::Binary(id) => {
                let error = ServerMessage::Error(ErrorReason::NotText.into());
                self.out.extend(self.room_of(id).map(|_| Output::Send(id, error)));
                self.close(id, 1003, "text only", true);
            }
            Input::Left(id, is_lost) => self.leave(id, is_lost),
            Input::Post(id, address, room, post) => {
                let result = self.post(id, address, room, post);
                let result = result.map_err(|error| error.with_nonce(post.nonce.clone()));
                self.out.push(Output::Posted(id, result));
            }
            Input::Ready(id) => self.send_next_part(id),
            Input::Behind(id) => self.fall_behind(id),
            Input::Loaded(id, up_to, messages) => self.loaded(id, up_to, messages),
            Input::Command(line) => {
                let answer = self.command(None, line);
                self.answer(None, answer);
            }
            Input::Restrictions(restrictions) => self.set_restrictions(restrictions),
            Input::Erased(by, messages) => self.erased(by, messages),
            Input::Tick => self.send_due_lists(),
        }
        mem::take(&mut self.out)
    }

    /// The [`Now::uptime`] at which an [`Input::Tick`] is needed; `None` if no user list is pending. Other ticks do no
    /// harm.
    #[must_use]
    pub fn next_tick(&self) -> Option<Millis> {
        self.rooms.iter().filter_map(|(_, room)| room.list.due()).min()
    }

    /// The room of a connection; `None` if it has left or was not let in.
    #[must_use]
    pub fn room_of(&self, id: UserId) -> Option<RoomId> {
        self.members.get(id).map(|member| member.room)
    }

    /// Every room's name and its number of users with a name, the lobby first.
    pub fn rooms(&self) -> impl Iterator<Item = (&Arc<str>, usize)> + '_ {
        self.rooms.iter().map(|(_, room)| (room.name.shown(), room.users().count()))
    }

    /// The user list of a room; `None` if it has no users.
    #[must_use]
    pub fn user_list(&self, room: RoomId) -> Option<ServerMessage> {
        self.rooms.get(room).filter(|room| room.users().next().is_some()).map(Room::user_list)
    }

    fn room(&self, id: UserId) -> Option<&Room> {
        self.rooms.get(self.room_of(id)?)
    }

    fn join(&mut self, client: ClientInfo, name: &RoomName, since: Option<Since<'_>>) {
        let id = client.id;
        if self.members.get(id).is_some() {
            return;
        }
        if self.of_room(name, "close").is_some() {
            return self.out.push(Output::Close(id, 1008, CLOSED));
        }
        let Some((room_id, room)) = self.open_room(name).and_then(|id| Some((id, self.rooms.get_mut(id)?))) else {
            return self.out.push(Output::Close(id, 1013, "too many rooms; try again later"));
        };
        if self.rules.room_users.is_some_and(|most| room.members.len() >= most) {
            return self.out.push(Output::Close(id, 1013, "this room is full; try again later"));
        }
        room.members.insert(id, None);
        room.empty_since = None;
        let now = self.now.uptime;
        self.gate.join(&client, now);
        self.members.insert(id, Member { client, room: room_id, last_sent: now, spoke_at: now, strikes: 0 });
        self.welcome(id, room_id, since);
        if client.dialect == Dialect::Text {
            // The first line that a user types is a message, so the client needs a name from the start.
            let _ = self.set_name(id, &format!("guest-{id}"), None, false);
        }
    }

    fn receive(&mut self, id: UserId, text: &str) {
        let Some(dialect) = self.members.get(id).map(|member| member.client.dialect) else { return };
        let result = match self.gate.judge(id, text.len(), self.now.uptime) {
            Some(Verdict::Close) => return self.close(id, 1008, "flooding", true),
            Some(Verdict::Reject) => Err(ErrorReason::TooFast.into()),
            // One of another process was judged there.
            Some(Verdict::Accept) | None => dialect.decode(text).and_then(|message| {
                self.charge_room_rate(id, text.len(), &message)?;
                self.execute(id, message)
            }),
        };
        let Some(member) = self.members.get_mut(id) else { return };
        let Err(error) = result else {
            member.strikes = 0;
            return;
        };
        let is_strike = error.reason != ErrorReason::TooFast;
        member.strikes = member.strikes.saturating_add(is_strike.into());
        let is_last_strike = is_strike && self.rules.strikes.is_some_and(|most| member.strikes >= most);
        // An error names the message by its nonce, whatever is wrong with it.
        self.out.push(Output::Send(id, ServerMessage::Error(error.with_nonce(dialect.nonce(text)))));
        if is_last_strike {
            self.close(id, 1008, "too many errors", true);
        }
    }

    /// Takes the price of a message from the rate that its room's connections share. It does not reject that of a connection
    /// that was quiet: a few connections must not silence the others.
    fn charge_room_rate(&mut self, id: UserId, bytes: usize, message: &ClientMessage) -> Result {
        let is_for_room = match message {
            ClientMessage::Message(post) => post.target.is_none(),
            // Many users who sign in at once are not a flood.
            ClientMessage::SetName(..) => self.room(id).is_some_and(|room| room.name_of(id).is_some()),
            _ => false,
        };
        let is_paid = !is_for_room || self.room_of(id).is_none_or(|room| self.charge_room(room, bytes) == 0);
        let (now, Some(member)) = (self.now.uptime, self.members.get_mut(id)) else { return Ok(()) };
        if !is_paid && !throttle::was_quiet(member.last_sent, now, bytes) {
            return Err(ErrorReason::TooFast.into());
        }
        member.last_sent = now;
        Ok(())
    }

    /// Takes the price of a message of so many bytes, if the room has tokens for it. Returns how many microseconds it must wait.
    fn charge_room(&mut self, room: RoomId, bytes: usize) -> u64 {
        let (now, Some(room)) = (self.now.uptime, self.rooms.get_mut(room)) else { return 0 };
        self.rules.room_rate.map_or(0, |rate| rate.charge(&mut room.limiter, now, bytes))
    }

    /// Closes a connection, if it is here. As in [`Input::Left`], the user may come back if it is lost.
    fn close(&mut self, id: UserId, code: u16, reason: &'static str, is_lost: bool) {
        self.out.extend(self.room_of(id).map(|_| Output::Close(id, code, reason)));
        self.leave(id, is_lost);
    }

    /// If the connection was lost, the name of its user stays reserved for a while.
    fn leave(&mut self, id: UserId, is_lost: bool) {
        let Some(Member { room: room_id, client, .. }) = self.members.remove(id) else { return };
        self.gate.leave(id);
        self.take_catch_up(id);
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        if let Some(name) = room.leave(id) {
            self.out.push(Output::Broadcast(room_id, ServerMessage::Left(name.shown.clone()), None));
            if is_lost {
                self.reserve(room_id, name, client);
            }
            self.send_due_lists();
        }
        self.release_room(room_id);
    }

    /// Sends the user lists that have changed and are due.
    fn send_due_lists(&mut self) {
        let now = self.now.uptime;
        for (id, room) in self.rooms.iter_mut().filter(|(_, room)| room.list.due().is_some_and(|due| due <= now)) {
            room.list.mark_sent(now, room.user_list_size(), &self.rules);
            self.out.push(Output::Broadcast(id, room.user_list(), None));
        }
    }
}

#[cfg(test)]
mod tests;
