//! Several servers, one chat: each node appends what its clients do to one stream of Redis or Valkey, and applies the whole
//! stream to its own copy of the chat. Only the inputs are logged, because the same inputs give the same outputs.
//!
//! The chat's thread is [`ChatServer`](super::server::ChatServer)'s, as without a cluster. One thread appends, another one
//! reads. docs/CLUSTER.md has the promises.

mod queue;
mod reader;
mod replica;
mod store;

use crate::chat::protocol::{Millis, UserId};
use crate::chat::rules::{Chat, Gate, Rules};
use crate::ws::{
    http::Request,
    id_map::IdMap,
    peer::{Peer, skip_ids_below},
    spawn::spawn_supervised,
};
use crossbeam_channel::Receiver;
use log::{info, warn};
use queue::Queue;
use reader::Reader;
use redis::Client;
use replica::{NodeId, Replica, connections};
use std::time::{Duration, Instant};
use std::{collections::HashMap, error::Error, sync::Arc};
use store::Store;

pub(crate) use reader::FromLog;
pub(crate) use replica::{Entry, Logged, Snapshot, shared_rules};

/// How often a node appends an entry, which may say nothing, and looks for nodes that do not.
const BEAT: Duration = Duration::from_secs(1);

/// A node of which the others read nothing for so long is gone. The time in which they are not connected does not count.
const LEASE: Duration = Duration::from_secs(6);

/// Chunks of the stream that wait for the chat's thread.
const CHANNEL: usize = 16;

/// The pause before the next attempt to reach Redis.
const RETRY: Duration = Duration::from_millis(300);

/// How long a node that ends waits for Redis.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

const STACK: usize = 512 * 1024;

/// The error is one line: Redis does not answer, or what a person has to change.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A node of a cluster, for [`ChatServer::cluster`](super::server::ChatServer::cluster).
#[derive(Debug)]
pub struct Cluster {
    pub(crate) name: String,
    rules: Rules,
    pub(crate) node: NodeId,
    pub(crate) replica: Replica,
    pub(crate) gate: Gate,
    pub(crate) queue: Arc<Queue>,
    pub(crate) events: Receiver<FromLog>,
    /// Connections of which the stream has not returned `Joined` yet.
    pub(crate) joining: IdMap<UserId, (Peer, Box<Request>)>,
    /// Whether the whole stream was read.
    pub(crate) is_current: bool,
    /// When the time in the replica was right.
    time_at: Instant,
    pub(crate) next_beat: Instant,
    /// When the last entry of each node was read.
    last_seen: HashMap<NodeId, Instant>,
}

impl Cluster {
    /// Joins the cluster at this URL, such as `redis://HOST:PORT/`, or begins it. Of several nodes with the same name, only the
    /// last one takes part.
    ///
    /// # Errors
    /// One line: Redis does not answer, or the nodes that run have other settings.
    pub fn open(url: &str, name: &str, rules: Rules) -> Result<Self> {
        let client = Client::open(url).map_err(|error| format!("{error}; write redis://HOST:PORT/"))?;
        let (sender, events) = crossbeam_channel::bounded(CHANNEL);
        let mut reader = Reader::new(client.clone(), rules, sender);
        let server = client.get_connection_info().addr();
        let connected = Store::connect(&client).map_err(|error| {
            format!("no Redis at {server}: {error}; start it there, or correct the URL (rediss:// is TLS)")
        });
        // The state comes as the first event.
        reader.attach(&mut connected?)?;
        let node = reader.node;
        spawn_supervised("cluster read", STACK, Box::new(move || reader.run()))?;
        let queue = Arc::new(Queue::default());
        let append_from = queue.clone();
        spawn_supervised("cluster append", STACK, Box::new(move || append_from.run(&client)))?;
        let now = Instant::now();
        Ok(Self {
            name: name.to_owned(),
            rules,
            node,
            replica: Replica::default(),
            gate: Gate::new(rules),
            queue,
            events,
            joining: IdMap::default(),
            is_current: false,
            time_at: now,
            next_beat: now,
            last_seen: HashMap::new(),
        })
    }

    /// The smallest number of this node's connections, for [`Builder::first_id`](crate::Builder::first_id).
    #[must_use]
    pub fn first_id(&self) -> UserId {
        connections(self.node).start + 1
    }

    /// Whether this node can serve clients: it has read in the stream what it appended a moment ago.
    pub(crate) fn is_ready(&self) -> bool {
        self.last_seen.get(&self.node).is_some_and(|at| at.elapsed() < LEASE / 2)
    }

    /// From now on, this node has this number, and nothing of an earlier one.
    pub(crate) fn begin(&mut self, node: NodeId) {
        info!("cluster: this is node {node}, \"{}\"", self.name);
        (self.node, self.joining, self.is_current) = (node, IdMap::default(), false);
        self.gate = Gate::new(self.rules);
        self.queue.restart(node);
        skip_ids_below(self.first_id());
        self.queue.push(&Logged::Hello(self.name.clone()));
    }

    /// Whether this connection can join, or post: it has a number of this node, and not too much waits for Redis.
    pub(crate) fn has_place(&self, id: UserId) -> bool {
        connections(self.node).contains(&id) && !self.queue.is_full()
    }

    /// Takes the next entry of the stream. Returns whether its input applies.
    pub(crate) fn accept(&mut self, entry: &Entry) -> bool {
        self.time_at = Instant::now();
        if entry.at.node == self.node {
            self.queue.acknowledge(entry.at.seq);
            if !self.is_ready() {
                // Redis was away, or this process was suspended. That time does not count for leases.
                self.last_seen.clear();
            }
        }
        self.last_seen.insert(entry.at.node, self.time_at);
        self.replica.accept(entry)
    }

    /// The time of the chat, for inputs that are not logged.
    pub(crate) fn time(&self) -> Millis {
        self.replica.time + u64::try_from(self.time_at.elapsed().as_millis()).unwrap_or(0)
    }

    /// Appends what is due: a sign of life, and which nodes are gone.
    pub(crate) fn beat(&mut self) {
        let now = Instant::now();
        if self.next_beat > now {
            return;
        }
        self.next_beat = now + BEAT;
        // What waits is a sign of life as well, when it is appended.
        if self.queue.is_empty() {
            self.queue.push(&Logged::Alive);
        }
        if !self.is_ready() {
            return;
        }
        for node in self.replica.nodes.keys().copied().filter(|node| *node != self.node) {
            if now - *self.last_seen.entry(node).or_insert(now) > LEASE {
                warn!("cluster: node {node} does not answer and is gone");
                self.queue.push(&Logged::Gone(node));
            }
        }
    }

    /// The state with this chat.
    pub(crate) fn snapshot(&self, chat: &Chat) -> Snapshot {
        Snapshot::new(self.rules, self.replica.clone(), chat.clone())
    }

    /// Leaves the cluster.
    pub(crate) fn close(&self) {
        self.queue.push(&Logged::Gone(self.node));
        self.queue.close(CLOSE_TIMEOUT);
    }
}

#[cfg(test)]
mod tests;
