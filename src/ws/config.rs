//! How big, how many, how long: every bound of the server, with its default.
//!
//! Owns numbers only. What happens at a bound is said, and done, where the bound is enforced.

use std::time::Duration;

/// The bounds of a [`Server`](crate::Server). The defaults suit a small device.
///
/// Memory at worst, in bytes: `connections * (2 * outbox + 2 * message + 88 KiB) + events * message`. A client that
/// behaves uses 12 KiB (docs/LIMITS.md).
///
/// A zero `Duration` or count switches that bound off, where its text says so.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// From accept to the last byte of the request head, in all, TLS included. 10 s.
    pub handshake_timeout: Duration,
    /// Bytes of a request head. 8 KiB.
    pub head: usize,
    /// Header fields of a request. 100.
    pub fields: usize,
    /// Silence after which a connection is sent a Ping (RFC 6455 5.5.2). 20 s; zero: never.
    pub ping_after: Duration,
    /// How long the answer to that Ping may take before the connection counts as gone. 20 s; zero: for ever.
    pub pong_within: Duration,
    /// How long a connection may take to end after a Close frame was sent. 5 s.
    pub close_timeout: Duration,
    /// Bytes of one message, and of one frame. 64 KiB. Above: Close 1009.
    pub message: usize,
    /// Bytes that wait for one client which does not read. 256 KiB. Above: Close 1013.
    pub outbox: usize,
    /// Events that wait in the central channel. 1024. When full, readers stop reading, and TCP slows the clients.
    pub events: usize,
    /// Connections in all, handshakes included. 4096; zero: no bound but the system's (Linux:
    /// `vm.max_map_count`). Above: 503.
    pub connections: usize,
    /// Connections from one address (one /64 for IPv6), and WebSockets that it may open within ten seconds. 64; zero: no
    /// bound; none for loopback. Above: 503.
    pub connections_per_address: usize,
    /// Pings and Pongs a second from one connection, ten times as many at once. 50; zero: no bound. Above: Close 1008.
    pub controls: usize,
    /// Between two answers to wrong access tokens from one address; with eight of them due, 429. 1 s; zero: none.
    pub wrong_token_pause: Duration,
    /// Handshakes in progress at once. 256; zero: no bound. Above: 503.
    pub handshakes: usize,
    /// Bytes read from a socket at once. 1 KiB, which grows to 64 KiB while a client sends a lot. Up to 1 KiB lies on the stack,
    /// and costs nothing; more is kept for each connection, always.
    pub read_buffer: usize,
    /// Stack of a connection's thread, virtual: only what is touched costs memory. 128 KiB.
    pub stack: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(10),
            head: 8 * 1024,
            fields: 100,
            ping_after: Duration::from_secs(20),
            pong_within: Duration::from_secs(20),
            close_timeout: Duration::from_secs(5),
            message: 64 * 1024,
            outbox: 256 * 1024,
            events: 1024,
            connections: 4096,
            connections_per_address: 64,
            controls: 50,
            wrong_token_pause: Duration::from_secs(1),
            handshakes: 256,
            read_buffer: 1024,
            stack: 128 * 1024,
        }
    }
}

impl Config {
    /// With what makes no sense replaced by the nearest that does: a buffer of no bytes reads nothing, and a deadline in
    /// a million years is no point in time.
    pub(crate) fn sensible(mut self) -> Self {
        const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        for time in [
            &mut self.handshake_timeout,
            &mut self.ping_after,
            &mut self.pong_within,
            &mut self.close_timeout,
            &mut self.wrong_token_pause,
        ] {
            *time = (*time).min(LONGEST);
        }
        self.read_buffer = self.read_buffer.clamp(1, 64 * 1024);
        self.events = self.events.max(1);
        self
    }

    /// Without the bounds that are there against hostile clients: for measuring on loopback, never for a network.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            connections: 0,
            connections_per_address: 0,
            handshakes: 0,
            controls: 0,
            wrong_token_pause: Duration::ZERO,
            outbox: 64 * 1024 * 1024,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_replaced() {
        let odd = Config { read_buffer: 0, events: 0, close_timeout: Duration::MAX, ..Config::default() };
        let sensible = odd.sensible();
        assert_eq!((sensible.read_buffer, sensible.events), (1, 1));
        assert!(std::time::Instant::now().checked_add(sensible.close_timeout).is_some());
    }
}
