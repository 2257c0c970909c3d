//! Counts and lists the connections of a server, from `accept` to the end.

use super::rejection_log::Rejection;
use crate::ws::network::{counted, largest_counted};
use crate::ws::{config::Config, connection::Connection, id_map::IdMap, peer::Peer, spawn::lock};
use std::net::{IpAddr, Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{cmp::Reverse, mem};

/// A handshake that takes longer is cut if another client of the same network needs its place.
const SLOW_HANDSHAKE: Duration = Duration::from_millis(250);

/// What a server counts: [`Handle::numbers`](crate::Handle::numbers).
///
/// ```
/// let server = chinwag::Server::bind("127.0.0.1:0")?;
/// let numbers = server.handle().numbers().expect("the server runs");
/// assert_eq!((numbers.connections, numbers.handshakes), (0, 0));
/// assert!(numbers.rejections.iter().all(|(_kind, count)| *count == 0));
/// # Ok::<(), chinwag::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Numbers {
    /// WebSockets that are open, and streams.
    pub connections: usize,
    /// Handshakes in progress.
    pub handshakes: usize,
    /// How often each kind of client or request was rejected since the start, such as `("slow-reader", 2)`.
    pub rejections: Vec<(&'static str, u64)>,
}

/// All connections of one server.
#[derive(Debug, Default)]
pub(super) struct ConnectionRegistry(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_shut_down: bool,
    /// All connections: also those whose handshake was cut and whose thread is about to notice.
    count: usize,
    per_network: IdMap<u128, usize>,
    handshakes: IdMap<u64, Handshake>,
    open: IdMap<u64, Arc<Connection>>,
}

#[derive(Debug)]
struct Handshake {
    stream: Arc<TcpStream>,
    since: Instant,
    /// The number of the largest network of the client or its proxy.
    network: u128,
}

/// The place of one connection in the registry. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Permit {
    registry: Arc<ConnectionRegistry>,
    pub(super) id: u64,
    /// What the limit per address counts. `None` until the trusted proxy has named the client.
    address: Option<IpAddr>,
    /// Whether the handshake of another connection was cut for it.
    pub(super) has_cut_another: bool,
}

impl ConnectionRegistry {
    /// Admits a connection that begins its handshake. If it comes from a trusted proxy, [`Permit::count_for`] follows.
    ///
    /// # Errors
    /// A limit is reached.
    pub(super) fn admit(
        self: &Arc<Self>,
        id: u64,
        stream: &Arc<TcpStream>,
        address: IpAddr,
        is_proxy: bool,
        config: &Config,
    ) -> Result<Permit, Rejection> {
        let mut inner = lock(&self.0);
        // Must precede the limit of handshakes: a client without a place must not cut another client's handshake.
        let counted_address = Some(address).filter(|_| !is_proxy);
        counted_address.map_or(Ok(()), |address| inner.check_address(address, config))?;
        if reaches(inner.count, config.max_connections) {
            return Err(Rejection::Connections);
        }
        let is_crowded = reaches(inner.handshakes.len(), config.max_handshakes);
        if is_crowded && !inner.cut_handshake(address, SLOW_HANDSHAKE) {
            return Err(Rejection::Handshakes);
        }
        counted_address.into_iter().for_each(|address| inner.count_address(address));
        inner.count += 1;
        let (stream, since, network) = (Arc::clone(stream), Instant::now(), largest_counted(address));
        inner.handshakes.insert(id, Handshake { stream, since, network });
        Ok(Permit { registry: Arc::clone(self), id, address: counted_address, has_cut_another: is_crowded })
    }

    /// Sends Close 1001 on open connections, and on those that still open.
    pub(super) fn shut_down(&self) {
        let mut inner = lock(&self.0);
        inner.is_shut_down = true;
        let open = mem::take(&mut inner.open);
        drop(inner); // `close` takes the connection's lock: never hold two.
        for (_, connection) in open.iter() {
            connection.close(1001, "the server is shutting down");
        }
    }

    /// Cuts the handshakes that have taken at least so long. Returns whether others are in progress.
    pub(super) fn cut_handshakes(&self, age: Duration) -> bool {
        let inner = lock(&self.0);
        let (old, young): (Vec<_>, Vec<_>) =
            inner.handshakes.iter().partition(|(_, handshake)| handshake.since.elapsed() >= age);
        old.iter().for_each(|(_, handshake)| _ = handshake.stream.shutdown(Shutdown::Both));
        !young.is_empty()
    }

