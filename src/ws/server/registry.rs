//! Counts and lists the connections of a server, from `accept` to the end.

use crate::ws::{config::Config, connection::Connection};
use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv6Addr, Shutdown, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Why a connection is rejected. The client gets 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AdmissionError {
    ShuttingDown,
    Connections,
    ConnectionsPerAddress,
    Handshakes,
}

impl fmt::Display for AdmissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ShuttingDown => "the server is shutting down",
            Self::Connections => "too many connections",
            Self::ConnectionsPerAddress => "too many connections from its address",
            Self::Handshakes => "too many handshakes in progress",
        })
    }
}

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
    entries: HashMap<u64, Entry>,
    per_network: HashMap<IpAddr, usize>,
    handshakes: usize,
}

#[derive(Debug)]
enum Entry {
    Handshake {
        stream: Arc<TcpStream>,
        since: Instant,
    },
    /// Its request was read, and the response is delayed. It does not count as a handshake.
    Delayed(Arc<TcpStream>),
    Open(Arc<Connection>),
    /// Its socket is shut down, and its thread is about to notice.
    Cut,
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
    ) -> Result<Permit, AdmissionError> {
        let mut inner = self.lock();
        if inner.is_shut_down {
            return Err(AdmissionError::ShuttingDown);
        }
        if reaches(inner.entries.len(), config.max_connections) {
            return Err(AdmissionError::Connections);
        }
        if reaches(inner.handshakes, config.max_handshakes) {
            return Err(AdmissionError::Handshakes);
        }
        let network = address.map(network);
        if let Some(network) = network {
            inner.count_network(network, config)?;
        }
        inner.set(id, Entry::Handshake { stream: Arc::clone(stream), since: Instant::now() });
        Ok(Permit { registry: Arc::clone(self), id, network })
    }

    /// Cuts the oldest handshake if it has taken longer than `age`, so that idle sockets cannot keep new clients out. Returns
    /// false if none has.
    pub(super) fn cut_oldest_handshake(&self, age: Duration) -> bool {
        let mut inner = self.lock();
        let handshakes = inner.entries.iter().filter_map(|(id, entry)| match entry {
            Entry::Handshake { since, .. } => Some((*since, *id)),
            _ => None,
        });
        let oldest = handshakes.min().filter(|(since, _)| since.elapsed() > age);
        let Some((_, id)) = oldest else { return false };
        if let Some(Entry::Handshake { stream, .. }) = inner.set(id, Entry::Cut) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        true
    }

    /// Refuses new connections, sends Close 1001 on open ones, and cuts the others.
    pub(super) fn shut_down(&self) {
        let mut inner = self.lock();
        inner.is_shut_down = true;
        let entries = std::mem::take(&mut inner.entries);
        inner.handshakes = 0;
        drop(inner); // `close` takes the connection's lock: never hold two.
        self.shutdown.notify_all();
        for entry in entries.into_values() {
            match entry {
                Entry::Handshake { stream, .. } | Entry::Delayed(stream) => drop(stream.shutdown(Shutdown::Both)),
                Entry::Open(connection) => connection.close(1001, "the server is shutting down"),
                Entry::Cut => {}
            }
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
    /// Replaces an entry and returns the old one.
    fn set(&mut self, id: u64, entry: Entry) -> Option<Entry> {
        self.handshakes += usize::from(matches!(entry, Entry::Handshake { .. }));
        let old = self.entries.insert(id, entry);
        self.removed(old)
    }

    fn removed(&mut self, old: Option<Entry>) -> Option<Entry> {
        self.handshakes -= usize::from(matches!(old, Some(Entry::Handshake { .. })));
        old
    }

    fn count_network(&mut self, network: IpAddr, config: &Config) -> Result<(), AdmissionError> {
        let count = self.per_network.get(&network).copied().unwrap_or(0);
        if !network.is_loopback() && reaches(count, config.max_connections_per_address) {
            return Err(AdmissionError::ConnectionsPerAddress);
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
    pub(super) fn count_for(&mut self, address: IpAddr, config: &Config) -> Result<(), AdmissionError> {
        let network = network(address);
        self.registry.lock().count_network(network, config)?;
        self.network = Some(network);
        Ok(())
    }

    /// The request was read and the response is delayed: the connection no longer counts as a handshake.
    pub(super) fn delay(&self, stream: &Arc<TcpStream>) {
        self.set(Entry::Delayed(Arc::clone(stream)));
    }

    /// The handshake is done. Returns false if the connection was cut meanwhile.
    pub(super) fn open(&self, connection: &Arc<Connection>) -> bool {
        self.set(Entry::Open(Arc::clone(connection)))
    }

    fn set(&self, entry: Entry) -> bool {
        let mut inner = self.registry.lock();
        let is_listed = matches!(inner.entries.get(&self.id), Some(Entry::Handshake { .. } | Entry::Delayed(_)));
        if is_listed {
            inner.set(self.id, entry);
        }
        is_listed
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inner = self.registry.lock();
        let entry = inner.entries.remove(&self.id);
        inner.removed(entry);
        if let Some(count) = self.network.and_then(|network| inner.per_network.get_mut(&network)) {
            *count -= 1;
        }
        if let Some(network) = self.network.filter(|network| inner.per_network.get(network) == Some(&0)) {
            inner.per_network.remove(&network);
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
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        other => other,
    }
}

#[cfg(test)]
mod tests;
