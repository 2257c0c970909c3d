//! The limits and timeouts of a server, with their defaults.

use crate::ws::network::Network;
use log::warn;
use std::{fs, net::IpAddr, time::Duration};

/// Declares a struct whose fields have their defaults beside them.
macro_rules! settings {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident: $type:ty = $default:expr,)+ }) => {
        $(#[$about])*
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }
    };
}

pub(crate) use settings;

/// Declares [`Config`] with its defaults, and a method for each field that sets it.
macro_rules! config {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr,)+) => {
        settings! {
            /// The limits and timeouts of a [`Server`](crate::Server). The defaults suit a small device.
            ///
            /// ```
            /// use chinwag::Config;
            /// use std::time::Duration;
            ///
            /// let config = Config::default().max_message_size(1 << 20).ping_interval(Duration::from_secs(5));
            /// assert_eq!(config.max_message_size, 1_048_576);
            /// ```
            ///
            /// The largest memory, in bytes: `max_connections * (2 * max_send_buffer + 2 * max_message_size + 24 KiB) +
            /// event_capacity * max_message_size`, if no message to a client is larger than `max_send_buffer`. A usual client
            /// takes 13 KiB per idle connection (docs/LIMITS.md).
            #[derive(Debug, Clone)]
            #[must_use]
            pub struct Config { $($(#[$doc])* pub $name: $type = $default,)+ }
        }

        impl Config {
            $(#[doc = concat!("Sets [`Config::", stringify!($name), "`](Config#structfield.", stringify!($name), ").")]
            pub fn $name(mut self, $name: $type) -> Self {
                self.$name = $name;
                self
            })+
        }
    };
}

config! {
    /// The time from accept to the last byte of the request head, TLS included. 10 s.
    handshake_timeout: Duration = Duration::from_secs(10),
    /// Bytes of a request head. 8 KiB.
    max_head_size: usize = 8 * 1024,
    /// Header fields of a request. 100.
    max_header_fields: usize = 100,
    /// The silence after which the server sends a Ping (RFC 6455 5.5.2). 20 s; zero: never.
    ping_interval: Duration = Duration::from_secs(20),
    /// How long the reply to that Ping may take, also of a client that pauses reading. After that the connection is closed with
    /// 1013, which takes `close_timeout` if the client does not reply to that either. 20 s; zero: no limit.
    pong_timeout: Duration = Duration::from_secs(20),
    /// How long a connection may take to end after a Close frame was sent. Then it is cut, or earlier if the peer sends 4 MiB (or
    /// `max_message_size`, if that is more) meanwhile. 5 s.
    close_timeout: Duration = Duration::from_secs(5),
    /// Bytes of one message, and of one frame. 64 KiB. Beyond it: Close 1009.
    max_message_size: usize = 64 * 1024,
    /// Bytes that are buffered for one client whose socket does not take them. 256 KiB. The next message to a client with more:
    /// Close 1013. The chat sends from its log instead; there, 64 KiB more than twice as many bytes may be buffered, and the messages
    /// of one flush.
    max_send_buffer: usize = 256 * 1024,
    /// Events in the channel. 1024. When it is full, the server stops reading, and TCP slows the clients down.
    event_capacity: usize = 1024,
    /// Connections in all, handshakes included. 4096; zero: no limit but the system's (Linux:
    /// `vm.max_map_count`). Beyond it: 503.
    max_connections: usize = 4096,
    /// Connections from one address, and WebSockets that it may open within ten seconds. 64; zero: no limit. For IPv6: from
    /// one /64; a /56 may have four times as many, and a /48 sixteen times. Loopback has no limit. Beyond it: 503.
    max_connections_per_address: usize = 64,
    /// Networks without the limits per address, such as that of an office behind one address. None. Wrong tokens are limited
    /// all the same.
    exempt_networks: Vec<Network> = Vec::new(),
    /// Pings and Pongs a second from one connection, ten times as many at once. 50; zero: no limit. Beyond it: Close 1008.
    control_frames_per_second: usize = 50,
    /// The time after which an address may offer one more wrong access token, after eight at once. Before that, all its tokens
    /// get 429. 1 s; zero: no limit.
    wrong_token_interval: Duration = Duration::from_secs(1),
    /// Handshakes in progress at once. 256; zero: no limit. Beyond it: 503.
    max_handshakes: usize = 256,
    /// Bytes of stack of a connection's thread, on which the functions of [`Builder`](crate::Builder) run. Only pages that were
    /// used cost memory, but a 32-bit process has addresses for 3 GiB in all. 1 MiB, enough for nested JSON; this library itself
    /// needs 64 KiB.
    stack_size: usize = 1024 * 1024,
}

/// Memory mappings of a connection: four of its thread (the stack, the signal stack, and their guard pages), and some of the
/// allocator.
const MAPPINGS_PER_CONNECTION: usize = 5;

/// Memory mappings of the rest of the process.
const OTHER_MAPPINGS: usize = 2000;

/// A deadline that is a million years away cannot be represented.
pub(crate) const MAX_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Config {
    /// Replaces values that cannot work by the nearest ones that can: a deadline in a million years overflows `Instant`, and the
    /// operating system limits the connections.
    pub(crate) fn sensible(mut self) -> Self {
        for time in [
            &mut self.handshake_timeout,
            &mut self.ping_interval,
            &mut self.pong_timeout,
            &mut self.close_timeout,
            &mut self.wrong_token_interval,
        ] {
            *time = (*time).min(MAX_TIMEOUT);
        }
        self.event_capacity = self.event_capacity.max(1);
        let wanted = self.max_connections;
        if let Some(max) = max_connections().filter(|max| wanted == 0 || *max < wanted) {
            if wanted > 0 {
                warn!("room for {max} connections, not {wanted}: for more, raise sysctl vm.max_map_count");
            }
            self.max_connections = max;
        }
        self
    }

    /// Whether the limits per address do not apply to that address.
    pub(crate) fn is_exempt(&self, address: IpAddr) -> bool {
        address.to_canonical().is_loopback() || self.exempt_networks.iter().any(|network| network.contains(address))
    }

    /// The defaults of a client, which may trust its server with more memory: messages of 16 MiB, a send buffer of 64 MiB, and 64
    /// events in the channel.
    pub fn client() -> Self {
        Self {
            max_message_size: 16 * 1024 * 1024,
            max_send_buffer: 64 * 1024 * 1024,
            event_capacity: 64,
            ..Self::default()
        }
    }

    /// Without the bounds that are there against hostile clients: for measuring on loopback, never for a network.
    pub fn unlimited() -> Self {
        Self {
            max_connections: 0,
            max_connections_per_address: 0,
            max_handshakes: 0,
            control_frames_per_second: 0,
            wrong_token_interval: Duration::ZERO,
            max_send_buffer: 64 * 1024 * 1024,
            ..Self::default()
        }
    }
}

/// How many connections Linux allows; `None` on other systems. When a thread cannot map its stack, the standard library ends
/// the process, so connections must be rejected before.
fn max_connections() -> Option<usize> {
    let max_mappings: usize = fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok()?;
    Some((max_mappings.saturating_sub(OTHER_MAPPINGS) / MAPPINGS_PER_CONNECTION).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_replaced() {
        let odd = Config { event_capacity: 0, close_timeout: Duration::MAX, ..Config::default() };
        let sensible = odd.sensible();
        assert_eq!(sensible.event_capacity, 1);
        assert!(std::time::Instant::now().checked_add(sensible.close_timeout).is_some());
    }

    #[test]
    fn the_operating_system_limits_connections() {
        let max = max_connections();
        for (wanted, expected) in [(1, 1), (0, max.unwrap_or(0)), (usize::MAX, max.unwrap_or(usize::MAX))] {
            assert_eq!(Config::default().max_connections(wanted).sensible().max_connections, expected, "{wanted}");
        }
    }
}
