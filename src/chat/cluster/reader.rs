//! The thread that reads the stream.

use super::replica::{Entry, Logged, NodeId, Position, Replica, Snapshot, shared_rules};
use super::{RETRY, Result, store::Store};
use crate::chat::rules::{Chat, Rules};
use crossbeam_channel::Sender;
use log::{info, warn};
use redis::Client;
use std::{thread, time::Duration};

/// How long the chat's thread may take to return its state.
const STATE_TIMEOUT: Duration = Duration::from_secs(10);

/// A node that joins has to apply about so many entries.
const SNAPSHOT_ENTRIES: u64 = 20_000;

/// What the chat's thread receives.
#[derive(Debug)]
pub(crate) enum FromLog {
    Entries(Vec<Entry>),
    /// The state after the last entry is wanted.
    State(Sender<Box<Snapshot>>),
    /// From now on the node has this number, and no connections of an earlier one. With a snapshot, the entries that were
    /// applied are not those of the stream. This is its state.
    Restart(NodeId, Option<Box<Snapshot>>),
}

pub(super) struct Reader {
    client: Client,
    rules: Rules,
    events: Sender<FromLog>,
    /// The last entry that was read. At first the default, which is no entry.
    last: Position,
    pub(super) node: NodeId,
    /// Whether the others have given up this node, which then needs a new number.
    is_gone: bool,
    /// Entries since the last snapshot.
    unsaved: u64,
}

impl Reader {
    pub(super) fn new(client: Client, rules: Rules, events: Sender<FromLog>) -> Self {
        Self { client, rules, events, last: Position::default(), node: 0, is_gone: false, unsaved: 0 }
    }

    /// Runs until the chat ends.
    pub(super) fn run(&mut self) {
        let mut was_connected = true;
        while let Err(error) = self.read(&mut was_connected) {
            if was_connected {
                warn!("cluster: the connection to Redis is lost; messages wait until it is back: {error}");
            }
            was_connected = false;
            // Fails if the chat has ended.
            if self.events.send(FromLog::Entries(Vec::new())).is_err() {
                return;
            }
            thread::sleep(RETRY);
        }
    }

    /// Reads until the connection is lost, or the chat ends.
    fn read(&mut self, is_connected: &mut bool) -> Result<()> {
        let mut store = Store::connect(&self.client)?;
        self.attach(&mut store)?;
        info!("cluster: connected to Redis");
        *is_connected = true;
        loop {
            let Some(entries) = store.read(&self.last)? else {
                self.attach(&mut store)?;
                continue;
            };
            let Some(last) = entries.last() else { continue };
            self.last = last.at.clone();
            self.is_gone = entries.iter().any(|entry| entry.input == Logged::Gone(self.node));
            for entry in &entries {
                self.unsaved = if entry.input == Logged::Snapshot { 0 } else { self.unsaved + 1 };
            }
            self.events.send(FromLog::Entries(entries))?;
            if self.is_gone {
                self.renew(&mut store, None)?;
            } else if self.unsaved >= SNAPSHOT_ENTRIES + 1000 * (self.node % 8) {
                // The nodes have different numbers, so that usually one of them stores the snapshot for all.
                store.store(&self.state()?, 2 * SNAPSHOT_ENTRIES)?;
                self.unsaved = 0;
            }
        }
    }

    /// Continues where the stream continues the chat, or with another state.
    pub(super) fn attach(&mut self, store: &mut Store) -> Result<()> {
        let (position, snapshot) = self.find(store)?;
        if snapshot.is_some() && self.has_state() {
            warn!("cluster: entries were lost in Redis");
            // First: another node could continue a numbering for the clients of this one that is not theirs.
            store.renumber()?;
        }
        if snapshot.is_some() || self.is_gone {
            self.renew(store, snapshot)?;
        } else {
            store.reserve(self.node)?;
        }
        if self.last != position {
            self.unsaved = 0;
        }
        self.last = position;
        Ok(())
    }

    fn has_state(&self) -> bool {
        self.last != Position::default()
    }

    /// Finds out where to continue, and with which state if it is not the chat's. Begins a stream if there is none.
    fn find(&self, store: &mut Store) -> Result<(Position, Option<Box<Snapshot>>)> {
        for attempt in 0..10 {
            if self.has_state() && store.has(&self.last)? {
                return Ok((self.last.clone(), None));
            }
            let found = store.snapshot()?;
            let fits = found.as_ref().map_or(Ok(false), |found| store.has(&found.replica.position))?;
            match found {
                Some(found) if fits => {
                    found.check(self.rules)?;
                    let is_own = self.has_state() && found.origin.as_ref() == Some(&self.last);
                    return Ok((found.replica.position.clone(), (!is_own).then(|| Box::new(found))));
                }
                // Another node may just have stored a snapshot and removed the entries before it.
                _ if store.exists()? => thread::sleep(RETRY),
                // A node that runs has the messages, so a new one lets it begin the stream.
                _ if !self.has_state() && attempt < 3 => thread::sleep(RETRY),
                found => {
                    let own = found.filter(|_| !self.has_state()).map_or_else(|| self.state(), Ok)?;
                    own.check(self.rules)?;
                    // In the next round, this is the snapshot that is found.
                    store.begin(Snapshot { origin: Some(own.replica.position.clone()), ..own })?;
                }
            }
        }
        Err("the stream does not continue the snapshot; stop all nodes and delete the keys of chinwag in Redis")?
    }

    /// The state after the last entry.
    fn state(&self) -> Result<Snapshot> {
        if !self.has_state() {
            return Ok(Snapshot::new(self.rules, Replica::default(), Chat::new(shared_rules(self.rules), 0)));
        }
        let (sender, receiver) = crossbeam_channel::bounded(1);
        self.events.send(FromLog::State(sender))?;
        Ok(*receiver.recv_timeout(STATE_TIMEOUT)?)
    }

    /// Gives the node a new number, and with a snapshot another state.
    fn renew(&mut self, store: &mut Store, snapshot: Option<Box<Snapshot>>) -> Result<()> {
        if self.node > 0 {
            info!("cluster: this node is gone for the others, and gets a new number");
        }
        self.node = store.new_node(self.node)?;
        self.is_gone = false;
        Ok(self.events.send(FromLog::Restart(self.node, snapshot))?)
    }
}
