//! The thread that reads the stream.

use super::{
    RETRY, Result,
    replica::{Entry, Logged, NodeId, Position, Snapshot},
    store::Store,
};
use crate::chat::rules::Rules;
use crossbeam_channel::Sender;
use log::{info, warn};
use redis::Client;
use std::{thread, time::Duration};

/// How long the chat's thread may take to return its state.
const STATE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the chat's thread receives.
#[derive(Debug)]
pub(crate) enum FromLog {
    Entries(Vec<Entry>),
    /// The connection to Redis is lost, or back.
    Away(bool),
    /// The state after the last entry is wanted.
    State(Sender<Box<Snapshot>>),
    /// The node has lost its number, and with it its connections. From now on it has this number. With a snapshot, the
    /// entries that were applied are not those of the stream. This is its state.
    Restart(NodeId, Option<Box<Snapshot>>),
}

/// Finds out where to continue after `last`, whose state `state` returns, and with which state if it is another one. Begins
/// a stream if there is none.
pub(super) fn attach(
    store: &mut Store,
    rules: Rules,
    last: Option<&Position>,
    state: impl Fn() -> Result<Snapshot>,
) -> Result<(Position, Option<Box<Snapshot>>)> {
    for attempt in 0..10 {
        match last {
            Some(last) if store.has(last)? => return Ok((last.clone(), None)),
            _ => {}
        }
        let found = store.snapshot()?;
        let fits = found.as_ref().map_or(Ok(false), |found| store.has(&found.replica.position))?;
        match found {
            Some(found) if fits => {
                found.check(rules)?;
                let is_own = last.is_some() && found.origin.as_ref() == last;
                return Ok((found.replica.position.clone(), (!is_own).then(|| Box::new(found))));
            }
            // Another node may just have stored a snapshot and removed the entries before it.
            _ if store.exists()? => thread::sleep(RETRY),
            // A node that runs has the messages, so a new one lets it begin the stream.
            _ if last.is_none() && attempt < 3 => thread::sleep(RETRY),
            found => {
                let own = found.filter(|_| last.is_none()).map_or_else(&state, Ok)?;
                own.check(rules)?;
                // In the next round, this is the snapshot that is found.
                store.begin(Snapshot { origin: Some(own.replica.position.clone()), ..own })?;
            }
        }
    }
    Err("the stream does not continue the snapshot; stop all nodes and delete the keys of chinwag in Redis")?
}

pub(super) struct Reader {
    pub(super) client: Client,
    pub(super) rules: Rules,
    pub(super) events: Sender<FromLog>,
    /// The last entry that was read.
    pub(super) last: Position,
    pub(super) node: NodeId,
    /// Whether the others have given up this node, which then needs a new number.
    pub(super) is_gone: bool,
}

impl Reader {
    /// Runs until the chat ends.
    pub(super) fn run(&mut self) {
        let mut was_connected = true;
        while let Err(error) = self.read(&mut was_connected) {
            if was_connected {
                warn!("cluster: the connection to Redis is lost; messages wait until it is back: {error}");
            }
            was_connected = false;
            if self.events.send(FromLog::Away(true)).is_err() {
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
        self.events.send(FromLog::Away(false))?;
        loop {
            if self.is_gone {
                self.renew(&mut store, None)?;
            }
            match store.read(&self.last)? {
                None => self.attach(&mut store)?,
                Some(entries) => {
                    let Some(last) = entries.last() else { continue };
                    self.last = last.at.clone();
                    let gone = Logged::Gone(self.node);
                    self.is_gone = entries.iter().any(|entry| entry.input == gone);
                    self.events.send(FromLog::Entries(entries))?;
                }
            }
        }
    }

    fn attach(&mut self, store: &mut Store) -> Result<()> {
        let state = || {
            let (sender, receiver) = crossbeam_channel::bounded(1);
            self.events.send(FromLog::State(sender))?;
            Ok(*receiver.recv_timeout(STATE_TIMEOUT)?)
        };
        let (position, snapshot) = attach(store, self.rules, Some(&self.last), state)?;
        if snapshot.is_some() {
            warn!("cluster: entries were lost in Redis; all clients of this node connect again");
            // First: another node could continue a numbering for these clients that is not theirs.
            store.renumber()?;
            self.renew(store, snapshot)?;
        } else {
            store.reserve(self.node)?;
        }
        self.last = position;
        Ok(())
    }

    fn renew(&mut self, store: &mut Store, snapshot: Option<Box<Snapshot>>) -> Result<()> {
        self.node = store.new_node(self.node)?;
        self.is_gone = false;
        Ok(self.events.send(FromLog::Restart(self.node, snapshot))?)
    }
}
