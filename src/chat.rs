//! The rules of the chat: a pure machine. Inputs go in with the time, outputs come out.
//!
//! Owns who is here, under which name, and what follows from what they say. Must not know sockets,
//! threads or clocks: the same inputs at the same times always give the same outputs.
//!
//! Law 1: nothing is ever addressed to a connection that has left or was closed.
//! Law 2: within a room no two users have names that compare equal (RFC 8266).
//! Law 3: after the last tick that [`Chat::next_tick`] asked for, the last user list that was sent
//! names exactly the named users of the room, in order of joining.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::protocol::{Dialect, ErrorReason, Millis, Notice, Problem, UserId};

mod commands;
mod events;
mod lists;
mod member;
mod names;
mod room;
mod rules;
mod taken;

use commands::Speaker;
use member::{Member, Pace};
use room::Room;

pub use events::{Input, Now, Output, RoomId};
pub use rules::{Rate, Rules};

/// The chat.
#[derive(Debug)]
pub struct Chat {
    rules: Rules,
    members: HashMap<UserId, Member>,
    lobby: Room,
}

impl Chat {
    /// An empty chat.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, members: HashMap::new(), lobby: Room::default() }
    }

    /// Takes one input and appends what is to be done to `out`.
    ///
    /// [`Now::uptime`] should not go backwards; if it does, nothing is lost. [`Now::date`] may.
    pub fn apply(&mut self, now: Now, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Joined { id, dialect } => self.join(now, id, dialect, out),
            Input::Text { id, text } => self.hear(now, id, text, out),
            Input::Binary { id } => self.refuse_binary(now, id, out),
            Input::Left { id } => self.depart(now, id, out),
            Input::Tick => {}
        }
        self.list_if_due(now, out);
    }

    /// At which [`Now::uptime`] an [`Input::Tick`] is wanted, if at all: a user list waits. Other ticks do no harm.
    #[must_use]
    pub fn next_tick(&self) -> Option<Millis> {
        self.lobby.list_due(&self.rules)
    }

    /// The connections in a room, named or not, in order of joining.
    pub fn members(&self, room: RoomId) -> impl Iterator<Item = UserId> + '_ {
        debug_assert_eq!(room, RoomId::LOBBY, "there is only one room so far");
        self.lobby.members()
    }

    fn join(&mut self, now: Now, id: UserId, dialect: Dialect, out: &mut Vec<Output>) {
        let Entry::Vacant(place) = self.members.entry(id) else {
            return;
        };
        let seat = self.lobby.enter(id);
        place.insert(Member::new(now.uptime, dialect, seat, self.rules.rate));
        out.push(send(id, Notice::Id { id }));
        if dialect == Dialect::Text {
            self.name_guest(Speaker { now, id, seat }, out);
        }
    }

    fn list_if_due(&mut self, now: Now, out: &mut Vec<Output>) {
        if let Some(users) = self.lobby.take_list(now.uptime, &self.rules) {
            out.push(broadcast(Notice::UserList(users)));
        }
    }

    fn hear(&mut self, now: Now, id: UserId, text: &str, out: &mut Vec<Output>) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let speaker = Speaker { now, id, seat: member.seat };
        let dialect = member.dialect;
        match member.pay(now.uptime, text.len(), self.rules.rate) {
            Pace::Fine => {}
            Pace::TooFast => return out.push(send(id, Notice::Error(ErrorReason::TooFast.into()))),
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
            out.push(send(id, Notice::Error(ErrorReason::NotText.into())));
            self.put_out(now, id, 1003, "text only", out);
        }
    }

    fn forgive(&mut self, id: UserId) {
        if let Some(member) = self.members.get_mut(&id) {
            member.strikes = 0;
        }
    }

    fn strike(&mut self, now: Now, id: UserId, problem: Problem, out: &mut Vec<Output>) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        member.strikes = member.strikes.saturating_add(1);
        let is_out = self.rules.strikes.is_some_and(|most| member.strikes >= most);
        out.push(send(id, Notice::Error(problem)));
        if is_out {
            self.put_out(now, id, 1008, "too many errors", out);
        }
    }

    fn put_out(&mut self, now: Now, to: UserId, code: u16, reason: &'static str, out: &mut Vec<Output>) {
        out.push(Output::Close { to, code, reason });
        self.depart(now, to, out);
    }

    fn depart(&mut self, now: Now, id: UserId, out: &mut Vec<Output>) {
        let Some(member) = self.members.remove(&id) else {
            return;
        };
        if let Some(name) = self.lobby.leave(member.seat) {
            out.push(broadcast(Notice::Left { name }));
            self.list_if_due(now, out);
        }
    }
}

fn send(to: UserId, notice: Notice) -> Output {
    Output::Send { to, notice }
}

fn broadcast(notice: Notice) -> Output {
    Output::Broadcast { room: RoomId::LOBBY, notice }
}

#[cfg(test)]
mod tests;