    /// The open WebSockets.
    pub(super) fn peers(&self) -> Vec<Peer> {
        let inner = lock(&self.0);
        let open = inner.open.iter().filter(|(_, connection)| connection.info.keepalive.is_none());
        open.map(|(_, connection)| Peer { connection: Arc::clone(connection) }).collect()
    }

    /// How many WebSockets are open, and how many handshakes are in progress.
    pub(super) fn counts(&self) -> (usize, usize) {
        let inner = lock(&self.0);
        (inner.open.len(), inner.handshakes.len())
    }
}

impl Inner {
    fn check_address(&self, address: IpAddr, config: &Config) -> Result<(), Rejection> {
        let is_full = |(network, factor): (u128, u64)| {
            let count = self.per_network.get(network).copied().unwrap_or(0);
            reaches(count, config.max_connections_per_address.saturating_mul(factor as usize))
        };
        let is_limited = !config.is_exempt(address) && counted(address).any(is_full);
        if is_limited { Err(Rejection::ConnectionsPerAddress) } else { Ok(()) }
    }

    fn count_address(&mut self, address: IpAddr) {
        counted(address).for_each(|(network, _)| *self.per_network.get_or_default(network) += 1);
    }

    /// Makes room for a client at `address`, so that idle sockets cannot keep new clients out: cuts the oldest handshake of the
    /// network that has most of them. Returns false, and cuts nothing, if `address` is in a network with as many and
    /// that handshake has not taken longer than `age`.
    fn cut_handshake(&mut self, address: IpAddr, age: Duration) -> bool {
        let mut counts = IdMap::<u128, usize>::default();
        self.handshakes.iter().for_each(|(_, handshake)| *counts.get_or_default(handshake.network) += 1);
        let count = |network: u128| counts.get(network).copied().unwrap_or(0);
        let order = |handshake: &Handshake| (count(handshake.network), Reverse(handshake.since));
        let first = self.handshakes.iter().max_by_key(|(_, handshake)| order(handshake));
        let own = count(largest_counted(address));
        let may_cut = |handshake: &Handshake| count(handshake.network) > own || handshake.since.elapsed() > age;
        let Some(id) = first.filter(|(_, handshake)| may_cut(handshake)).map(|(id, _)| id) else { return false };
        self.handshakes.remove(id).iter().for_each(|handshake| _ = handshake.stream.shutdown(Shutdown::Both));
        true
    }
}

impl Permit {
    /// Counts the connection for the address that a trusted proxy named.
    ///
    /// # Errors
    /// That address has reached its limit.
    pub(super) fn count_for(&mut self, address: IpAddr, config: &Config) -> Result<(), Rejection> {
        let mut inner = lock(&self.registry.0);
        inner.check_address(address, config)?;
        inner.count_address(address);
        self.address = Some(address);
        Ok(())
    }

    /// The request was read, and the client waits for its response: the connection no longer counts as a handshake.
    pub(super) fn end_handshake(&self) {
        lock(&self.registry.0).handshakes.remove(self.id);
    }

    /// The handshake is done. Returns false if the connection was cut meanwhile, or the server is shutting down.
    pub(super) fn open(&self, connection: &Arc<Connection>) -> bool {
        let mut inner = lock(&self.registry.0);
        let is_listed = inner.handshakes.remove(self.id).is_some() && !inner.is_shut_down;
        if is_listed {
            inner.open.insert(self.id, Arc::clone(connection));
        }
        is_listed
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inner = lock(&self.registry.0);
        inner.count -= 1;
        inner.handshakes.remove(self.id);
        inner.open.remove(self.id);
        for (network, _) in self.address.into_iter().flat_map(counted) {
            let count = inner.per_network.get_or_default(network);
            *count -= 1;
            if *count == 0 {
                inner.per_network.remove(network);
            }
        }
    }
}

/// A limit of 0 means no limit.
fn reaches(count: usize, limit: usize) -> bool {
    limit != 0 && count >= limit
}

#[cfg(test)]
mod tests;
