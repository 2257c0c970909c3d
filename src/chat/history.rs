//! What a newcomer is told of what was said before.
//!
//! Owns the meaning of `since`. The messages are the log's; what the log has forgotten, an archive may have.

use super::events::{Output, Since};
use super::log::Log;
use super::room::Room;
use super::rules::Rules;
use super::send;
use crate::protocol::{Entry, Notice, UserId};

/// The room's numbers, then the last messages, or those that somebody missed who comes back.
pub(super) fn welcome(id: UserId, room: &Room, since: Option<Since<'_>>, rules: &Rules, out: &mut Vec<Output>) {
    let log = &room.log;
    out.push(send(id, Notice::Id { id, seq: log.last(), log: log.token().clone() }));
    let resumed = since.map(|since| resume(id, log, since, out));
    let after = resumed.unwrap_or_else(|| log.last().saturating_sub(rules.history_lines as u64));
    let (from, bytes) = log.within(after, rules.replay_bytes);
    if resumed.is_some() && from > after {
        // The log's memory ends here, and not what may be told: an archive may have more.
        let recall = Output::Recall { to: id, room: room.name.key().clone(), after, up_to: from, bytes };
        let gap = send(id, Notice::Gap { missed: Some(from - after) });
        out.push(if rules.archive && from == log.forgotten() { recall } else { gap });
    }
    out.extend(log.behind(from).map(|entry| send(id, Notice::Past(entry.clone()))));
}

/// The number of the last message that it has. One of another numbering is worth nothing: it has nothing of this one.
fn resume(id: UserId, log: &Log, since: Since<'_>, out: &mut Vec<Output>) -> u64 {
    let is_ours = since.log.is_none_or(|token| token == &**log.token());
    if is_ours && since.seq <= log.last() {
        return since.seq;
    }
    out.push(send(id, Notice::Gap { missed: None }));
    0
}

/// What to tell the one whom a [`Recall`](Output::Recall) is for: the messages that an archive found behind `after` and
/// up to `up_to`, in order, and in their place how many it did not find.
pub fn recalled(after: u64, up_to: u64, found: Vec<Entry>) -> impl Iterator<Item = Notice> {
    let mut before = after;
    let mut gap = move |next: u64| {
        let missed = next.saturating_sub(before + 1);
        before = next;
        (missed > 0).then_some(Notice::Gap { missed: Some(missed) })
    };
    let entries = found.into_iter().filter(move |entry| (after + 1..=up_to).contains(&entry.seq));
    let ends = entries.map(|entry| (entry.seq, Some(Notice::Past(entry)))).chain([(up_to + 1, None)]);
    ends.flat_map(move |(seq, notice)| [gap(seq), notice]).flatten()
}
