//! What every node knows after the same entries: besides the chat, which nodes there are.

use super::logged::{Entry, Logged, NodeId, Position};
use crate::{
    chat::protocol::{Millis, ProtocolError, Receipt, UserId},
    chat::rules::{Chat, Input, Now, Output, Rules, Since},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range};

/// Connections of one node: their numbers are below 2^53, with the node's number in the high bits.
const CONNECTION_BITS: u32 = 33;

/// Node numbers are below this.
pub(super) const MAX_NODES: NodeId = 1 << (53 - CONNECTION_BITS);

/// The numbers of a node's connections.
pub(crate) fn connections(node: NodeId) -> Range<UserId> {
    node << CONNECTION_BITS..(node + 1) << CONNECTION_BITS
}

/// The rules of the chat on every node. What one process judges by itself is not in them.
pub(crate) fn shared_rules(rules: Rules) -> Rules {
    Rules { rate: None, address_rate: None, ..rules }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Replica {
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    /// The time of the chat. It does not go back, not even if the clock of Redis does.
    pub(crate) time: Millis,
    /// The last entry.
    pub(crate) position: Position,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) name: String,
    /// The number of its next entry.
    next: u64,
}

impl Replica {
    /// Takes the next entry of the stream. Returns whether its inputs apply: a node that does not know whether an entry
    /// arrived appends it again, and a node may not know that it is gone.
    pub(crate) fn accept(&mut self, entry: &Entry) -> bool {
        self.time = self.time.max(entry.time());
        self.position.clone_from(&entry.at);
        let Position { node, seq, .. } = entry.at;
        if let Some(Logged::Hello { name }) = entry.inputs.first() {
            self.nodes.entry(node).or_insert_with(|| Node { name: name.clone(), next: seq });
        }
        match self.nodes.get_mut(&node) {
            Some(node) if node.next == seq => node.next += 1,
            _ => return seq == 0,
        }
        true
    }

    /// Applies an input of an accepted entry of that node. `since` is for a connection of this process. Returns the result of a
    /// post.
    pub(crate) fn apply(
        &mut self,
        chat: &mut Chat,
        node: NodeId,
        input: &Logged,
        since: Option<Since<'_>>,
        out: &mut Vec<Output>,
    ) -> Option<Result<Receipt, ProtocolError>> {
        match input {
            Logged::Hello { name } => {
                let is_earlier =
                    |(other, found): (&NodeId, &Node)| (found.name == *name && *other != node).then_some(*other);
                let earlier: Vec<NodeId> = self.nodes.iter().filter_map(is_earlier).collect();
                earlier.into_iter().for_each(|node| self.remove(chat, node, out));
            }
            Logged::Gone { node } => self.remove(chat, *node, out),
            Logged::Renumber { prefix } => chat.renumber(*prefix, out),
            Logged::Post { id, address, room, post } => {
                return Some(chat.post(self.now(), (*id, *address), room, post.clone(), out));
            }
            _ => {
                if let Some(input) = input.input(since) {
                    chat.apply(self.now(), input, out);
                }
            }
        }
        None
    }

    fn remove(&mut self, chat: &mut Chat, node: NodeId, out: &mut Vec<Output>) {
        self.nodes.remove(&node);
        for id in chat.connections(connections(node)) {
            chat.apply(self.now(), Input::Left { id, is_lost: true }, out);
        }
    }

    fn now(&self) -> Now {
        Now { uptime: self.time, date: self.time }
    }
}
