//! What a machine that holds a copy of the chat needs besides the inputs.
//!
//! Every field of the chat is in a snapshot, except what concerns the sockets, the clock and the settings of one process.

use super::{Chat, MAX_ADDRESSES, Output, Rules};
use crate::{chat::protocol::UserId, ws::rate_limiter::RateLimiters};
use std::ops::Range;

pub(super) fn addresses() -> RateLimiters {
    RateLimiters::new(MAX_ADDRESSES)
}

impl Chat {
    /// Completes a chat that was deserialized.
    pub(crate) fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        for room in self.rooms.values_mut() {
            let key = room.name.key();
            room.log.messages.iter_mut().for_each(|message| message.room = key.clone());
        }
        self
    }

    /// The connections with these numbers.
    pub(crate) fn connections(&self, numbers: Range<UserId>) -> Vec<UserId> {
        self.members.iter().map(|(id, _)| id).filter(|id| numbers.contains(id)).collect()
    }

    /// Gives the numbering of each room a new name, because messages with numbers under the earlier names may be lost.
    pub(crate) fn renumber(&mut self, log_id_prefix: u64, out: &mut Vec<Output>) {
        self.rooms.rename_logs(log_id_prefix);
        for room in self.rooms.iter() {
            let last = |id| self.received_up_to(id).unwrap_or(room.log.last);
            out.extend(room.members.iter().filter_map(|(id, _)| self.id_message(id, &room.log, last(id))));
        }
    }
}

/// Restrictions as their lines, each with the exact time at which it ends.
pub(super) mod restrictions {
    use super::super::Restriction;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(in super::super) fn serialize<S: Serializer>(all: &[Restriction], to: S) -> Result<S::Ok, S::Error> {
        let lines: Vec<_> = all.iter().map(|restriction| (restriction.to_string(), restriction.until)).collect();
        lines.serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Restriction>, D::Error> {
        let lines: Vec<(String, Option<u64>)> = Vec::deserialize(from)?;
        let parse = |(line, until): (String, _)| Ok(Restriction { until, ..Restriction::parse(&line, 0)? });
        lines.into_iter().map(parse).collect::<Result<_, String>>().map_err(D::Error::custom)
    }
}
