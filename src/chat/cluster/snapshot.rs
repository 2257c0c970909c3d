//! The state after an entry: a node that joins begins with it instead of with the first entry.

use super::{
    error::ClusterError,
    logged::Position,
    replica::{Replica, shared_rules},
};
use crate::chat::rules::{Chat, Rules};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The settings that all nodes must share.
    pub(crate) settings: String,
    /// If the stream that this belongs to replaced a lost one: the last entry of that one in this state.
    pub(crate) origin: Option<Position>,
    pub(crate) replica: Replica,
    pub(crate) chat: Chat,
}

/// What a node found in Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The stream continues the snapshot.
    Fits,
    /// The stream does not continue the snapshot, or the snapshot is missing.
    Other,
    /// The stream is missing.
    Nothing,
}

impl Snapshot {
    /// The first one. The names of the numberings are those of the stream's second entry.
    pub(super) fn empty(rules: Rules) -> Self {
        let chat = Chat::new(shared_rules(rules));
        Self { settings: settings(rules), origin: None, replica: Replica::default(), chat }
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, ClusterError> {
        let error = |error| format!("the snapshot in Redis is not of this version of chinwag: {error}");
        serde_json::from_slice(text).map_err(|why| ClusterError::Unusable(error(why)))
    }

    pub(super) fn to_text(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// # Errors
    /// The nodes that run have other settings.
    pub(super) fn check(&self, rules: Rules) -> Result<(), ClusterError> {
        let own = settings(rules);
        let differs = |(own, other): &(&str, &str)| own != other;
        match own.split(", ").zip(self.settings.split(", ")).find(differs) {
            None => Ok(()),
            Some((own, other)) => Err(ClusterError::Unusable(format!(
                "all nodes must have the same version and limits: this one has \"{own}\", the others \"{other}\""
            ))),
        }
    }
}

/// What has to be the same on all nodes, because the state depends on it.
fn settings(rules: Rules) -> String {
    let Rules { name_chars, text_chars, room_rate, strikes, rooms, room_users, room_messages, .. } = rules;
    let Rules { room_bytes, history_bytes, .. } = rules;
    let rate = room_rate.map_or((0, 0), |rate| (rate.per_second, rate.burst));
    format!(
        "version {}, precis {}, name {name_chars}, text {text_chars}, room-rate {}, room-burst {}, strikes {}, rooms \
         {rooms}, room-users {}, room-messages {room_messages}, room-bytes {room_bytes}, history {history_bytes}",
        env!("CARGO_PKG_VERSION"),
        cfg!(feature = "precis"),
        rate.0,
        rate.1,
        strikes.unwrap_or(0),
        room_users.unwrap_or(0),
    )
}
