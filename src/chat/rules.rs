//! The rules of the chat: a pure machine. Inputs go in with the time, outputs come out.
//!
//! Owns who is here, under which name, and what follows from what they say. Must not know sockets,
//! threads or clocks: the same inputs at the same times always give the same outputs.
//!
//! Law 1: nothing is ever addressed to a connection that has left or was closed.
//! Law 2: within a room no two users have names that compare equal (RFC 8266).
//! Law 3: after the last tick that [`Chat::next_tick`] asked for, the last user list that was sent
//! to a room names exactly its named users, in order of joining.
//! Law 4: what is said in a room is told to nobody outside; its messages are numbered without gap or double, and whoever
//! enters is told its history in that order, before anything that is said later.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::chat::protocol::{
    ClientMessage, Dialect, ErrorReason, Millis, ProtocolError, ServerMessage, UserId, base36,
};

mod catch_up;
mod commands;
mod events;
mod lists;
mod log;
mod member;
mod names;
mod past;
mod room;
mod room_name;
mod rooms;
mod rules;
mod taken;

use catch_up::Behind;
use commands::Speaker;
use member::{Member, Pace};
use room::Room;
use rooms::Rooms;

pub use events::{Input, Now, Output, RoomId, RoomSnapshot, Since};
pub use room_name::RoomName;
pub use rules::{Rate, Rules};

/// The chat.
#[derive(Debug)]
pub struct Chat {
    rules: Rules,
    members: HashMap<UserId, Member>,
    rooms: Rooms,
    /// Rooms whose user list has changed and was not told yet.
    waiting: Vec<RoomId>,
    /// Who has not been told everything yet of what was said before. Whose turn it is comes first.
    behind: VecDeque<Behind>,
}

