//! The rules of the chat: a state machine without I/O. The same inputs at the same times give the same outputs.
//!
//! Rule 1: no output is for a connection that has left or was closed.
//! Rule 2: no two users in a room have names that compare equal (RFC 8266).
//! Rule 3: after the last tick that [`Chat::next_tick`] asks for, the last user list of a room is correct. That list
//! has the users with a name, the oldest connection first.
//! Rule 4: a message goes to no other room. A room's messages are numbered without gap or duplicate, and a connection
//! receives them in this order, those before it joined first.

use crate::{
    chat::protocol::{ClientMessage, Dialect, ErrorReason, Millis, ProtocolError, ResumeToken, ServerMessage, UserId},
    ws::id_map::IdMap,
    ws::rate_limiter::{RateLimiter, RateLimiters},
};
use core::net::IpAddr;
use std::{collections::VecDeque, mem, sync::Arc};

mod catch_up;
mod command;
mod events;
mod execute;
#[cfg(feature = "cluster")]
mod gate;
mod limits;
mod message_log;
mod moderation;
mod name_registry;
mod names;
mod post;
mod reservations;
mod room;
mod room_name;
mod rooms;
#[cfg(feature = "cluster")]
mod snapshot;
mod throttle;

use catch_up::CatchUp;
use moderation::CLOSED;
use reservations::{Reservation, Reservations};
use room::Room;
use rooms::Rooms;
use throttle::MAX_ADDRESSES;
pub(crate) use throttle::Verdict;

pub use command::{Restriction, usage as command_usage};
pub use events::{ClientInfo, Erasure, Input, Now, Output, RoomId, RoomSnapshot, Since};
#[cfg(feature = "cluster")]
pub(crate) use gate::Gate;
pub use limits::{Rate, Rules};
pub use room_name::RoomName;

/// The chat.
#[derive(Debug)]
#[cfg_attr(feature = "cluster", derive(Clone, serde::Serialize, serde::Deserialize))]
pub struct Chat {
    #[cfg_attr(feature = "cluster", serde(skip))]
    rules: Rules,
    members: IdMap<UserId, Member>,
    rooms: Rooms,
    /// What each address has sent. One without connections is remembered as well, or reconnecting would restore its burst.
    #[cfg_attr(feature = "cluster", serde(skip, default = "snapshot::addresses"))]
    addresses: RateLimiters,
    reservations: Reservations,
    /// Those that operators have ordered. Some of them may have ended.
    #[cfg_attr(feature = "cluster", serde(with = "snapshot::restrictions"))]
    restrictions: Vec<Restriction>,
    /// Rooms with a user list that has changed and was not sent yet.
    #[cfg_attr(feature = "cluster", serde(skip))]
    pending_lists: Vec<RoomId>,
    /// The connections that are catching up. The first one is served next.
    #[cfg_attr(feature = "cluster", serde(skip))]
    catch_ups: VecDeque<CatchUp>,
    /// The time of this input.
    #[cfg_attr(feature = "cluster", serde(skip))]
    now: Now,
    /// During [`Chat::apply`]: the caller's `out`, to which the outputs of this input are appended. Otherwise empty.
    #[cfg_attr(feature = "cluster", serde(skip))]
    out: Vec<Output>,
}

/// A connection.
#[derive(Debug)]
#[cfg_attr(feature = "cluster", derive(Clone, serde::Serialize, serde::Deserialize))]
struct Member {
    dialect: Dialect,
    room: RoomId,
    client: ClientInfo,
    /// When it joined, or sent its last message that was not too fast.
    last_sent: Millis,
    /// When it joined, or sent its last message to the room.
    spoke_at: Millis,
    /// The secret of its [`ResumeToken`].
    secret: u128,
    /// Messages rejected in a row, without those that came too fast.
    strikes: u32,
    limiter: RateLimiter,
}

