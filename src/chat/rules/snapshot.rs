//! What a machine that holds a copy of the chat needs besides the inputs.
//!
//! Every field of the chat is in a snapshot, except what concerns the sockets, the clock and the settings of one process.

use super::{Chat, Gate, Output, Rules, rooms::log_id};
use crate::chat::protocol::UserId;
use std::ops::Range;

impl Chat {
    /// Completes a chat that was deserialized.
    pub(crate) fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self.gate = Gate::new(rules);
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
        self.log_id_prefix = log_id_prefix;
        for (id, room) in self.rooms.iter_mut() {
            room.log.log_id = log_id(log_id_prefix, id);
        }
        for id in self.room_ids() {
            self.send_ids(id, out);
        }
    }
}
