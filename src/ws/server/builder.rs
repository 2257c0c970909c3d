//! Settings of a server to be.
//!
//! Owns what is asked for until the server starts, and what there is room for.

use super::{
    Event, GUESSES, Server, Shared, Shutdown, entrance, entrance::Entrance, forwarded::Proxies, guests::Guests,
    ledger::Ledger, listen, mappings, pace::Pace, relay::Relay, threads::Threads, visits::Visits,
};
use crate::{
    ws::access::Access,
    ws::config::Config,
    ws::connection::Drain,
    ws::error::Error,
    ws::handshake::Policy,
    ws::http::{Request, Response},
};
use crossbeam_channel::{Sender, bounded};
use log::warn;
use std::{
    io,
    net::{IpAddr, TcpListener, ToSocketAddrs},
    sync::{Arc, atomic::AtomicU64},
};

/// Settings of a server to be.
#[derive(Debug, Default)]
#[must_use = "nothing is served before start()"]
pub struct Builder {
    config: Config,
    policy: Policy,
    proxies: Proxies,
    pub(super) entrances: Vec<Entrance>,
    first_id: Option<u64>,
}

impl Builder {
    /// Bounds and times. Default: [`Config::default`].
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The subprotocols that this server speaks (RFC 6455 1.9). Of those a client names, the first one in its order
    /// that is among them is chosen. Default: none.
    pub fn protocols<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.policy.protocols = names.into_iter().map(Arc::from).collect();
        self
    }

    /// Who may come in. Default: [`Access::default`].
    pub fn access(mut self, access: Access) -> Self {
        self.policy.access = access;
        self
    }

    /// The paths at which there is a WebSocket. Elsewhere a handshake gets 404. Default: every path.
    pub fn endpoint(mut self, is_endpoint: fn(&str) -> bool) -> Self {
        self.policy.endpoint = is_endpoint;
        self
    }

    /// What answers requests that are no handshakes, on the connection's thread. `None`, as by default: 426 where there is
    /// a WebSocket, 404 elsewhere.
    pub fn site(mut self, site: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static) -> Self {
        self.policy.http_handler = Some(Arc::new(site));
        self
    }

    /// Reverse proxies that are believed: what they say in `X-Forwarded-For` or `Forwarded` (RFC 7239) is the client's
    /// address, for the bounds per address, for the log, and for [`Peer::addr`](crate::Peer::addr) (with port 0).
    pub fn trusted_proxies(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.proxies = Proxies::new(addresses);
        self
    }

    /// The id of the first connection; those that follow have the next ones. For a server that goes on where another one
    /// ended, so that ids which are kept somewhere are not given again. Default: 1.
    pub fn first_id(mut self, id: u64) -> Self {
        self.first_id = Some(id);
        self
    }

    /// Listens on an address, too. May be called several times.
    ///
    /// # Errors
    /// [`Error::Resolve`] and [`Error::Bind`].
    pub fn listen(self, addr: impl ToSocketAddrs) -> Result<Self, Error> {
        Ok(self.listener(entrance::bind(addr)?))
    }

    /// Listens on a listener that exists, too.
    pub fn listener(mut self, listener: TcpListener) -> Self {
        self.entrances.push(Entrance::plain(listener));
        self
    }

    /// Starts the threads: one for each listener, one that drains stalled sockets, one that reads from busy ones.
    ///
    /// # Errors
    /// [`Error::NoListener`] and [`Error::Start`].
    pub fn start(self) -> Result<Server, Error> {
        if self.entrances.is_empty() {
            return Err(Error::NoListener);
        }
        self.launch().map_err(Error::Start)
    }

    fn launch(mut self) -> io::Result<Server> {
        let addrs = self.entrances.iter().map(|entrance| entrance.listener.local_addr());
        let addrs = addrs.collect::<Result<_, _>>()?;
        self.config = within(self.config.sensible(), mappings::room());
        let (sender, events) = bounded(self.config.event_capacity);
        let shared = Arc::new(self.shared(sender)?);
        // From here on, an error drops the server, and thus stops what has been started.
        let server = Server { shutdown: Shutdown(Arc::downgrade(&shared)), events, addrs };
        for index in 0..shared.entrances.len() {
            listen(index, &shared)?;
        }
        Ok(server)
    }

    fn shared(self, events: Sender<Event>) -> io::Result<Shared> {
        let config = self.config;
        Ok(Shared {
            policy: self.policy,
            drain: Drain::start()?,
            relay: Relay::start(config.stack_size)?,
            seats: Arc::default(),
            openings: Threads::new(config.stack_size),
            lives: Threads::new(config.stack_size),
            visits: Visits::default(),
            proxies: self.proxies,
            guests: Guests::default(),
            guesses: Pace::new(GUESSES),
            opened: Pace::new(u32::try_from(config.max_connections_per_address).unwrap_or(u32::MAX)),
            ledger: Ledger::default(),
            next_id: AtomicU64::new(self.first_id.unwrap_or(1).max(1)),
            porters: Arc::default(),
            events,
            entrances: self.entrances,
            config: Arc::new(config),
        })
    }
}

/// Not more connections than there is room for, whatever was asked for.
fn within(mut config: Config, room: Option<usize>) -> Config {
    let wanted = if config.max_connections == 0 { usize::MAX } else { config.max_connections };
    if let Some(room) = room.filter(|room| *room < wanted) {
        if wanted < usize::MAX {
            warn!("room for {room} connections, not {wanted}: for more, raise sysctl vm.max_map_count");
        }
        config.max_connections = room;
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_connections_are_let_in_than_there_is_room_for() {
        for (wanted, room, expected) in [(100, Some(50), 50), (100, Some(500), 100), (0, Some(50), 50), (0, None, 0)] {
            let config = Config { max_connections: wanted, ..Config::default() };
            assert_eq!(within(config, room).max_connections, expected);
        }
    }
}
