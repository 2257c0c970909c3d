//! The entries of the stream, and what every node knows after the same entries.

use super::Result;
use crate::chat::protocol::{Millis, Post, UserId};
use crate::chat::rules::{Chat, ClientInfo, Input, Now, Output, RoomName, Rules, Since};
use core::net::IpAddr;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::Range};

/// The number of a node, never used again for another one.
pub(crate) type NodeId = u64;

/// Connections of one node: their numbers are below 2^53, with the node's number in the high bits.
const CONNECTION_BITS: u32 = 33;

/// Node numbers are below this.
pub(super) const MAX_NODES: NodeId = 1 << (53 - CONNECTION_BITS);

/// What an entry says: an input of the chat, or what the nodes tell each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Logged {
    /// [`Input::Joined`] without `since`, which stays with the process that has the connection.
    Joined(ClientInfo, RoomName),
    Text(UserId, String),
    Binary(UserId),
    /// A connection has left, and whether it was lost.
    Left(UserId, bool),
    /// A message without a connection, for [`Input::Post`].
    Post {
        id: UserId,
        address: Option<IpAddr>,
        room: RoomName,
        post: Post,
    },
    /// An operator's command that comes from no connection.
    Command(String),
    /// The first entry of each node, with its name. Other nodes of that name are gone.
    Hello(String),
    /// The node has nothing to say, and is alive.
    Alive,
    /// The node has ended, or its lease has expired: its connections are lost. Once is enough.
    Gone(NodeId),
    /// Entries were lost, so that clients may know numbers of messages that do not exist: all numberings get new names, with
    /// this prefix.
    Renumber(u64),
    /// A snapshot of the state was stored.
    Snapshot,
}

/// Names an entry of the stream. Another stream may have an entry with the same id, but it is of another node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Position {
    /// `MILLISECONDS-NUMBER`, by the clock of Redis.
    pub(crate) id: String,
    pub(crate) node: NodeId,
    /// The node's entries are numbered from 1. 0: the entry belongs to the stream itself.
    pub(crate) seq: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at: Position,
    pub(crate) input: Logged,
}

/// The numbers of a node's connections.
pub(crate) fn connections(node: NodeId) -> Range<UserId> {
    node << CONNECTION_BITS..(node + 1) << CONNECTION_BITS
}

/// The rules of the chat on every node. What one process judges by itself is not in them.
pub(crate) fn shared_rules(rules: Rules) -> Rules {
    Rules { rate: None, address_rate: None, ..rules }
}

/// What every node knows besides the chat.
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
    /// Takes the next entry of the stream. Returns whether its input applies: a node that does not know whether an entry
    /// arrived appends it again, and a node may not know that it is gone.
    pub(crate) fn accept(&mut self, entry: &Entry) -> bool {
        let time = entry.at.id.split('-').next().and_then(|millis| millis.parse().ok());
        self.time = self.time.max(time.unwrap_or(0));
        self.position.clone_from(&entry.at);
        let Position { node, seq, .. } = entry.at;
        if let Logged::Hello(name) = &entry.input {
            self.nodes.entry(node).or_insert_with(|| Node { name: name.clone(), next: seq });
        }
        match self.nodes.get_mut(&node) {
            Some(node) if node.next == seq => node.next += 1,
            _ => return seq == 0,
        }
        true
    }

    /// Applies an accepted entry. `since` is for a connection of this process.
    pub(crate) fn apply(&mut self, chat: &mut Chat, entry: &Entry, since: Option<Since<'_>>) -> Vec<Output> {
        let input = match &entry.input {
            Logged::Joined(client, room) => Input::Joined(*client, room, since),
            Logged::Text(id, text) => Input::Text(*id, text),
            Logged::Binary(id) => Input::Binary(*id),
            Logged::Left(id, is_lost) => Input::Left(*id, *is_lost),
            Logged::Command(line) => Input::Command(line),
            Logged::Post { id, address, room, post } => Input::Post(*id, *address, room, post),
            Logged::Hello(name) => {
                let others = self.nodes.iter().filter(|(id, node)| node.name == *name && **id != entry.at.node);
                let earlier: Vec<NodeId> = others.map(|(id, _)| *id).collect();
                return earlier.into_iter().flat_map(|node| self.remove(chat, node)).collect();
            }
            Logged::Gone(node) => return self.remove(chat, *node),
            Logged::Renumber(prefix) => return chat.renumber(*prefix),
            Logged::Snapshot | Logged::Alive => return Vec::new(),
        };
        chat.apply(self.now(), input)
    }

    fn remove(&mut self, chat: &mut Chat, node: NodeId) -> Vec<Output> {
        self.nodes.remove(&node);
        let ids = chat.connections(connections(node)).into_iter();
        ids.flat_map(|id| chat.apply(self.now(), Input::Left(id, true))).collect()
    }

    fn now(&self) -> Now {
        Now { uptime: self.time, date: self.time }
    }
}

/// The state after an entry: a node that joins begins with it instead of with the first entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// What has to be the same on all nodes, because the state depends on it.
    pub(super) settings: String,
    /// If the stream that this belongs to replaced a lost one: the last entry of that one in this state.
    pub(super) origin: Option<Position>,
    pub(crate) replica: Replica,
    pub(crate) chat: Chat,
}

impl Snapshot {
    pub(super) fn new(rules: Rules, replica: Replica, chat: Chat) -> Self {
        Self { settings: settings(rules), origin: None, replica, chat }
    }

    /// # Errors
    /// The nodes that run have other settings.
    pub(super) fn check(&self, rules: Rules) -> Result<()> {
        let own = settings(rules);
        let mut pairs = own.split(", ").zip(self.settings.split(", "));
        match pairs.find(|(own, other)| own != other) {
            None => Ok(()),
            Some((own, other)) => Err(format!(
                "all nodes must have the same version and limits: this one has \"{own}\", the others \"{other}\"; give all the same flags, or stop all and delete the keys of chinwag"
            ))?,
        }
    }
}

fn settings(rules: Rules) -> String {
    let rules = format!("{rules:?}");
    let rules = rules.trim_start_matches("Rules { ");
    format!("version {}, precis {}, {rules}", env!("CARGO_PKG_VERSION"), cfg!(feature = "precis"))
}
