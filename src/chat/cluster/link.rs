//! The connections to Redis, and the commands.

use super::{
    error::ClusterError,
    logged::{Entry, Logged, NodeId, Position},
    queue::Batch,
    replica::MAX_NODES,
    snapshot::{Found, Snapshot},
};
use log::warn;
use redis::{Client, Connection, Pipeline, RedisResult, cmd, pipe};
use std::time::Duration;

/// All keys begin with it, so that an ACL can name them.
const LOG: &str = "chinwag:log";
const SNAPSHOT: &str = "chinwag:snapshot";
const NODES: &str = "chinwag:nodes";

/// The first entry of each stream, which has nothing, and the second.
const FIRST: &str = "0-1";
const SECOND: &str = "0-2";

/// How long a connection may take, and an answer. A read that waits for entries gets an answer after [`BLOCK`].
const TIMEOUT: Duration = Duration::from_secs(3);
const BLOCK: Duration = Duration::from_secs(1);

/// Entries that are read at once.
pub(super) const MAX_READ: usize = 128;

/// An entry as Redis sends it: its id, and its fields with their values.
type Raw = (String, Vec<String>);

/// What `XREAD` returns: the entries of each stream. Nothing if there are none.
type Streams = Option<Vec<(String, Vec<Raw>)>>;

/// How to connect.
#[derive(Debug, Clone)]
pub(super) struct Link(Client);

impl Link {
    /// # Errors
    /// The URL is wrong.
    pub(super) fn new(url: &str) -> Result<Self, ClusterError> {
        Ok(Self(
            Client::open(url).map_err(|error| ClusterError::Unusable(format!("{error}; write redis://HOST:PORT/")))?,
        ))
    }

    pub(super) fn connect(&self) -> RedisResult<Store> {
        let connection = self.0.get_connection_with_timeout(TIMEOUT)?;
        connection.set_read_timeout(Some(TIMEOUT))?;
        connection.set_write_timeout(Some(TIMEOUT))?;
        Ok(Store(connection))
    }
}

/// A connection.
pub(super) struct Store(Connection);

impl Store {
    /// Appends batches, each as one entry. Returns false if the stream does not exist.
    pub(super) fn append(&mut self, batches: &[Batch]) -> RedisResult<bool> {
        let mut pipe = pipe();
        for Batch { node, seq, inputs } in batches {
            entry(&mut pipe, &["NOMKSTREAM", "*"], *node, *seq, inputs);
        }
        let ids: Vec<Option<String>> = pipe.query(&mut self.0)?;
        Ok(ids.iter().all(Option::is_some))
    }

    /// Waits for entries after this one. `None`: the stream does not have this one any more, so that entries may be
    /// missing. The second command comes after the first, on the same server.
    pub(super) fn read(&mut self, after: &Position) -> RedisResult<Option<Vec<Entry>>> {
        let mut pipe = pipe();
        pipe.cmd("XREAD").arg("COUNT").arg(MAX_READ).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        pipe.arg("STREAMS").arg(LOG).arg(&after.id);
        find(&mut pipe, after);
        let (streams, found): (Streams, Vec<Raw>) = pipe.query(&mut self.0)?;
        let entries = streams.unwrap_or_default().into_iter().flat_map(|(_, entries)| entries);
        Ok(is(found, after).then(|| entries.map(parse).collect()))
    }

    /// Whether the stream has this entry.
    pub(super) fn has(&mut self, position: &Position) -> RedisResult<bool> {
        let mut pipe = pipe();
        find(&mut pipe, position);
        let (found,): (Vec<Raw>,) = pipe.query(&mut self.0)?;
        Ok(is(found, position))
    }

