//! The thread that reads the stream.

use super::{
    Health,
    error::ClusterError,
    link::{Link, MAX_READ, Store},
    logged::{Entry, NodeId, Position},
    queue::Queue,
    snapshot::{Found, Snapshot},
};
use crate::chat::rules::Rules;
use crossbeam_channel::Sender;
use log::{info, warn};
use std::{
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
};

/// The pause before the next attempt.
pub(super) const RETRY: Duration = Duration::from_millis(300);

/// How long the chat's thread may take to return its state.
const STATE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the chat's thread receives.
#[derive(Debug)]
pub(crate) enum FromLog {
    Entries(Vec<Entry>),
    /// The connection to Redis is lost.
    Away,
    /// The connection is back.
    Back,
    /// The state after the last entry is wanted.
    State(Sender<Box<Snapshot>>),
    /// The entries that were applied are not those of the stream. This is its state.
    Reset(Box<Snapshot>),
    /// The number that this node has from now on.
    Node(NodeId),
}

/// Where a connection continues.
pub(super) enum Attached {
    /// After this entry: the state is that of the node.
    At(Position),
    /// With another state.
    With(Box<Snapshot>),
}

/// Finds out where to continue after `last`, whose state `state` returns. Begins a stream if there is none.
pub(super) fn attach(
    store: &mut Store,
    rules: Rules,
    last: Option<&Position>,
    mut state: impl FnMut() -> Result<Snapshot, ClusterError>,
) -> Result<Attached, ClusterError> {
    for attempt in 0..10 {
        match last {
            Some(last) if store.has(last)? => return Ok(Attached::At(last.clone())),
            _ => {}
        }
        match store.snapshot()? {
            (Some(snapshot), Found::Fits) => {
                snapshot.check(rules)?;
                let is_same = last.is_some() && snapshot.origin.as_ref() == last;
                return Ok(if is_same {
                    Attached::At(snapshot.replica.position)
                } else {
                    Attached::With(Box::new(snapshot))
                });
            }
            // A node that runs has the messages, so a new one lets it begin the stream.
            (_, Found::Nothing) if last.is_none() && attempt < 3 => thread::sleep(RETRY),
            (found, Found::Nothing) => {
                let own = match last {
                    Some(_) => state()?,
                    None => found.unwrap_or_else(|| Snapshot::empty(rules)),
                };
                own.check(rules)?;
                // In the next round, this is the snapshot that is found.
                store.begin(Snapshot { origin: Some(own.replica.position.clone()), ..own })?;
            }
            // Another node may just have stored a snapshot and removed the entries before it.
            (_, Found::Other | Found::Fits) => thread::sleep(RETRY),
        }
    }
    Err(ClusterError::Unusable(
        "the stream does not continue the snapshot; stop all nodes and delete the keys of chinwag in Redis".to_owned(),
    ))
}

pub(super) struct Reader {
    pub(super) link: Link,
    pub(super) rules: Rules,
    pub(super) events: Sender<FromLog>,
    pub(super) queue: Arc<Queue>,
    pub(super) health: Arc<Health>,
    pub(super) last: Position,
    pub(super) node: NodeId,
}

impl Reader {
    /// Runs until the node ends.
    pub(super) fn run(&mut self) {
        let mut was_away = false;
        while !self.queue.is_closing() {
            let Err(error) = self.read() else { return };
            if !was_away || self.health.is_connected.load(Ordering::Relaxed) {
                warn!("cluster: the connection to Redis is lost; messages wait until it is back: {error}");
            }
            was_away = true;
            self.health.is_connected.store(false, Ordering::Relaxed);
            self.send(FromLog::Away);
            thread::sleep(RETRY);
        }
    }

    fn send(&self, event: FromLog) -> bool {
        self.events.send(event).is_ok()
    }

    /// Reads until the connection is lost. `Ok`: the chat has ended.
    fn read(&mut self) -> Result<(), ClusterError> {
        let mut store = self.link.connect()?;
        self.attach(&mut store)?;
        info!("cluster: connected to Redis");
        self.health.is_connected.store(true, Ordering::Relaxed);
        let mut is_going = self.send(FromLog::Back);
        while is_going {
            if self.health.is_gone.swap(false, Ordering::Relaxed) {
                is_going = self.renew(&mut store)?;
            }
            match store.read(&self.last)? {
                None => self.attach(&mut store)?,
                Some(entries) => {
                    let is_current = entries.len() < MAX_READ;
                    if !self.health.is_current.swap(is_current, Ordering::Relaxed) && is_current {
                        info!("cluster: this node has read the whole stream");
                    }
                    if let Some(last) = entries.last() {
                        self.last = last.at.clone();
                        is_going = self.send(FromLog::Entries(entries));
                    }
                }
            }
        }
        Ok(())
    }

    fn attach(&mut self, store: &mut Store) -> Result<(), ClusterError> {
        let events = &self.events;
        let state = || {
            let (sender, receiver) = crossbeam_channel::bounded(1);
            let _ = events.send(FromLog::State(sender));
            let state = receiver.recv_timeout(STATE_TIMEOUT).map(|state| *state);
            state.map_err(|_| ClusterError::Unusable("the chat does not answer".to_owned()))
        };
        match attach(store, self.rules, Some(&self.last), state)? {
            Attached::At(position) => {
                self.last = position;
                store.reserve(self.node)?;
            }
            Attached::With(snapshot) => {
                warn!("cluster: entries were lost in Redis; all clients of this node connect again");
                self.last = snapshot.replica.position.clone();
                self.send(FromLog::Reset(snapshot));
                self.renew(store)?;
            }
        }
        Ok(())
    }

    fn renew(&mut self, store: &mut Store) -> Result<bool, ClusterError> {
        self.node = store.new_node(self.node)?;
        Ok(self.send(FromLog::Node(self.node)))
    }
}
