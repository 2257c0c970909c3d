//! Several servers, one chat: each node appends what its clients do to one stream of Redis or Valkey, and applies the whole
//! stream to its own copy of the chat. Only the inputs are logged, because the same inputs give the same outputs.
//!
//! The chat's thread is [`ChatServer`](super::server::ChatServer)'s, as without a cluster. One thread appends, another one
//! reads. docs/CLUSTER.md has the promises.

mod error;
mod link;
mod logged;
mod queue;
mod reader;
mod replica;
mod snapshot;
mod writer;

use crate::{
    chat::protocol::{Millis, UserId},
    chat::rules::{Gate, Input, Rules},
    ws::http::Request,
    ws::id_map::IdMap,
    ws::peer::{Peer, skip_ids_below},
    ws::server::{CloseGuard, Responder},
    ws::spawn::{spawn, spawn_supervised},
};
use crossbeam_channel::Receiver;
use link::Link;
use log::{info, warn};
use queue::Queue;
use reader::{Attached, Reader, attach};
use replica::{Replica, connections};
use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

pub use error::ClusterError;
pub(crate) use logged::{Entry, Logged, NodeId};
pub(crate) use reader::FromLog;
pub(crate) use replica::shared_rules;
pub(crate) use snapshot::Snapshot;

/// A node that appends nothing else appends an empty entry.
const BEAT: Duration = Duration::from_secs(1);

/// A node of which the others read nothing for so long is gone. The time in which they are not connected does not count.
const LEASE: Duration = Duration::from_secs(6);

/// A node that joins has to apply about so many inputs.
const SNAPSHOT_INPUTS: u64 = 20_000;

/// The least time between two snapshots of one node.
const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(10);

/// Bytes of the inputs of one entry, besides the last input.
const MAX_ENTRY_BYTES: usize = 64 * 1024;

/// Chunks of the stream that wait for the chat's thread.
const CHANNEL: usize = 16;

/// How long a `pong` waits for the answers before it. Clients take a longer silence for the end of the connection.
const MAX_WAIT: Duration = Duration::from_secs(2);

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
    /// 0 while this node has no number.
    pub(crate) node: NodeId,
    pub(crate) replica: Replica,
    /// Until [`ChatServer`](super::server::ChatServer) takes it.
    pub(crate) start: Option<Snapshot>,
    settings: String,
    pub(crate) gate: Gate,
    pub(crate) queue: Arc<Queue>,
    pub(crate) events: Receiver<FromLog>,
    health: Arc<Health>,
    is_away: bool,
    /// Connections of which the stream has not returned `Joined` yet.
    pub(crate) pending: IdMap<UserId, (Peer, Box<Request>)>,
    /// Requests of which the stream has not returned the message yet, and whether they want JSON.
    pub(crate) posts: HashMap<UserId, (Responder, bool)>,
    /// Of this batch.
    inputs: Vec<Logged>,
    bytes: usize,
    /// The last batch that was appended, and the last one that was read.
    appended: u64,
    read: u64,
    waiting: VecDeque<(u64, Instant, Waiting)>,
    /// When the time in the replica was right.
    time_at: Instant,
    next_beat: Instant,
    last_seen: HashMap<NodeId, Instant>,
    inputs_since_snapshot: u64,
    next_snapshot: Instant,
    /// Where the last snapshot was taken: entries before it can be removed when there is another one.
    snapshot_at: String,
}

/// What waits until this node has read in the stream what it appended before.
#[derive(Debug)]
pub(crate) enum Waiting {
    Pong(UserId),
    Close(CloseGuard),
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
        let (queue, health) = (Arc::new(Queue::default()), Arc::new(Health::default()));
        let (sender, events) = crossbeam_channel::bounded(CHANNEL);
        let last = start.replica.position.clone();
        let (reading, read_health) = (queue.clone(), health.clone());
        let mut reader =
            Reader { link: link.clone(), rules, events: sender, queue: reading, health: read_health, last, node };
        spawn_supervised("cluster read", STACK, move || reader.run()).map_err(no_thread)?;
        let (append_to, append_queue, append_health) = (link.clone(), queue.clone(), health.clone());
        let append = move || writer::run(&append_to, &append_queue, &append_health.is_writable);
        spawn_supervised("cluster append", STACK, append).map_err(no_thread)?;
        let now = Instant::now();
        let mut cluster = Self {
            name: name.to_owned(),
            link,
            node,
            replica: start.replica.clone(),
            settings: start.settings.clone(),
            snapshot_at: start.replica.position.id.clone(),
            start: Some(start),
            gate: Gate::new(rules),
            queue,
            events,
            health,
            is_away: false,
            pending: IdMap::default(),
            posts: HashMap::new(),
            inputs: Vec::new(),
            bytes: 0,
            appended: 0,
            read: 0,
            waiting: VecDeque::new(),
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
        connections(self.node).start + 1
    }

