//! Several servers, one chat: each node appends what its clients do to one stream of Redis or Valkey, and applies the whole
//! stream to its own copy of the chat. Only the inputs are logged, because the same inputs give the same outputs.
//!
//! The chat's thread is [`ChatServer`](super::server::ChatServer)'s, as without a cluster. One thread appends, another one
//! reads. docs/CLUSTER.md has the promises.

mod error;
mod link;
mod logged;
mod outbox;
mod queue;
mod reader;
mod replica;
mod snapshot;
mod writer;

use crate::{
    chat::protocol::{Millis, UserId},
    chat::rules::{Chat, Gate, Rules},
    ws::{
        peer::skip_ids_below,
        spawn::{spawn, spawn_supervised},
    },
};
use crossbeam_channel::Receiver;
use link::Link;
use log::{info, warn};
use outbox::Outbox;
use reader::{Attached, Reader, attach};
use replica::{Replica, connections};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

pub use error::ClusterError;
pub(crate) use logged::{Entry, Logged, NodeId};
pub(crate) use outbox::Waiting;
pub(crate) use reader::FromLog;
pub(crate) use replica::shared_rules;
pub(crate) use snapshot::Snapshot;

/// How often a node appends an entry, which may be empty, and looks for nodes that do not.
const BEAT: Duration = Duration::from_secs(1);

/// A node of which the others read nothing for so long is gone. The time in which they are not connected does not count.
const LEASE: Duration = Duration::from_secs(6);

/// A node that joins has to apply about so many inputs.
const SNAPSHOT_INPUTS: u64 = 20_000;

/// The least time between two snapshots of one node.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(10);

/// Chunks of the stream that wait for the chat's thread.
const CHANNEL: usize = 16;

/// How long a node that ends waits for Redis.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

const STACK: usize = 512 * 1024;

/// Whether a node can serve clients. Clones are of the same node.
#[derive(Debug, Default)]
pub struct Health {
    is_connected: AtomicBool,
    /// Whether the last attempt to append succeeded.
    is_writable: AtomicBool,
    /// Whether the last read returned everything.
    is_current: AtomicBool,
    /// Whether this node needs a new number.
    is_gone: AtomicBool,
}

impl Health {
    /// Whether the node is connected to Redis and has read the whole stream.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        [&self.is_connected, &self.is_writable, &self.is_current].iter().all(|flag| flag.load(Ordering::Relaxed))
            && !self.is_gone.load(Ordering::Relaxed)
    }
}

/// A node of a cluster, for [`ChatServer::cluster`](super::server::ChatServer::cluster).
#[derive(Debug)]
pub struct Cluster {
    name: String,
    link: Link,
    pub(crate) replica: Replica,
    /// Until [`ChatServer`](super::server::ChatServer) takes it.
    pub(crate) start: Option<Snapshot>,
    settings: String,
    pub(crate) gate: Gate,
    pub(crate) outbox: Outbox,
    pub(crate) events: Receiver<FromLog>,
    health: Arc<Health>,
    is_away: bool,
    /// When the time in the replica was right.
    time_at: Instant,
    pub(crate) next_beat: Instant,
    last_seen: HashMap<NodeId, Instant>,
    inputs_since_snapshot: u64,
    next_snapshot: Instant,
    /// Where the last snapshot was taken: entries before it can be removed when there is another one.
    snapshot_at: String,
}

impl Cluster {
    /// Joins the cluster at this URL, such as `redis://HOST:PORT/`, or begins it. Of several nodes with the same name, only the
    /// last one takes part.
    ///
    /// # Errors
    /// Redis does not answer, or the nodes that run have other settings.
    pub fn open(url: &str, name: &str, rules: Rules) -> Result<Self, ClusterError> {
        let link = Link::new(url)?;
        let mut store = link.connect()?;
        let start = match attach(&mut store, rules, None, || Err(ClusterError::Unusable(String::new())))? {
            Attached::With(snapshot) => *snapshot,
            Attached::At(_) => return Err(ClusterError::Unusable("Redis lost the stream; try again".to_owned())),
        };
        let node = store.new_node(0)?;
        let (outbox, health) = (Outbox::default(), Arc::new(Health::default()));
        let (sender, events) = crossbeam_channel::bounded(CHANNEL);
        let last = start.replica.position.clone();
        let (reading, read_health) = (outbox.queue.clone(), health.clone());
        let mut reader =
            Reader { link: link.clone(), rules, events: sender, queue: reading, health: read_health, last, node };
        spawn_supervised("cluster read", STACK, move || reader.run()).map_err(no_thread)?;
        let (append_to, append_queue, append_health) = (link.clone(), outbox.queue.clone(), health.clone());
        let append = move || writer::run(&append_to, &append_queue, &append_health.is_writable);
        spawn_supervised("cluster append", STACK, append).map_err(no_thread)?;
        let now = Instant::now();
        let mut cluster = Self {
            name: name.to_owned(),
            link,
            replica: start.replica.clone(),
            settings: start.settings.clone(),
            snapshot_at: start.replica.position.id.clone(),
            start: Some(start),
            gate: Gate::new(rules),
            outbox,
            events,
            health,
            is_away: false,
            time_at: now,
            next_beat: now,
            last_seen: HashMap::new(),
            inputs_since_snapshot: 0,
            next_snapshot: now + SNAPSHOT_INTERVAL,
        };
        cluster.begin(node);
        Ok(cluster)
    }

