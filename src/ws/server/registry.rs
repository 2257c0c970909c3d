//! Counts and lists the connections of a server, from `accept` to the end.

use super::rejection_log::Rejection;
use crate::ws::{config::Config, connection::Connection};
use std::{
    collections::{HashMap, hash_map::Entry},
    mem,
    net::{IpAddr, Ipv6Addr, Shutdown, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// All connections of one server.
#[derive(Debug, Default)]
pub(super) struct ConnectionRegistry {
    inner: Mutex<Inner>,
    /// A place became free.
    freed: Condvar,
    shutdown: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    is_shut_down: bool,
    /// All connections: also those whose handshake was cut and whose thread is about to notice.
    count: usize,
    per_network: HashMap<IpAddr, usize>,
    handshakes: HashMap<u64, (Arc<TcpStream>, Instant)>,
    /// The request was read, and the response is delayed.
    delayed: HashMap<u64, Arc<TcpStream>>,
    open: HashMap<u64, Arc<Connection>>,
}

/// The place of one connection in the registry. Dropping it frees the place.
#[derive(Debug)]
pub(super) struct Permit {
    registry: Arc<ConnectionRegistry>,
    id: u64,
    /// What the limit per address counts. `None` until the trusted proxy has named the client.
    network: Option<IpAddr>,
}

impl ConnectionRegistry {
    /// Admits a connection that begins its handshake. Without an address, [`Permit::count_for`] follows.
    ///
    /// # Errors
    /// A limit is reached, or the server is shutting down.
    pub(super) fn admit(
        self: &Arc<Self>,
        id: u64,
        stream: &Arc<TcpStream>,
        address: Option<IpAddr>,
        config: &Config,
    ) -> Result<Permit, Rejection> {
        let mut inner = self.lock();
        if inner.is_shut_down {
            return Err(Rejection::ShuttingDown);
        }
        if reaches(inner.count, config.max_connections) {
            return Err(Rejection::Connections);
        }
        if reaches(inner.handshakes.len(), config.max_handshakes) {
            return Err(Rejection::Handshakes);
        }
        let network = address.map(network);
        if let Some(network) = network {
            inner.count_network(network, config)?;
        }
        inner.count += 1;
        inner.handshakes.insert(id, (Arc::clone(stream), Instant::now()));
        Ok(Permit { registry: Arc::clone(self), id, network })
    }

    /// Cuts the oldest handshake if it has taken longer than `age`, so that idle sockets cannot keep new clients out. Returns
    /// false if none has.
    pub(super) fn cut_oldest_handshake(&self, age: Duration) -> bool {
        let mut inner = self.lock();
        let oldest = inner.handshakes.iter().map(|(id, (_, since))| (*since, *id)).min();
        let Some((_, id)) = oldest.filter(|(since, _)| since.elapsed() > age) else { return false };
        if let Some((stream, _)) = inner.handshakes.remove(&id) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        true
    }

    /// Refuses new connections, sends Close 1001 on open ones, and cuts the others.
    pub(super) fn shut_down(&self) {
        let mut inner = self.lock();
        inner.is_shut_down = true;
        let (handshakes, delayed) = (mem::take(&mut inner.handshakes), mem::take(&mut inner.delayed));
        let open = mem::take(&mut inner.open);
        drop(inner); // `close` takes the connection's lock: never hold two.
        self.shutdown.notify_all();
        for stream in handshakes.into_values().map(|(stream, _)| stream).chain(delayed.into_values()) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        for connection in open.into_values() {
            connection.close(1001, "the server is shutting down");
        }
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.lock().is_shut_down
    }

    /// Blocks until a place becomes free, at most `timeout`.
    pub(super) fn wait_for_place(&self, timeout: Duration) {
        drop(self.freed.wait_timeout(self.lock(), timeout));
    }

    /// Blocks for that time, or until the shutdown.
    pub(super) fn sleep(&self, time: Duration) {
        drop(self.shutdown.wait_timeout_while(self.lock(), time, |inner| !inner.is_shut_down));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn count_network(&mut self, network: IpAddr, config: &Config) -> Result<(), Rejection> {
        let count = self.per_network.get(&network).copied().unwrap_or(0);
        if !network.is_loopback() && reaches(count, config.max_connections_per_address) {
            return Err(Rejection::ConnectionsPerAddress);
        }
        self.per_network.insert(network, count + 1);
        Ok(())
    }
}

impl Permit {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Counts the connection for the address that a trusted proxy named.
    ///
    /// # Errors
    /// That address has reached its limit.
    pub(super) fn count_for(&mut self, address: IpAddr, config: &Config) -> Result<(), Rejection> {
        let network = network(address);
        self.registry.lock().count_network(network, config)?;
        self.network = Some(network);
        Ok(())
    }

    /// The request was read and the response is delayed: the connection no longer counts as a handshake.
    pub(super) fn delay(&self) {
        let mut inner = self.registry.lock();
        if let Some((stream, _)) = inner.handshakes.remove(&self.id) {
            inner.delayed.insert(self.id, stream);
        }
    }

    /// The handshake is done. Returns false if the connection was cut meanwhile.
    pub(super) fn open(&self, connection: &Arc<Connection>) -> bool {
        let mut inner = self.registry.lock();
        let is_listed = inner.handshakes.remove(&self.id).is_some();
        if is_listed {
            inner.open.insert(self.id, Arc::clone(connection));
        }
        is_listed
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inner = self.registry.lock();
        inner.count -= 1;
        inner.handshakes.remove(&self.id);
        inner.delayed.remove(&self.id);
        inner.open.remove(&self.id);
        if let Some(Entry::Occupied(mut entry)) = self.network.map(|network| inner.per_network.entry(network)) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
        drop(inner);
        self.registry.freed.notify_all();
    }
}

/// A limit of 0 means no limit.
fn reaches(count: usize, limit: usize) -> bool {
    limit != 0 && count >= limit
}

/// The unit that limits per address count: one IPv4 address or one IPv6 /64, which is what a customer gets.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        other => other,
    }
}

#[cfg(test)]
mod tests;