impl Chat {
    /// An empty chat.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self::named(rules, 0)
    }

    /// An empty chat whose numberings have names that begin with this number: one that no chat had before, or else
    /// clients that come back from that one would take this one's messages for those that they know.
    #[must_use]
    pub fn named(rules: Rules, token: u64) -> Self {
        let rooms = Rooms::new(&format!("{:0>13}", base36(token)));
        Self { rules, members: HashMap::new(), rooms, waiting: Vec::new(), behind: VecDeque::new() }
    }

    /// Takes one input and appends what is to be done to `out`.
    ///
    /// [`Now::uptime`] should not go backwards; if it does, nothing is lost. [`Now::date`] may.
    pub fn apply(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Joined { id, dialect, room, since } => self.join(now, (id, dialect), room, since, out),
            Input::Text { id, text } => self.hear(now, id, text, out),
            Input::Binary { id } => self.refuse_binary(now, id, out),
            Input::Left { id } => self.depart(now, id, out),
            Input::Ready { id } => self.go_on(id, out),
            Input::Recalled { id, up_to, found: Some(found) } => self.recalled(id, up_to, found, out),
            Input::Recalled { id, up_to, found: None } => self.not_recalled(now, id, up_to, out),
            Input::Tick => self.list_all_due(now, out),
        }
    }

    /// At which [`Now::uptime`] an [`Input::Tick`] is wanted, if at all: a user list waits. Other ticks do no harm.
    #[must_use]
    pub fn next_tick(&self) -> Option<Millis> {
        self.waiting.iter().filter_map(|room| self.rooms.get(*room)?.list_due(&self.rules)).min()
    }

    /// The room that a connection is in: none, if it is not here any more, or was not let in.
    #[must_use]
    pub fn room_of(&self, id: UserId) -> Option<RoomId> {
        self.members.get(&id).map(|member| member.room)
    }

    /// The connections in a room, named or not, in order of joining.
    pub fn members(&self, room: RoomId) -> impl Iterator<Item = UserId> + '_ {
        self.rooms.get(room).into_iter().flat_map(Room::members)
    }

    /// Every room's name, and how many users with a name it has.
    pub fn rooms(&self) -> impl Iterator<Item = (&Arc<str>, usize)> + '_ {
        self.rooms.iter().map(|room| (room.name.shown(), room.named()))
    }

    fn join(
        &mut self,
        now: Now,
        (id, dialect): (UserId, Dialect),
        room: &RoomName,
        since: Option<Since<'_>>,
        out: &mut Vec<Output>,
    ) {
        if self.members.contains_key(&id) {
            return;
        }
        let Some(place) = self.rooms.open(room, &self.rules) else {
            return out.push(Output::Close { to: id, code: 1013, reason: "too many rooms; try again later" });
        };
        let Some(seat) = self.take_seat(id, place) else {
            return out.push(Output::Close { to: id, code: 1013, reason: "this room is full; try again later" });
        };
        self.members.insert(id, Member::new(now.uptime, dialect, (place, seat), self.rules.rate));
        self.welcome(id, place, since, out);
        if dialect == Dialect::Text {
            self.name_guest(Speaker { now, id, room: place, seat }, out);
        }
    }

    fn take_seat(&mut self, id: UserId, place: RoomId) -> Option<room::Seat> {
        let most = self.rules.room_users.unwrap_or(usize::MAX);
        let seat = self.rooms.get_mut(place).filter(|room| room.len() < most)?.enter(id);
        self.rooms.entered(place);
        Some(seat)
    }

    /// A room's users changed: tells its list, or keeps it for later.
    fn list_changed(&mut self, now: Now, room: RoomId, out: &mut Vec<Output>) {
        if !self.waiting.contains(&room) {
            self.waiting.push(room);
        }
        self.list_if_due(now, room, out);
    }

    fn list_if_due(&mut self, now: Now, room: RoomId, out: &mut Vec<Output>) {
        let list = self.rooms.get_mut(room).and_then(|room| room.take_list(now.uptime, &self.rules));
        if let Some(users) = list {
            self.waiting.retain(|waiting| *waiting != room);
            out.push(broadcast(room, ServerMessage::UserList(users)));
        }
    }

    fn list_all_due(&mut self, now: Now, out: &mut Vec<Output>) {
        for room in self.waiting.clone() {
            self.list_if_due(now, room, out);
        }
        // A room that was forgotten has no list to wait for.
        let rooms = &self.rooms;
        self.waiting.retain(|room| rooms.get(*room).is_some_and(|room| room.list_due(&self.rules).is_some()));
    }

    fn hear(&mut self, now: Now, id: UserId, text: &str, out: &mut Vec<Output>) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let speaker = Speaker { now, id, room: member.room, seat: member.seat };
        let dialect = member.dialect;
        match member.pay(now.uptime, text.len(), self.rules.rate) {
            Pace::Fine => {}
            Pace::TooFast => return out.push(send(id, ServerMessage::Error(too_fast(dialect, text)))),
            Pace::Flood => return self.put_out(now, id, 1008, "flooding", out),
        }
        let done = dialect.decode(text).and_then(|command| self.obey(speaker, command, out));
        match done {
            Ok(()) => self.forgive(id),
            Err(problem) => self.strike(now, id, problem, out),
        }
    }

    fn refuse_binary(&mut self, now: Now, id: UserId, out: &mut Vec<Output>) {
        if self.members.contains_key(&id) {
            out.push(send(id, ServerMessage::Error(ErrorReason::NotText.into())));
            self.put_out(now, id, 1003, "text only", out);
        }
    }

    fn forgive(&mut self, id: UserId) {
        if let Some(member) = self.members.get_mut(&id) {
            member.strikes = 0;
        }
    }

    fn strike(&mut self, now: Now, id: UserId, problem: ProtocolError, out: &mut Vec<Output>) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        member.strikes = member.strikes.saturating_add(1);
        let is_out = self.rules.strikes.is_some_and(|most| member.strikes >= most);
        out.push(send(id, ServerMessage::Error(problem)));
        if is_out {
            self.put_out(now, id, 1008, "too many errors", out);
        }
    }

    fn put_out(&mut self, now: Now, to: UserId, code: u16, reason: &'static str, out: &mut Vec<Output>) {
        out.push(Output::Close { to, code, reason });
        self.depart(now, to, out);
    }

    fn depart(&mut self, now: Now, id: UserId, out: &mut Vec<Output>) {
        let Some(Member { room, seat, .. }) = self.members.remove(&id) else {
            return;
        };
        self.forget_behind(id);
        if let Some(name) = self.rooms.get_mut(room).and_then(|room| room.leave(seat)) {
            out.push(broadcast(room, ServerMessage::Left { name }));
            self.list_changed(now, room, out);
        }
        self.rooms.left(room);
    }
}

fn send(to: UserId, notice: ServerMessage) -> Output {
    Output::Send { to, notice }
}

fn broadcast(room: RoomId, notice: ServerMessage) -> Output {
    Output::Broadcast { room, notice }
}

/// A client that gave its message a name is told which one was refused, even if nobody listens to what it says.
fn too_fast(dialect: Dialect, text: &str) -> ProtocolError {
    let nonce = match dialect.decode(text) {
        Ok(ClientMessage::Say { nonce, .. }) => nonce,
        Err(problem) => problem.nonce,
        Ok(_) => None,
    };
    ProtocolError::from(ErrorReason::TooFast).of(nonce)
}

#[cfg(test)]
mod tests;