    /// The smallest number of this node's connections, for [`Builder::first_id`](crate::Builder::first_id).
    #[must_use]
    pub fn first_id(&self) -> UserId {
        connections(self.outbox.node).start + 1
    }

    /// Whether this node can serve clients, for a check by a load balancer.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        self.health.clone()
    }

    /// From now on, this node has this number.
    pub(crate) fn begin(&mut self, node: NodeId) {
        info!("cluster: this is node {node}, \"{}\"", self.name);
        self.outbox.restart(node);
        skip_ids_below(self.first_id());
        self.outbox.append(Logged::Hello { name: self.name.clone() });
        self.outbox.push();
    }

    /// This node has lost its number, and with it its connections.
    pub(crate) fn end(&mut self) {
        self.gate.clear();
        self.outbox.restart(0);
    }

    /// Asks the reader for a new number.
    pub(crate) fn renew(&mut self) {
        self.end();
        self.health.is_gone.store(true, Ordering::Relaxed);
    }

    /// Whether this node must end, because that one is newer and has its name.
    pub(crate) fn is_replaced(&self, by: NodeId, name: &str) -> bool {
        self.outbox.node > 0 && by > self.outbox.node && name == self.name
    }

    /// Whether it is the number of a connection of this node.
    pub(crate) fn owns(&self, id: UserId) -> bool {
        self.outbox.node > 0 && connections(self.outbox.node).contains(&id)
    }

    /// Whether too much waits for Redis.
    pub(crate) fn is_full(&self) -> bool {
        self.outbox.queue.is_full()
    }

    /// Gives the inputs of this batch to the thread that appends.
    pub(crate) fn flush(&mut self) {
        if self.outbox.node > 0 && !self.outbox.is_empty() {
            self.outbox.push();
        }
    }

    /// An entry of this node was read, or of another one.
    pub(crate) fn note_read(&mut self, entry: &Entry) {
        self.time_at = Instant::now();
        self.inputs_since_snapshot += 1 + entry.inputs.len() as u64;
        self.last_seen.insert(entry.at.node, self.time_at);
        self.outbox.note_read(entry);
    }

    pub(crate) fn note_snapshot(&mut self, at: &str) {
        self.inputs_since_snapshot = 0;
        at.clone_into(&mut self.snapshot_at);
    }

    /// The connection to Redis is lost, or back.
    pub(crate) fn set_away(&mut self, is_away: bool) {
        self.is_away = is_away;
        // Time without a connection does not count for leases.
        self.last_seen.clear();
    }

    /// What does not wait any more. Without Redis nothing waits: users stay connected.
    pub(crate) fn take_due(&mut self) -> Option<Waiting> {
        self.outbox.take_due(self.is_away)
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
        if now - self.next_beat > LEASE / 2 {
            // This process was suspended. It has yet to read what the others appended.
            self.last_seen.clear();
        }
        let own = self.outbox.node;
        for node in self.replica.nodes.keys().copied().filter(|node| *node != own) {
            let seen = *self.last_seen.entry(node).or_insert(now);
            if now - seen > LEASE && !self.is_away {
                warn!("cluster: node {node} does not answer and is gone");
                self.outbox.append(Logged::Gone { node });
            }
        }
        self.next_beat = now + BEAT;
        if self.outbox.node > 0 && (!self.outbox.is_empty() || !self.is_away && !self.is_full()) {
            self.outbox.push();
        }
    }

    /// Whether this node shall store a snapshot: the first one in the list of nodes does, or the next one if it does not.
    pub(crate) fn wants_snapshot(&self) -> bool {
        let rank = self.replica.nodes.keys().take_while(|node| **node != self.outbox.node).count() as u64;
        let is_due = self.inputs_since_snapshot >= SNAPSHOT_INPUTS * (1 + rank) && self.outbox.node > 0;
        is_due && self.next_snapshot <= Instant::now() && self.events.is_empty() && !self.is_away
    }

    /// The state with this chat.
    pub(crate) fn snapshot(&self, chat: &Chat) -> Snapshot {
        Snapshot { settings: self.settings.clone(), origin: None, replica: self.replica.clone(), chat: chat.clone() }
    }

    /// Stores a snapshot, on a thread of its own.
    pub(crate) fn store(&mut self, snapshot: Snapshot) {
        self.next_snapshot = Instant::now() + SNAPSHOT_INTERVAL;
        self.outbox.append(Logged::Snapshot { at: snapshot.replica.position.id.clone() });
        let (link, trim) = (self.link.clone(), self.snapshot_at.clone());
        let store = move || match link.connect().and_then(|mut store| store.store(&snapshot, &trim)) {
            Ok(true) => {}
            result => warn!("cluster: the snapshot was not stored; the next one comes later: {result:?}"),
        };
        if let Err(error) = spawn("cluster snapshot", STACK, Box::new(store)) {
            warn!("cluster: no thread for a snapshot: {error}");
        }
    }

    /// Leaves the cluster.
    pub(crate) fn close(&mut self) {
        if self.outbox.node > 0 {
            self.outbox.append(Logged::Gone { node: self.outbox.node });
            self.outbox.push();
        }
        self.outbox.queue.close(CLOSE_TIMEOUT);
    }
}

fn no_thread(error: std::io::Error) -> ClusterError {
    ClusterError::Unusable(format!("the system has no thread left: {error}"))
}

#[cfg(test)]
mod tests;