    /// Whether this node can serve clients, for a check by a load balancer.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        self.health.clone()
    }

    /// From now on, this node has this number.
    pub(crate) fn begin(&mut self, node: NodeId) {
        info!("cluster: this is node {node}, \"{}\"", self.name);
        self.node = node;
        skip_ids_below(self.first_id());
        self.queue.restart(node);
        (self.appended, self.read) = (0, 0);
        self.inputs.clear();
        self.append(Logged::Hello { name: self.name.clone() });
        self.flush();
    }

    /// This node has lost its number, and with it its connections.
    pub(crate) fn end(&mut self) {
        self.node = 0;
        self.gate.clear();
        self.waiting.clear();
        self.posts.clear();
        self.queue.restart(0);
    }

    /// Asks the reader for a new number.
    pub(crate) fn renew(&mut self) {
        self.end();
        self.health.is_gone.store(true, Ordering::Relaxed);
    }

    /// Whether this node must end, because that one is newer and has its name.
    pub(crate) fn is_replaced(&self, by: NodeId, name: &str) -> bool {
        self.node > 0 && by > self.node && name == self.name
    }

    /// Whether it is the number of a connection of this node.
    pub(crate) fn owns(&self, id: UserId) -> bool {
        self.node > 0 && connections(self.node).contains(&id)
    }

    /// Appends an input of a connection to the stream.
    pub(crate) fn append_input(&mut self, input: &Input<'_>) {
        self.bytes += if let Input::Text { text, .. } = input { text.len() } else { 0 };
        if let Some(logged) = Logged::new(input) {
            self.append(logged);
        }
        if self.bytes >= MAX_ENTRY_BYTES {
            self.flush();
        }
    }

    pub(crate) fn append(&mut self, logged: Logged) {
        self.inputs.push(logged);
    }

    /// Gives the inputs of this batch to the thread that appends.
    pub(crate) fn flush(&mut self) {
        if self.node > 0 && !self.inputs.is_empty() {
            self.push();
        }
    }

    fn push(&mut self) {
        self.next_beat = Instant::now() + BEAT;
        self.appended = self.queue.push(&mem::take(&mut self.inputs));
        self.bytes = 0;
    }

    /// An entry of this node was read, or of another one.
    pub(crate) fn note_read(&mut self, entry: &Entry) {
        self.time_at = Instant::now();
        self.inputs_since_snapshot += 1 + entry.inputs.len() as u64;
        self.last_seen.insert(entry.at.node, self.time_at);
        if entry.at.node == self.node {
            self.read = entry.at.seq;
            self.queue.acknowledge(entry.at.seq);
        }
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

    /// Adds something that waits for what was appended before.
    pub(crate) fn wait(&mut self, what: Waiting) {
        let after = self.appended + u64::from(!self.inputs.is_empty());
        self.waiting.push_back((after, Instant::now() + MAX_WAIT, what));
    }

    /// What does not wait any more. Without Redis nothing waits: users stay connected.
    pub(crate) fn take_due(&mut self) -> Option<Waiting> {
        let (after, until, _) = self.waiting.front()?;
        let is_due = self.is_away || *after <= self.read || *until <= Instant::now();
        is_due.then(|| self.waiting.pop_front())?.map(|(.., what)| what)
    }

    /// The time of the chat, for inputs that are not logged.
    pub(crate) fn time(&self) -> Millis {
        self.replica.time + u64::try_from(self.time_at.elapsed().as_millis()).unwrap_or(0)
    }

    pub(crate) fn next_beat(&self) -> Instant {
        self.next_beat
    }

    /// Appends what is due: a sign of life, and which nodes are gone.
    pub(crate) fn beat(&mut self) {
        let now = Instant::now();
        if self.next_beat > now {
            return;
        }
        for node in self.replica.nodes.keys().copied().filter(|node| *node != self.node) {
            let seen = *self.last_seen.entry(node).or_insert(now);
            if now - seen > LEASE && !self.is_away && self.events.is_empty() {
                warn!("cluster: node {node} does not answer and is gone");
                self.inputs.push(Logged::Gone { node });
            }
        }
        self.next_beat = now + BEAT;
        if self.node > 0 && (!self.inputs.is_empty() || !self.is_away && !self.queue.is_full()) {
            self.push();
        }
    }

    /// Whether this node shall store a snapshot: the first one in the list of nodes does, or the next one if it does not.
    pub(crate) fn wants_snapshot(&self) -> bool {
        let rank = self.replica.nodes.keys().take_while(|node| **node != self.node).count() as u64;
        let is_due = self.inputs_since_snapshot >= SNAPSHOT_INPUTS * (1 + rank) && self.node > 0;
        is_due && self.next_snapshot <= Instant::now() && self.events.is_empty() && !self.is_away
    }

    /// The state with this chat.
    pub(crate) fn snapshot(&self, chat: &crate::chat::rules::Chat) -> Snapshot {
        Snapshot { settings: self.settings.clone(), origin: None, replica: self.replica.clone(), chat: chat.clone() }
    }

    /// Stores a snapshot, on a thread of its own.
    pub(crate) fn store(&mut self, snapshot: Snapshot) {
        self.next_snapshot = Instant::now() + SNAPSHOT_INTERVAL;
        self.append(Logged::Snapshot { at: snapshot.replica.position.id.clone() });
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
        if self.node > 0 {
            self.append(Logged::Gone { node: self.node });
            self.flush();
        }
        self.queue.close(CLOSE_TIMEOUT);
    }
}

fn no_thread(error: std::io::Error) -> ClusterError {
    ClusterError::Unusable(format!("the system has no thread left: {error}"))
}

#[cfg(test)]
mod tests;
