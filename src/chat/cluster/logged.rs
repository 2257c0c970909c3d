//! What is in the stream: the inputs of the chat, and what the nodes tell each other.

use crate::{
    chat::protocol::{Dialect, Millis, Post, UserId},
    chat::rules::{ClientInfo, Input, RoomName, Since},
};
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// The number of a node, never used again for another one.
pub(crate) type NodeId = u64;

/// One element of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Logged {
    Joined {
        id: UserId,
        dialect: Dialect,
        room: RoomName,
        secret: u128,
        client: ClientInfo,
    },
    Text {
        id: UserId,
        text: String,
    },
    Binary {
        id: UserId,
    },
    Left {
        id: UserId,
        is_lost: bool,
    },
    /// A message without a connection, for [`Chat::post`](crate::chat::rules::Chat::post).
    Post {
        id: UserId,
        address: Option<IpAddr>,
        room: RoomName,
        post: Post,
    },
    /// An operator's command that comes from no connection.
    Command(String),
    /// The first element of each node. Other nodes of that name are gone.
    Hello {
        name: String,
    },
    /// The node has ended, or its lease has expired: its connections are lost. Once is enough.
    Gone {
        node: NodeId,
    },
    /// Entries were lost, so that clients may know numbers of messages that do not exist: all numberings get new names.
    Renumber {
        prefix: u64,
    },
    /// A node stores a snapshot of the state after the entry with this id.
    Snapshot {
        at: String,
    },
}

impl Logged {
    /// An input as it is logged; `None` if it concerns one process only. Without a wildcard: each new input has to be one or
    /// the other. `since` stays with the process that has the connection.
    pub(crate) fn new(input: &Input<'_>) -> Option<Self> {
        Some(match *input {
            Input::Joined { id, dialect, room, since: _, secret, client } => {
                Self::Joined { id, dialect, room: room.clone(), secret, client }
            }
            Input::Text { id, text } => Self::Text { id, text: text.to_owned() },
            Input::Binary { id } => Self::Binary { id },
            Input::Left { id, is_lost } => Self::Left { id, is_lost },
            Input::Command(line) => Self::Command(line.to_owned()),
            Input::Ready { .. } | Input::Behind { .. } | Input::Tick => return None,
            // From the files of one process, which a node does not have.
            Input::Loaded { .. } | Input::Erased { .. } | Input::Restrictions(_) => return None,
        })
    }

    /// The input; `None` if it is a post, or between nodes. `since` is for a connection of this process.
    pub(crate) fn input<'a>(&'a self, since: Option<Since<'a>>) -> Option<Input<'a>> {
        Some(match self {
            Self::Joined { id, dialect, room, secret, client } => {
                Input::Joined { id: *id, dialect: *dialect, room, since, secret: *secret, client: *client }
            }
            Self::Text { id, text } => Input::Text { id: *id, text },
            Self::Binary { id } => Input::Binary { id: *id },
            Self::Left { id, is_lost } => Input::Left { id: *id, is_lost: *is_lost },
            Self::Command(line) => Input::Command(line),
            Self::Post { .. }
            | Self::Hello { .. }
            | Self::Gone { .. }
            | Self::Renumber { .. }
            | Self::Snapshot { .. } => return None,
        })
    }
}

/// Names an entry of the stream. Another stream may have an entry with the same id, but it is of another node.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Position {
    /// `MILLISECONDS-NUMBER`.
    pub(crate) id: String,
    pub(crate) node: NodeId,
    /// The node's entries are numbered from 1. 0: the entry belongs to the stream itself.
    pub(crate) seq: u64,
}

/// An entry of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at: Position,
    pub(crate) inputs: Vec<Logged>,
}

impl Entry {
    /// By the clock of Redis.
    pub(crate) fn time(&self) -> Millis {
        self.at.id.split('-').next().and_then(|millis| millis.parse().ok()).unwrap_or(0)
    }
}
