//! Settings of a WebSocket to be.
//!
//! Owns the defaults of a client, and the checks on what is asked for. Opens nothing itself.

use super::{Error, WebSocket, request, url::Target};
use crate::{ws::config::Config, ws::tls::Connector};
use std::{sync::Arc, time::Duration};

/// Settings of a [`WebSocket`] to be: header fields, deadlines, bounds.
///
/// ```no_run
/// use chinwag::client::WebSocket;
/// use std::time::Duration;
///
/// let socket = WebSocket::builder("ws://localhost:6502/")
///     .protocols(["chinwag.v1"])
///     .header("Authorization", "Bearer swordfish")
///     .connect_timeout(Duration::from_secs(3))
///     .connect()?;
/// # Ok::<(), chinwag::client::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is connected before connect()"]
pub struct Builder {
    url: String,
    pub(super) protocols: Vec<String>,
    pub(super) headers: Vec<(String, String)>,
    allow_blocked_ports: bool,
    pub(super) tls: Option<Connector>,
    pub(super) connect_timeout: Duration,
    pub(super) config: Config,
}

impl Builder {
    pub(super) fn new(url: &str) -> Self {
        let config = Config {
            max_message_size: 16 * 1024 * 1024,
            max_send_buffer: 64 * 1024 * 1024,
            event_capacity: 64,
            ..Config::default()
        };
        Self {
            url: url.to_owned(),
            protocols: Vec::new(),
            headers: Vec::new(),
            allow_blocked_ports: false,
            tls: None,
            connect_timeout: Duration::from_secs(10),
            config,
        }
    }

    /// The subprotocols that this client speaks, the most wanted first (RFC 6455 1.9). As in a browser, the connection
    /// fails when the server chooses none of them. Default: none.
    pub fn protocols<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.protocols = names.into_iter().map(str::to_owned).collect();
        self
    }

    /// One more header field of the request, such as `Authorization` or `Cookie`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The page on whose behalf this connects (RFC 6455 10.2), such as `https://example.org`. Programs that are no
    /// browsers need not say it. Default: no such field.
    pub fn origin(self, origin: &str) -> Self {
        self.header("Origin", origin)
    }

    /// Connects to ports, too, that browsers refuse to connect to ([`is_blocked`](super::is_blocked)).
    pub fn allow_blocked_ports(mut self, allow: bool) -> Self {
        self.allow_blocked_ports = allow;
        self
    }

    /// Whom to trust with `wss://`, and as whom to come. Default: those whom this system trusts.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, connector: Connector) -> Self {
        self.tls = Some(connector);
        self
    }

    /// From the beginning to a TCP connection, in all: name resolution, every address of the host. 10 s.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time.min(LONGEST);
        self
    }

    /// From the TCP connection to the last byte of the server's answer, TLS included. 10 s.
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.config.handshake_timeout = time;
        self
    }

    /// After this much silence a Ping is sent (20 s; zero: never), and without any answer within that time (20 s) the
    /// connection counts as gone: [`Error::Silent`].
    pub fn ping(mut self, after: Duration, within: Duration) -> Self {
        self.config.ping_interval = after;
        self.config.pong_timeout = within;
        self
    }

    /// How long the closing handshake may take, the server's end of the TCP connection included. 5 s.
    pub fn close_timeout(mut self, time: Duration) -> Self {
        self.config.close_timeout = time;
        self
    }

    /// Bytes of one message, and of one frame, that the server may send. 16 MiB. Above: Close 1009.
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.config.max_message_size = bytes;
        self
    }

    /// Bytes that may wait to be sent. 64 MiB. Above: Close 1013 and [`Error::Full`].
    pub fn max_buffered(mut self, bytes: usize) -> Self {
        self.config.max_send_buffer = bytes;
        self
    }

    /// Events that may wait to be received. 64. When there are more, the socket is not read, and TCP slows the server.
    pub fn max_events(mut self, events: usize) -> Self {
        self.config.event_capacity = events;
        self
    }

    /// Adds `more` to the query of the URL, such as `since=7`. It must already be percent-encoded.
    pub fn query(mut self, more: &str) -> Self {
        self.url.push(if self.url.contains('?') { '&' } else { '?' });
        self.url.push_str(more);
        self
    }

    /// Begins to connect, and returns at once: what comes of it is in the events.
    ///
    /// # Errors
    /// What can be known without a network: [`Error::Url`], [`Error::BlockedPort`], [`Error::Protocol`],
    /// [`Error::Header`], [`Error::Tls`], [`Error::Start`].
    pub fn connect(mut self) -> Result<WebSocket, Error> {
        let target = Target::parse(&self.url, self.allow_blocked_ports)?;
        request::check_protocols(&self.protocols)?;
        request::check_headers(&self.headers)?;
        if target.secure && self.tls.is_none() {
            self.tls = Some(Connector::of_system().map_err(Error::Tls)?);
        }
        self.config = self.config.sensible();
        WebSocket::start(target, Arc::new(self))
    }
}

/// A deadline in a million years is no point in time.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Without the values of header fields, which may be secrets.
impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Builder").field("protocols", &self.protocols).field("headers", &headers).finish_non_exhaustive()
    }
}