impl Chat {
    /// An empty chat.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self::with_log_id_prefix(rules, 0)
    }

    /// An empty chat. The ids of its logs begin with this prefix, which must differ from that of every earlier chat of the
    /// same clients. Otherwise a returning client would mistake new messages for old ones. [`Chat::new`] has 0.
    #[must_use]
    pub fn with_log_id_prefix(rules: Rules, log_id_prefix: u64) -> Self {
        Self {
            rules,
            members: IdMap::default(),
            rooms: Rooms::new(log_id_prefix),
            addresses: RateLimiters::new(MAX_ADDRESSES),
            reservations: Reservations::default(),
            restrictions: Vec::new(),
            pending_lists: Vec::new(),
            catch_ups: VecDeque::new(),
            now: Now { uptime: 0, date: 0 },
            out: Vec::new(),
        }
    }

    /// Takes one input and appends what follows from it to `out`.
    ///
    /// [`Now::uptime`] must not go backwards, [`Now::date`] may.
    pub fn apply(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Output>) {
        self.now = now;
        mem::swap(&mut self.out, out);
        if !input.is_local() && !matches!(input, Input::Command(_)) {
            self.end_reservations();
        }
        match input {
            Input::Joined { id, dialect, room, since, secret, client } => {
                self.join((id, secret, client), dialect, room, since);
            }
            Input::Text { id, text } => self.receive(id, text),
            Input::Binary { id } => self.reject_binary(id),
            Input::Left { id, is_lost } => self.leave(id, is_lost),
            Input::Ready { id } => self.send_next_part(id),
            Input::Behind { id } => self.fall_behind(id),
            Input::Loaded { id, up_to, messages } => self.loaded(id, up_to, messages),
            Input::Command(line) => {
                if let Err(error) = self.command(None, line) {
                    self.out.push(Output::Answer(Err(error)));
                }
            }
            Input::Restrictions(restrictions) => self.set_restrictions(restrictions),
            Input::Erased { by, messages } => self.erased(by, messages),
            Input::Tick => self.send_due_lists(),
        }
        mem::swap(&mut self.out, out);
    }

    /// The [`Now::uptime`] at which an [`Input::Tick`] is needed; `None` if no user list is pending. Other ticks do no
    /// harm.
    #[must_use]
    pub fn next_tick(&self) -> Option<Millis> {
        self.pending_lists.iter().filter_map(|id| self.rooms.get(*id)?.list.due()).min()
    }

    /// The room of a connection; `None` if it has left or was not let in.
    #[must_use]
    pub fn room_of(&self, id: UserId) -> Option<RoomId> {
        self.members.get(id).map(|member| member.room)
    }

    /// The connections in a room, with or without a name, the oldest first.
    pub fn members(&self, room: RoomId) -> impl Iterator<Item = UserId> + '_ {
        self.rooms.get(room).into_iter().flat_map(|room| room.members.iter().map(|(id, _)| id))
    }

    /// Every room's name and its number of users with a name, the lobby first.
    pub fn rooms(&self) -> impl Iterator<Item = (&Arc<str>, usize)> + '_ {
        self.rooms.iter().map(|room| (room.name.shown(), room.names.len()))
    }

    /// The user list of a room; `None` if it has no users.
    #[must_use]
    pub fn user_list(&self, room: RoomId) -> Option<ServerMessage> {
        self.rooms.get(room).filter(|room| room.names.len() > 0).map(Room::user_list)
    }

    fn room(&self, id: UserId) -> Option<&Room> {
        self.rooms.get(self.room_of(id)?)
    }

    fn join(
        &mut self,
        (id, secret, client): (UserId, u128, ClientInfo),
        dialect: Dialect,
        name: &RoomName,
        since: Option<Since<'_>>,
    ) {
        if self.members.contains(id) {
            return;
        }
        if self.of_room(name, "close").is_some() {
            return self.out.push(Output::Close { id, code: 1008, reason: CLOSED });
        }
        let Some(room_id) = self.rooms.open(name, &self.rules) else {
            return self.out.push(Output::Close { id, code: 1013, reason: "too many rooms; try again later" });
        };
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        if self.rules.room_users.is_some_and(|most| room.members.len() >= most) {
            return self.out.push(Output::Close { id, code: 1013, reason: "this room is full; try again later" });
        }
        room.enter(id);
        let limiter = RateLimiter::default();
        let last_sent = self.now.uptime;
        let (room, spoke_at, strikes) = (room_id, last_sent, 0);
        self.members.insert(id, Member { dialect, room, secret, client, last_sent, spoke_at, strikes, limiter });
        self.welcome(id, room_id, since);
        if dialect == Dialect::Text {
            // The first line that a user types is a message, so the client needs a name from the start.
            let _ = self.set_name(id, &format!("guest-{id}"), None, false);
        }
    }

    fn receive(&mut self, id: UserId, text: &str) {
        let Some(member) = self.members.get_mut(id) else { return };
        let dialect = member.dialect;
        // An error names the message by its nonce, whatever is wrong with it.
        let rejection = |error: ProtocolError| send(id, ServerMessage::Error(error.with_nonce(dialect.nonce(text))));
        match throttle::charge(&mut member.limiter, self.now.uptime, text.len(), self.rules.rate) {
            Verdict::Accept => {}
            Verdict::Reject => return self.out.push(rejection(ErrorReason::TooFast.into())),
            Verdict::Close => return self.close(id, 1008, "flooding"),
        }
        let decoded = dialect.decode(text);
        if !self.charge_shared_rates(id, text.len(), decoded.as_ref().ok()) {
            return self.out.push(rejection(ErrorReason::TooFast.into()));
        }
        let result = decoded.and_then(|message| self.execute(id, message));
        let Some(member) = self.members.get_mut(id) else { return };
        member.strikes = if result.is_ok() { 0 } else { member.strikes.saturating_add(1) };
        let Err(error) = result else { return };
        let is_last_strike = self.rules.strikes.is_some_and(|most| member.strikes >= most);
        self.out.push(rejection(error));
        if is_last_strike {
            self.close(id, 1008, "too many errors");
        }
    }

    /// Takes the price of a message from the rates that the connection shares with others of its address and of its room.
    /// Returns whether the message is accepted. That of a connection that was quiet always is: a few connections must not
    /// silence the others.
    fn charge_shared_rates(&mut self, id: UserId, bytes: usize, message: Option<&ClientMessage>) -> bool {
        let Some(&Member { client, room, .. }) = self.members.get(id) else { return true };
        let address = client.counted_address();
        let is_for_room = match message {
            Some(ClientMessage::Message { target, .. }) => target.is_none(),
            // Many users who sign in at once are not a flood.
            Some(ClientMessage::SetName { .. }) => self.room(id).is_some_and(|room| room.name_of(id).is_some()),
            _ => false,
        };
        let is_paid = self.charge_address(address, bytes) && (!is_for_room || self.charge_room(room, bytes));
        let (now, Some(member)) = (self.now.uptime, self.members.get_mut(id)) else { return true };
        let is_accepted = is_paid || throttle::was_quiet(member.last_sent, now, bytes);
        if is_accepted {
            member.last_sent = now;
        }
        is_accepted
    }

    /// Takes the price of a message of so many bytes. Returns whether the address has tokens for it.
    fn charge_address(&mut self, address: Option<IpAddr>, bytes: usize) -> bool {
        throttle::allow_address(&mut self.addresses, address, self.now.uptime, bytes, self.rules.address_rate)
    }

    /// The same for a room.
    fn charge_room(&mut self, room: RoomId, bytes: usize) -> bool {
        let (now, rate) = (self.now.uptime, self.rules.room_rate);
        self.rooms.get_mut(room).is_none_or(|room| throttle::allow(&mut room.limiter, now, bytes, rate))
    }

    fn reject_binary(&mut self, id: UserId) {
        if self.members.contains(id) {
            self.out.push(send(id, ServerMessage::Error(ErrorReason::NotText.into())));
            self.close(id, 1003, "text only");
        }
    }

    fn close(&mut self, id: UserId, code: u16, reason: &'static str) {
        self.out.push(Output::Close { id, code, reason });
        // 1000 is the user's own wish. After any other code, the client may connect again.
        self.leave(id, code != 1000);
    }

    /// If the connection was lost, the name of its user stays reserved for a while.
    fn leave(&mut self, id: UserId, is_lost: bool) {
        let Some(Member { room: room_id, secret, client, .. }) = self.members.remove(id) else { return };
        let address = client.counted_address();
        self.take_catch_up(id);
        let Some(room) = self.rooms.get_mut(room_id) else { return };
        if let Some(name) = room.leave(id) {
            self.out.push(broadcast(room_id, ServerMessage::Left { name: name.shown.clone() }));
            if is_lost && self.reservations.may_add(address) && room.names.reserve() {
                self.reservations.add(self.now.uptime, room_id, name, ResumeToken { id, secret }, address);
            } else {
                room.names.release(&name);
            }
            self.list_changed(room_id);
        }
        self.rooms.release(room_id);
    }

    fn end_reservations(&mut self) {
        while let Some(Reservation { room, name, .. }) = self.reservations.take_ended(self.now.uptime) {
            if let Some(room) = self.rooms.get_mut(room) {
                room.names.release_reserved(&name);
            }
            self.rooms.release(room);
        }
    }

    /// The users of a room changed: sends its list, now or when it is due.
    fn list_changed(&mut self, room: RoomId) {
        if !self.pending_lists.contains(&room) {
            self.pending_lists.push(room);
        }
        self.send_due_lists();
    }

    fn send_due_lists(&mut self) {
        self.pending_lists.retain(|id| {
            let Some(room) = self.rooms.get_mut(*id) else { return false };
            let list = room.take_list(self.now.uptime, &self.rules);
            self.out.extend(list.map(|list| broadcast(*id, list)));
            room.list.due().is_some()
        });
    }
}

fn send(to: UserId, message: ServerMessage) -> Output {
    Output::Send { to, message }
}

fn broadcast(room: RoomId, message: ServerMessage) -> Output {
    Output::Broadcast { room, message, except: None }
}

#[cfg(test)]
mod tests;
