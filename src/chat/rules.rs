//! The rules of the chat: a pure function from inputs and time to outputs.
//!
//! It knows no sockets, threads or clocks: the same inputs at the same times always give the same outputs.
//!
//! Rule 1: no output is for a connection that has left or was closed.
//! Rule 2: no two users in a room have names that compare equal (RFC 8266).
//! Rule 3: after the last tick that [`Chat::next_tick`] asks for, the last user list of a room is correct. It has the
//! users with a name, the oldest connection first.
//! Rule 4: a message goes to no other room. A room's messages are numbered without gap or duplicate, and a connection
//! receives them in this order, those before it joined first.

use crate::{
    chat::protocol::{ClientMessage, Dialect, ErrorReason, Millis, ProtocolError, ServerMessage, UserId},
    ws::rate_limiter::RateLimiter,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

mod catch_up;
mod events;
mod execute;
mod limits;
mod message_log;
mod name_registry;
mod names;
mod room;
mod room_name;
mod rooms;
mod throttle;

use catch_up::CatchUp;
use execute::Sender;
use room::Room;
use rooms::Rooms;
use throttle::Verdict;

pub use events::{Input, Now, Output, RoomId, RoomSnapshot, Since};
pub use limits::{Rate, Rules};
pub use room_name::RoomName;

/// The chat.
#[derive(Debug)]
pub struct Chat {
    rules: Rules,
    members: HashMap<UserId, Member>,
    rooms: Rooms,
    /// Rooms with a user list that has changed and was not sent yet.
    pending_lists: Vec<RoomId>,
    /// The connections that are catching up. The first one has the next turn.
    catch_ups: VecDeque<CatchUp>,
}

/// A connection.
#[derive(Debug)]
struct Member {
    dialect: Dialect,
    room: RoomId,
    /// Messages rejected in a row.
    strikes: u32,
    limiter: RateLimiter,
}

impl Chat {
    /// An empty chat.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self::with_token(rules, 0)
    }

    /// An empty chat whose numberings have names that begin with this number. It must differ from that of any earlier
    /// chat: otherwise returning clients would take new messages for those that they know.
    #[must_use]
    pub fn with_token(rules: Rules, token: u64) -> Self {
        let (members, rooms) = (HashMap::new(), Rooms::new(token));
        Self { rules, members, rooms, pending_lists: Vec::new(), catch_ups: VecDeque::new() }
    }

    /// Takes one input and appends what follows from it to `out`.
    ///
    /// [`Now::uptime`] must not go backwards, [`Now::date`] may.
    pub fn apply(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Joined { id, dialect, room, since } => self.join(now, (id, dialect), room, since, out),
            Input::Text { id, text } => self.receive(now, id, text, out),
            Input::Binary { id } => self.reject_binary(now, id, out),
            Input::Left { id } => self.leave(now, id, out),
            Input::Ready { id } => self.send_next_part(id, out),
            Input::Loaded { id, up_to, messages } => self.loaded(now, id, up_to, messages, out),
            Input::Tick => self.send_due_lists(now, out),
        }
    }

    /// The [`Now::uptime`] at which an [`Input::Tick`] is needed; `None` if no user list is pending. Other ticks do no
    /// harm.
    #[must_use]
    pub fn next_tick(&self) -> Option<Millis> {
        self.pending_lists.iter().filter_map(|id| self.rooms.get(*id)?.list_due()).min()
    }

    /// The room of a connection; `None` if it has left or was not let in.
    #[must_use]
    pub fn room_of(&self, id: UserId) -> Option<RoomId> {
        self.members.get(&id).map(|member| member.room)
    }

    /// The connections in a room, with or without a name, the oldest first.
    pub fn members(&self, room: RoomId) -> impl Iterator<Item = UserId> + '_ {
        self.rooms.get(room).into_iter().flat_map(|room| room.users.keys().copied())
    }

    /// Every room's name and its number of users with a name, the lobby first.
    pub fn rooms(&self) -> impl Iterator<Item = (&Arc<str>, usize)> + '_ {
        self.rooms.iter().map(|room| (room.name.shown(), room.named()))
    }

    fn room(&self, id: UserId) -> Option<&Room> {
        self.rooms.get(self.room_of(id)?)
    }

    fn join(
        &mut self,
        now: Now,
        (id, dialect): (UserId, Dialect),
        name: &RoomName,
        since: Option<Since<'_>>,
        out: &mut Vec<Output>,
    ) {
        if self.members.contains_key(&id) {
            return;
        }
        let room_id = self.rooms.open(name, &self.rules);
        let Some((room_id, room)) = room_id.and_then(|id| Some((id, self.rooms.get_mut(id)?))) else {
            return out.push(Output::Close { id, code: 1013, reason: "too many rooms; try again later" });
        };
        if self.rules.room_users.is_some_and(|most| room.users.len() >= most) {
            return out.push(Output::Close { id, code: 1013, reason: "this room is full; try again later" });
        }
        room.enter(id);
        self.members.insert(id, Member { dialect, room: room_id, strikes: 0, limiter: RateLimiter::default() });
        self.welcome(id, room_id, since, out);
        if dialect == Dialect::Text {
            // The first line that a user types is a message, so the client needs a name from the start.
            self.set_name(Sender { now, id, room: room_id }, &format!("guest-{id}"), false, out);
        }
    }

    fn receive(&mut self, now: Now, id: UserId, text: &str, out: &mut Vec<Output>) {
        let Some(member) = self.members.get_mut(&id) else { return };
        let (dialect, room) = (member.dialect, member.room);
        match throttle::charge(&mut member.limiter, now.uptime, text.len(), self.rules.rate) {
            Verdict::Accept => {}
            Verdict::Reject => return out.push(send(id, ServerMessage::Error(too_fast(dialect, text)))),
            Verdict::Close => return self.close(now, id, 1008, "flooding", out),
        }
        let sender = Sender { now, id, room };
        let result = dialect.decode(text).and_then(|message| self.execute(sender, message, out));
        let Some(member) = self.members.get_mut(&id) else { return };
        member.strikes = if result.is_ok() { 0 } else { member.strikes.saturating_add(1) };
        let is_last_strike = self.rules.strikes.is_some_and(|most| member.strikes >= most);
        if let Err(error) = result {
            out.push(send(id, ServerMessage::Error(error)));
            if is_last_strike {
                self.close(now, id, 1008, "too many errors", out);
            }
        }
    }

    fn reject_binary(&mut self, now: Now, id: UserId, out: &mut Vec<Output>) {
        if self.members.contains_key(&id) {
            out.push(send(id, ServerMessage::Error(ErrorReason::NotText.into())));
            self.close(now, id, 1003, "text only", out);
        }
    }

    fn close(&mut self, now: Now, id: UserId, code: u16, reason: &'static str, out: &mut Vec<Output>) {
        out.push(Output::Close { id, code, reason });
        self.leave(now, id, out);
    }

    fn leave(&mut self, now: Now, id: UserId, out: &mut Vec<Output>) {
        let Some(Member { room, .. }) = self.members.remove(&id) else { return };
        self.stop_catching_up(id);
        if let Some(name) = self.rooms.get_mut(room).and_then(|room| room.leave(id)) {
            out.push(broadcast(room, ServerMessage::Left { name }));
            self.list_changed(now, room, out);
        }
        self.rooms.release(room);
    }

    /// The users of a room changed: sends its list, now or when it is due.
    fn list_changed(&mut self, now: Now, room: RoomId, out: &mut Vec<Output>) {
        if !self.pending_lists.contains(&room) {
            self.pending_lists.push(room);
        }
        self.send_due_lists(now, out);
    }

    fn send_due_lists(&mut self, now: Now, out: &mut Vec<Output>) {
        let (rooms, rules) = (&mut self.rooms, &self.rules);
        self.pending_lists.retain(|id| {
            let Some(room) = rooms.get_mut(*id) else { return false };
            let list = room.take_list(now.uptime, rules);
            out.extend(list.map(|users| broadcast(*id, ServerMessage::UserList { users })));
            room.list_due().is_some()
        });
    }
}

fn send(to: UserId, message: ServerMessage) -> Output {
    Output::Send { to, message }
}

fn broadcast(room: RoomId, message: ServerMessage) -> Output {
    Output::Broadcast { room, message }
}

/// The error names the message by its nonce, although the message is not processed.
fn too_fast(dialect: Dialect, text: &str) -> ProtocolError {
    let nonce = match dialect.decode(text) {
        Ok(ClientMessage::Message { nonce, .. }) => nonce,
        Ok(_) => None,
        Err(error) => error.nonce,
    };
    ProtocolError::from(ErrorReason::TooFast).with_nonce(nonce)
}

#[cfg(test)]
mod tests;
