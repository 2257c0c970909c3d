//! The settings of a client's WebSocket, and the checks on them.

use super::{Error, WebSocket, url::Target};
use crate::ws::{
    config::{Config, MAX_TIMEOUT},
    deflate::Deflate,
    http::{is_additional_field, is_token},
    tls::Connector,
};
use std::{fmt, time::Duration};

/// The settings of a [`WebSocket`]: header fields, timeouts, limits.
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
    pub(super) deflate: Option<Deflate>,
    pub(super) tls: Option<Connector>,
    pub(super) connect_timeout: Duration,
    pub(crate) config: Config,
}

impl Builder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            protocols: Vec::new(),
            headers: Vec::new(),
            allow_blocked_ports: false,
            deflate: None,
            tls: None,
            connect_timeout: Duration::from_secs(10),
            config: Config {
                max_message_size: 16 * 1024 * 1024,
                max_send_buffer: 64 * 1024 * 1024,
                event_capacity: 64,
                ..Config::default()
            },
        }
    }

    /// The subprotocols to offer, in order of preference (RFC 6455 1.9). As in a browser, the connection fails if the
    /// server selects none of them. Default: none.
    pub fn protocols<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.protocols = names.into_iter().map(str::to_owned).collect();
        self
    }

    /// Adds a header field to the request, such as `Authorization` or `Cookie`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The origin of the page that this program acts for (RFC 6455 10.2), such as `https://example.org`. Only browsers
    /// must send it. Default: no such field.
    pub fn origin(self, origin: &str) -> Self {
        self.header("Origin", origin)
    }

    /// Also connects to ports that browsers refuse to connect to ([`is_blocked`](super::is_blocked)). Default: false.
    pub fn allow_blocked_ports(mut self, allow: bool) -> Self {
        self.allow_blocked_ports = allow;
        self
    }

    /// Offers to compress messages (RFC 7692). [`WebSocket::extensions`] says whether the server agreed. Default: no offer.
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// The certificates to trust with `wss://`, and the client's own. Default: those that this system trusts.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, connector: Connector) -> Self {
        self.tls = Some(connector);
        self
    }

    /// Time for name resolution and for the TCP connection, all addresses of the host included. Default: 10 s.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time.min(MAX_TIMEOUT);
        self
    }

    /// Time from the TCP connection to the end of the server's response, TLS included. Default: 10 s.
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.config.handshake_timeout = time;
        self
    }

    /// A Ping is sent after the time `interval` without data from the server (default: 20 s; zero: never). If nothing
    /// arrives within `timeout` (default: 20 s), the connection fails with [`Error::Silent`].
    pub fn ping(mut self, interval: Duration, timeout: Duration) -> Self {
        self.config.ping_interval = interval;
        self.config.pong_timeout = timeout;
        self
    }

    /// Time for the closing handshake and the end of the TCP connection. Default: 5 s.
    pub fn close_timeout(mut self, time: Duration) -> Self {
        self.config.close_timeout = time;
        self
    }

    /// Bytes of one received message, and of one frame. A larger one is answered with Close 1009. Default: 16 MiB.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.config.max_message_size = bytes;
        self
    }

    /// Bytes that may wait to be sent. With more, the connection fails with [`Error::Full`] and Close 1013. Default:
    /// 64 MiB.
    pub fn max_send_buffer(mut self, bytes: usize) -> Self {
        self.config.max_send_buffer = bytes;
        self
    }

    /// Events that may wait to be received. With more, the socket is not read, so TCP slows the server down. Default: 64.
    pub fn event_capacity(mut self, events: usize) -> Self {
        self.config.event_capacity = events;
        self
    }

    /// Adds `more` to the query of the URL, such as `since=7`. It must already be percent-encoded.
    pub fn query(mut self, more: &str) -> Self {
        self.url.push(if self.url.contains('?') { '&' } else { '?' });
        self.url.push_str(more);
        self
    }

    /// Begins to connect, and returns at once. The events report the outcome.
    ///
    /// # Errors
    /// A setting is invalid: [`Error::Url`], [`Error::BlockedPort`], [`Error::Protocol`], [`Error::Header`]. Or the
    /// connection cannot begin: [`Error::Tls`], [`Error::Start`].
    pub fn connect(mut self) -> Result<WebSocket, Error> {
        let target = self.check()?;
        WebSocket::start(target, self)
    }

    /// As [`Builder::check`], for TLS only.
    #[cfg(feature = "tls")]
    pub(crate) fn check_secure(&mut self) -> Result<Target, Error> {
        let target = self.check()?;
        let why = "it must begin with wss:// here";
        if target.is_secure() { Ok(target) } else { Err(Error::Url { url: self.url.clone(), why }) }
    }

    /// Checks the settings, and completes them.
    pub(super) fn check(&mut self) -> Result<Target, Error> {
        let target = Target::parse(&self.url, self.allow_blocked_ports)?;
        check_protocols(&self.protocols)?;
        check_headers(&self.headers)?;
        if target.is_secure() && self.tls.is_none() {
            self.tls = Some(Connector::of_system().map_err(Error::Tls)?);
        }
        self.config = self.config.clone().sensible();
        Ok(target)
    }
}

/// Each name must be a token, and must not be repeated (RFC 6455 4.1, item 10).
fn check_protocols(protocols: &[String]) -> Result<(), Error> {
    for (at, name) in protocols.iter().enumerate() {
        if !is_token(name.as_bytes()) || protocols[..at].contains(name) {
            return Err(Error::Protocol(name.clone()));
        }
    }
    Ok(())
}

/// Fields must be valid, and must not be set by the handshake itself. The error does not repeat the value, which may be a
/// secret.
fn check_headers(headers: &[(String, String)]) -> Result<(), Error> {
    match headers.iter().find(|(name, value)| !is_additional_field(name, value)) {
        Some((name, _)) => Err(Error::Header(name.clone())),
        None => Ok(()),
    }
}

/// Without the values of header fields, which may be secrets.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Builder").field("protocols", &self.protocols).field("headers", &headers).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_must_be_different_tokens() {
        for (protocols, valid) in [
            (&["a", "b"][..], true),
            (&[], true),
            (&["a", "a"], false),
            (&[""], false),
            (&["a b"], false),
            (&["a,b"], false),
            (&["\u{e9}"], false),
        ] {
            let protocols: Vec<_> = protocols.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(check_protocols(&protocols).is_ok(), valid, "{protocols:?}");
        }
    }

    #[test]
    fn reserved_and_invalid_fields_are_rejected() {
        for (name, value, valid) in [
            ("Authorization", "Bearer x", true),
            ("Host", "other", false),
            ("sec-websocket-KEY", "x", false),
            ("a b", "x", false),
            ("X", "a\r\nY: b", false),
        ] {
            assert_eq!(check_headers(&[(name.into(), value.into())]).is_ok(), valid, "{name}");
        }
        let error = check_headers(&[("X".into(), "secret\n".into())]).expect_err("a line feed").to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
