//! What this node appends, on the chat's thread, and what waits until the stream has returned it.

use super::{
    logged::{Entry, Logged, NodeId},
    queue::Queue,
};
use crate::{
    chat::protocol::UserId,
    chat::rules::Input,
    ws::{
        http::Request,
        id_map::IdMap,
        peer::Peer,
        server::{CloseGuard, Responder},
    },
};
use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

/// Bytes of the texts of one entry, besides the last text.
const MAX_ENTRY_BYTES: usize = 64 * 1024;

/// How long a `pong` waits for the answers before it. Clients take a longer silence for the end of the connection.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// All of it belongs to one number of the node.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// 0 while this node has no number.
    pub(crate) node: NodeId,
    pub(crate) queue: Arc<Queue>,
    /// Connections of which the stream has not returned `Joined` yet.
    pub(crate) joining: IdMap<UserId, (Peer, Box<Request>)>,
    /// Requests of which the stream has not returned the message yet, and whether they want JSON.
    pub(crate) posts: HashMap<UserId, (Responder, bool)>,
    /// The next entry.
    inputs: Vec<Logged>,
    bytes: usize,
    /// The last entry that was appended, and the last one that was read.
    appended: u64,
    read: u64,
    waiting: VecDeque<(u64, Instant, Waiting)>,
}

/// What waits until this node has read what it appended before.
#[derive(Debug)]
pub(crate) enum Waiting {
    Pong(UserId),
    Close(CloseGuard),
}

impl Outbox {
    /// Forgets everything that belongs to an earlier number.
    pub(super) fn restart(&mut self, node: NodeId) {
        self.queue.restart(node);
        *self = Self { node, queue: self.queue.clone(), ..Self::default() };
    }

    /// Appends an input of a connection.
    pub(crate) fn append_input(&mut self, input: &Input<'_>) {
        self.bytes += if let Input::Text { text, .. } = input { text.len() } else { 0 };
        self.inputs.extend(Logged::new(input));
        if self.bytes >= MAX_ENTRY_BYTES {
            self.push();
        }
    }

    pub(crate) fn append(&mut self, logged: Logged) {
        self.inputs.push(logged);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Gives the entry to the thread that appends it.
    pub(super) fn push(&mut self) {
        self.appended = self.queue.push(&mem::take(&mut self.inputs));
        self.bytes = 0;
    }

    pub(super) fn note_read(&mut self, entry: &Entry) {
        if entry.at.node == self.node {
            self.read = entry.at.seq;
            self.queue.acknowledge(entry.at.seq);
        }
    }

    /// Adds something that waits for what was appended before.
    pub(crate) fn wait(&mut self, what: Waiting) {
        let after = self.appended + u64::from(!self.inputs.is_empty());
        self.waiting.push_back((after, Instant::now() + MAX_WAIT, what));
    }

    /// What does not wait any more.
    pub(super) fn take_due(&mut self, is_away: bool) -> Option<Waiting> {
        let (after, until, _) = self.waiting.front()?;
        let is_due = is_away || *after <= self.read || *until <= Instant::now();
        is_due.then(|| self.waiting.pop_front())?.map(|(.., what)| what)
    }
}