    /// Reads the snapshot, and whether the stream continues it. What was read is unchanged if the next
    /// [`begin`](Self::begin) succeeds.
    pub(super) fn snapshot(&mut self) -> Result<(Option<Snapshot>, Found), ClusterError> {
        cmd("WATCH").arg(LOG).arg(SNAPSHOT).exec(&mut self.0)?;
        let text: Option<Vec<u8>> = cmd("GET").arg(SNAPSHOT).query(&mut self.0)?;
        let snapshot = text.map(|text| Snapshot::parse(&text)).transpose()?;
        let fits = snapshot.as_ref().map_or(Ok(false), |snapshot| self.has(&snapshot.replica.position))?;
        let exists: bool = cmd("EXISTS").arg(LOG).query(&mut self.0)?;
        let found = if fits {
            Found::Fits
        } else if exists {
            Found::Other
        } else {
            Found::Nothing
        };
        if found != Found::Nothing {
            cmd("UNWATCH").exec(&mut self.0)?;
        }
        Ok((snapshot, found))
    }

    /// Begins a stream with this snapshot and a new name for all numberings. Returns false if another node has begun one.
    pub(super) fn begin(&mut self, mut snapshot: Snapshot) -> RedisResult<bool> {
        let prefix: u64 = rand::random();
        let node = snapshot.replica.nodes.keys().max().copied().unwrap_or(0);
        snapshot.replica.position = Position { id: FIRST.to_owned(), node: prefix, seq: 0 };
        let mut pipe = pipe();
        pipe.atomic().del(LOG).ignore().set(SNAPSHOT, snapshot.to_text()).ignore();
        entry(&mut pipe, &[FIRST], prefix, 0, "[]");
        let renumber = serde_json::to_string(&[Logged::Renumber { prefix }]).unwrap_or_default();
        entry(&mut pipe, &[SECOND], prefix, 0, &renumber);
        pipe.cmd("SET").arg(NODES).arg(node).ignore();
        let begun: Option<(String, String)> = pipe.query(&mut self.0)?;
        Ok(begun.is_some())
    }

    /// A number for a node that no other node has. It is greater than `last`.
    pub(super) fn new_node(&mut self, last: NodeId) -> Result<NodeId, ClusterError> {
        self.reserve(last)?;
        let number: NodeId = cmd("INCR").arg(NODES).query(&mut self.0)?;
        let too_many =
            || ClusterError::Unusable("all numbers of nodes are used up; delete the keys of chinwag".to_owned());
        if number < MAX_NODES { Ok(number) } else { Err(too_many()) }
    }

    /// No new node gets this number, or a smaller one.
    pub(super) fn reserve(&mut self, node: NodeId) -> RedisResult<()> {
        let last: NodeId = cmd("INCRBY").arg(NODES).arg(0).query(&mut self.0)?;
        cmd("INCRBY").arg(NODES).arg(node.saturating_sub(last)).exec(&mut self.0)
    }

    /// Stores a snapshot, and removes the entries before that id. A node that the stream does not continue must not do it.
    pub(super) fn store(&mut self, snapshot: &Snapshot, trim: &str) -> RedisResult<bool> {
        if !self.has(&snapshot.replica.position)? {
            return Ok(false);
        }
        let mut pipe = pipe();
        pipe.set(SNAPSHOT, snapshot.to_text()).ignore();
        pipe.cmd("XTRIM").arg(LOG).arg("MINID").arg("~").arg(trim).ignore();
        pipe.exec(&mut self.0)?;
        Ok(true)
    }
}

fn entry(pipe: &mut Pipeline, options: &[&str], node: NodeId, seq: u64, inputs: &str) {
    pipe.cmd("XADD").arg(LOG).arg(options).arg("node").arg(node).arg("seq").arg(seq).arg("inputs").arg(inputs);
}

fn find(pipe: &mut Pipeline, position: &Position) {
    pipe.cmd("XRANGE").arg(LOG).arg(&position.id).arg(&position.id);
}

fn is(found: Vec<Raw>, position: &Position) -> bool {
    found.into_iter().any(|raw| parse(raw).at == *position)
}

fn parse((id, fields): Raw) -> Entry {
    let field = |name: &str| fields.chunks_exact(2).find(|field| field[0] == name).map_or("", |field| &field[1]);
    let number = |name: &str| field(name).parse().unwrap_or_default();
    let inputs = serde_json::from_str(field("inputs")).unwrap_or_else(|error| {
        warn!("cluster: the entry {id} is not of this version of chinwag, and is ignored: {error}");
        Vec::new()
    });
    Entry { at: Position { id, node: number("node"), seq: number("seq") }, inputs }
}
