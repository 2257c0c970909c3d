//! What a newcomer is told of what was said before.
//!
//! Owns the meaning of `since`, and the pace at which somebody catches up. The messages are the log's; what the log has
//! forgotten, an archive may have.
//!
//! Who comes back may have missed more than can wait for a client at once. So it is told the first part, then the next one
//! when it has taken that, and so on; as long as it is behind, it is not told what is said now, for that comes in its turn.

use super::events::{Now, Output, RoomId, Since};
use super::log::Log;
use super::room::Room;
use super::rules::Rules;
use super::{Chat, send};
use crate::chat::protocol::{ByteBudget, Millis, ServerMessage, StoredMessage, UserId};

/// Somebody who has not been told everything yet.
#[derive(Debug)]
pub(super) struct Behind {
    pub(super) id: UserId,
    /// The number up to which it has been.
    pub(super) told: u64,
    /// Whether anything else was done since it came.
    waited: bool,
    /// Since when the archive does not answer what was asked for it.
    unanswered: Option<Millis>,
}

/// For so long an archive is asked again that does not answer. What it has counts as gone then: whoever came back shall not
/// be left without what is said now.
const ARCHIVE_PATIENCE: Millis = 10_000;

impl Chat {
    /// The room's numbers, then the last messages, or those that somebody missed who comes back.
    pub(super) fn welcome(&mut self, id: UserId, room: RoomId, since: Option<Since<'_>>, out: &mut Vec<Output>) {
        let Some(place) = self.rooms.get(room) else { return };
        let (log, rules) = (&place.log, &self.rules);
        out.push(send(id, ServerMessage::Id { id, seq: log.last(), log: log.token().clone() }));
        let Some(since) = since else {
            tell_last(id, log, rules, out);
            return out.push(Output::Enter { who: id, room });
        };
        let after = resume(id, log, since, rules, out);
        self.behind.push_back(Behind { id, told: after, waited: false, unanswered: None });
        self.go_on(id, out);
    }

    /// Connections that have not been told everything yet, the one first whose turn it is: give them
    /// [`Input::Ready`](super::Input::Ready) when they have taken what they were told.
    pub fn behind(&self) -> impl Iterator<Item = UserId> + '_ {
        self.behind.iter().map(|behind| behind.id)
    }

    /// The number up to which it was told everything, if it is behind.
    pub(super) fn told(&self, id: UserId) -> Option<u64> {
        self.behind.iter().find(|behind| behind.id == id).map(|behind| behind.told)
    }

    /// Tells it the next part.
    pub(super) fn go_on(&mut self, id: UserId, out: &mut Vec<Output>) {
        let (Some(after), Some(room)) = (self.told(id), self.room_of(id)) else { return };
        let Some(place) = self.rooms.get(room) else { return };
        let (forgotten, bytes) = (place.log.forgotten(), self.rules.replay_bytes);
        if after >= forgotten {
            return self.go_on_from(id, after, ByteBudget::new(bytes), out);
        }
        if self.rules.archive && place.is_restored() {
            let room = place.name.key().clone();
            return out.push(Output::Recall { to: id, room, after, up_to: forgotten, bytes });
        }
        out.push(send(id, ServerMessage::Gap { missed: Some(forgotten - after) }));
        self.go_on_from(id, forgotten, ByteBudget::new(bytes), out);
    }

    /// The archive has found this of what was asked for.
    pub(super) fn recalled(&mut self, id: UserId, up_to: u64, found: &[StoredMessage], out: &mut Vec<Output>) {
        let Some(mut told) = self.told(id) else { return };
        let mut part = ByteBudget::new(self.rules.replay_bytes);
        for entry in found.iter().filter(|entry| entry.seq <= up_to) {
            if entry.seq > told {
                skip(id, told, entry.seq - 1, out);
                out.push(send(id, ServerMessage::Past(entry.clone())));
                part.spend(entry);
                told = entry.seq;
            }
        }
        if found.is_empty() {
            skip(id, told, up_to, out);
            told = told.max(up_to);
        }
        // The rest may come from memory, or in another part.
        let forgotten = self.room_of(id).and_then(|room| self.rooms.get(room)).map(|room| room.log.forgotten());
        match forgotten.is_some_and(|forgotten| told >= forgotten) {
            true => self.go_on_from(id, told, part, out),
            false => self.wait_from(id, told),
        }
    }

    /// The archive does not answer: it is asked again when its turn comes, for a while.
    pub(super) fn not_recalled(&mut self, now: Now, id: UserId, up_to: u64, out: &mut Vec<Output>) {
        let Some(at) = self.behind.iter().position(|behind| behind.id == id) else { return };
        let Some(mut behind) = self.behind.remove(at) else { return };
        let since = *behind.unanswered.get_or_insert(now.uptime);
        behind.waited = true;
        self.behind.push_back(behind);
        if now.uptime.saturating_sub(since) >= ARCHIVE_PATIENCE {
            self.recalled(id, up_to, &[], out);
        }
    }

    /// Tells it what memory has, as far as that fits; if that is all, it is where all others are.
    fn go_on_from(&mut self, id: UserId, after: u64, mut part: ByteBudget, out: &mut Vec<Output>) {
        let Some(room) = self.room_of(id) else { return };
        let Some(Room { log, .. }) = self.rooms.get(room) else { return };
        let mut told = after;
        for entry in log.behind(after).take_while(|entry| part.spend(entry)) {
            out.push(send(id, ServerMessage::Past(entry.clone())));
            told = entry.seq;
        }
        if told < log.last() {
            return self.wait_from(id, told);
        }
        let waited = self.behind.iter().any(|behind| behind.id == id && behind.waited);
        self.forget_behind(id);
        out.push(Output::Enter { who: id, room });
        if waited {
            // It was told none of the lists that came meanwhile.
            out.extend(self.rooms.get(room).map(|room| send(id, ServerMessage::UserList(room.users()))));
        }
    }

    /// It is the others' turn first.
    fn wait_from(&mut self, id: UserId, told: u64) {
        self.forget_behind(id);
        self.behind.push_back(Behind { id, told, waited: true, unanswered: None });
    }

    pub(super) fn forget_behind(&mut self, id: UserId) {
        self.behind.retain(|behind| behind.id != id);
    }
}

/// The last messages, as far as they fit.
fn tell_last(id: UserId, log: &Log, rules: &Rules, out: &mut Vec<Output>) {
    let after = log.last().saturating_sub(rules.history_lines as u64);
    let from = log.within(after, rules.replay_bytes);
    out.extend(log.behind(from).map(|entry| send(id, ServerMessage::Past(entry.clone()))));
}

/// The number of the last message that it has. One of another numbering is worth nothing: it has nothing of this one. And
/// who was away for very long is not told everything.
fn resume(id: UserId, log: &Log, since: Since<'_>, rules: &Rules, out: &mut Vec<Output>) -> u64 {
    let is_ours = since.log.is_none_or(|token| token == &**log.token()) && since.seq <= log.last();
    if !is_ours {
        out.push(send(id, ServerMessage::Gap { missed: None }));
    }
    let has = if is_ours { since.seq } else { 0 };
    let most = if rules.archive { rules.replay_messages as u64 } else { u64::MAX };
    let first = log.last().saturating_sub(most);
    skip(id, has, first, out);
    has.max(first)
}

/// What is behind `told` and up to `before` is gone.
fn skip(id: UserId, told: u64, before: u64, out: &mut Vec<Output>) {
    if before > told {
        out.push(send(id, ServerMessage::Gap { missed: Some(before - told) }));
    }
}
