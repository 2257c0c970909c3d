//! The commands for Redis.

use super::Result;
use super::replica::{Entry, Logged, MAX_NODES, NodeId, Position, Snapshot};
use log::warn;
use redis::{Client, Connection, Pipeline, RedisResult, cmd, pipe};
use std::time::Duration;

/// All keys begin with `chinwag:`, so that an ACL can name them.
const LOG: &str = "chinwag:log";
const SNAPSHOT: &str = "chinwag:snapshot";
const NODES: &str = "chinwag:nodes";

/// The first entry of each stream, which says nothing, and the second.
const FIRST: &str = "0-1";
const SECOND: &str = "0-2";

/// How long a connection may take, and an answer. A read that waits for entries gets an answer after [`BLOCK`].
const TIMEOUT: Duration = Duration::from_secs(3);
const BLOCK: Duration = Duration::from_secs(1);

/// Entries that are read at once.
const MAX_READ: usize = 256;

/// An entry as Redis sends it: its id, and one field with its value, which is JSON.
type Raw = (String, (String, String));

/// What `XREAD` returns of a stream: its key, and entries.
type Stream = (String, Vec<Raw>);

/// A connection.
pub(super) struct Store(Connection);

impl Store {
    pub(super) fn connect(client: &Client) -> RedisResult<Self> {
        let connection = client.get_connection_with_timeout(TIMEOUT)?;
        connection.set_read_timeout(Some(TIMEOUT))?;
        connection.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self(connection))
    }

    /// Appends entries. Returns false if the stream does not exist.
    pub(super) fn append<'a>(&mut self, entries: impl Iterator<Item = &'a str>) -> RedisResult<bool> {
        let mut pipe = pipe();
        entries.for_each(|json| add(&mut pipe, &["NOMKSTREAM", "*"], json));
        let ids: Vec<Option<String>> = pipe.query(&mut self.0)?;
        Ok(ids.iter().all(Option::is_some))
    }

    /// Gives all numberings new names.
    pub(super) fn renumber(&mut self) -> RedisResult<bool> {
        let prefix = rand::random();
        self.append([&*of_stream(prefix, &Logged::Renumber(prefix))].into_iter())
    }

    /// Waits for entries after this one. `None`: the stream does not have this one any more, so that entries may be
    /// missing. The second command comes after the first, on the same server.
    pub(super) fn read(&mut self, after: &Position) -> RedisResult<Option<Vec<Entry>>> {
        let mut pipe = pipe();
        pipe.cmd("XREAD").arg("COUNT").arg(MAX_READ).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        pipe.arg("STREAMS").arg(LOG).arg(&after.id);
        pipe.cmd("XRANGE").arg(LOG).arg(&after.id).arg(&after.id);
        let (streams, found): (Option<Vec<Stream>>, Vec<Raw>) = pipe.query(&mut self.0)?;
        let entries = streams.unwrap_or_default().into_iter().flat_map(|(_, entries)| entries);
        Ok(is(found, after).then(|| entries.map(parse).collect()))
    }

    /// Whether the stream has this entry.
    pub(super) fn has(&mut self, position: &Position) -> RedisResult<bool> {
        Ok(is(cmd("XRANGE").arg(LOG).arg(&position.id).arg(&position.id).query(&mut self.0)?, position))
    }

    /// Whether there is a stream.
    pub(super) fn exists(&mut self) -> RedisResult<bool> {
        cmd("EXISTS").arg(LOG).query(&mut self.0)
    }

    /// Reads the snapshot. The next [`begin`](Self::begin) does nothing if the stream or the snapshot has changed since.
    pub(super) fn snapshot(&mut self) -> Result<Option<Snapshot>> {
        cmd("WATCH").arg(LOG).arg(SNAPSHOT).exec(&mut self.0)?;
        let text: Option<Vec<u8>> = cmd("GET").arg(SNAPSHOT).query(&mut self.0)?;
        let error = |error| format!("the snapshot in Redis is not of this version of chinwag: {error}");
        Ok(text.map(|text| serde_json::from_slice(&text).map_err(error)).transpose()?)
    }

    /// Begins a stream with this snapshot and a new name for all numberings, unless another node has begun one.
    pub(super) fn begin(&mut self, mut snapshot: Snapshot) -> RedisResult<()> {
        let prefix: u64 = rand::random();
        let last_node = snapshot.replica.nodes.keys().max().copied().unwrap_or(0);
        snapshot.replica.position = Position { id: FIRST.to_owned(), node: prefix, seq: 0 };
        let mut pipe = pipe();
        pipe.atomic().del(LOG).set(SNAPSHOT, serde_json::to_vec(&snapshot).unwrap_or_default()).set(NODES, last_node);
        add(&mut pipe, &[FIRST], &of_stream(prefix, &Logged::Alive));
        add(&mut pipe, &[SECOND], &of_stream(prefix, &Logged::Renumber(prefix)));
        pipe.exec(&mut self.0)
    }

    /// A number for a node that no other node has. It is greater than `last`.
    pub(super) fn new_node(&mut self, last: NodeId) -> Result<NodeId> {
        self.reserve(last)?;
        let number: NodeId = cmd("INCR").arg(NODES).query(&mut self.0)?;
        match number < MAX_NODES {
            true => Ok(number),
            false => Err("all numbers of nodes are used up; delete the keys of chinwag")?,
        }
    }

    /// No new node gets this number, or a smaller one.
    pub(super) fn reserve(&mut self, node: NodeId) -> RedisResult<()> {
        let last: NodeId = cmd("INCRBY").arg(NODES).arg(0).query(&mut self.0)?;
        cmd("INCRBY").arg(NODES).arg(node.saturating_sub(last)).exec(&mut self.0)
    }

    /// Stores a snapshot, notes that in the stream, and keeps so many of its last entries. If the stream does not continue the
    /// state, nothing happens.
    pub(super) fn store(&mut self, snapshot: &Snapshot, kept: u64) -> RedisResult<()> {
        if !self.has(&snapshot.replica.position)? {
            return Ok(());
        }
        let mut pipe = pipe();
        pipe.atomic().set(SNAPSHOT, serde_json::to_vec(snapshot).unwrap_or_default());
        pipe.cmd("XTRIM").arg(LOG).arg("MAXLEN").arg("~").arg(kept);
        add(&mut pipe, &["NOMKSTREAM", "*"], &of_stream(rand::random(), &Logged::Snapshot));
        pipe.exec(&mut self.0)
    }
}

fn add(pipe: &mut Pipeline, options: &[&str], json: &str) {
    pipe.cmd("XADD").arg(LOG).arg(options).arg("entry").arg(json);
}

/// An entry that is of no node.
fn of_stream(prefix: u64, input: &Logged) -> String {
    serde_json::to_string(&(prefix, 0, input)).unwrap_or_default()
}

fn is(found: Vec<Raw>, position: &Position) -> bool {
    found.into_iter().any(|raw| parse(raw).at == *position)
}

fn parse((id, (_, json)): Raw) -> Entry {
    let (node, seq, input) = serde_json::from_str(&json).unwrap_or_else(|error| {
        warn!("cluster: the entry {id} is not of this version of chinwag, and is ignored: {error}");
        (0, u64::MAX, Logged::Alive)
    });
    Entry { at: Position { id, node, seq }, input }
}
