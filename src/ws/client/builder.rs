//! The settings of a client's WebSocket, and the checks on them.

use super::{Error, WebSocket, is_blocked, url::Target};
use crate::ws::http::{is_additional_field, is_token};
#[cfg(feature = "tls")]
use crate::ws::tls::Connector;
use crate::ws::{config::Config, deflate::Deflate};
use std::fmt;

/// The settings of a [`WebSocket`]: header fields, timeouts, limits.
///
/// ```no_run
/// use chinwag::{Config, client::WebSocket};
/// use std::time::Duration;
///
/// let settings = WebSocket::builder("ws://localhost:6502/room/kitchen")
///     .query("since=7") // …/room/kitchen?since=7
///     .protocols(["chinwag.v1"])
///     .header("Authorization", "Bearer swordfish")
///     .config(Config::client().ping_interval(Duration::from_secs(5)).handshake_timeout(Duration::from_secs(2)));
/// let events = settings.clone().connect()?; // as in a browser, at once
/// let waits = settings.open()?; // when it is open, to read and write in turn
/// # Ok::<(), chinwag::client::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "nothing is connected before connect()"]
pub struct Builder {
    url: String,
    pub(super) protocols: Vec<String>,
    pub(super) headers: Vec<(String, String)>,
    allow_blocked_ports: bool,
    pub(super) deflate: Option<Deflate>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<Connector>,
    pub(crate) config: Config,
}

impl Builder {
    pub(super) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), config: Config::client(), ..Self::default() }
    }

    /// The subprotocols to offer, in order of preference (RFC 6455 1.9). As in a browser, the connection fails if the
    /// server selects none of them. Default: none.
    pub fn protocols<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.protocols = names.into_iter().map(str::to_owned).collect();
        self
    }

    /// Adds a header field to the request, such as `Authorization` or `Cookie`. Default: none, also no `Origin`. Those of the
    /// handshake itself cannot be set.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Also connects to ports that browsers refuse to connect to ([`is_blocked`](super::is_blocked)). Default: false.
    ///
    /// ```
    /// # use chinwag::client::WebSocket;
    /// let settings = WebSocket::builder("ws://router.lan:6000/").allow_blocked_ports(true);
    /// ```
    pub fn allow_blocked_ports(mut self, allow: bool) -> Self {
        self.allow_blocked_ports = allow;
        self
    }

    /// Offers to compress messages (RFC 7692). [`WebSocket::extensions`] says whether the server agreed. [`Deflate`] has an
    /// example. Default: no offer.
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// The certificates to trust with `wss://`, and the client's own. [`Connector`] has an example. Default: those that this
    /// system trusts.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, connector: Connector) -> Self {
        self.tls = Some(connector);
        self
    }

    /// The limits and timeouts of the connection, in place of [`Config::client`]. `handshake_timeout` is for the TCP connection to
    /// each address of the host, and again for the handshakes.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
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
    /// [`Error::Setting`], or the connection cannot begin: [`Error::Tls`], [`Error::Connect`].
    pub fn connect(mut self) -> Result<WebSocket, Error> {
        let target = self.check()?;
        WebSocket::start(target.to_url(), self)
    }

    /// Checks the settings, and completes them. Errors do not repeat the value of a header field, which may be a secret.
    pub(super) fn check(&mut self) -> Result<Target, Error> {
        let invalid = |why| Error::Setting(format!("not a WebSocket URL: {why}"));
        let target = Target::parse(&self.url).map_err(invalid)?;
        let port = target.port();
        if !self.allow_blocked_ports && is_blocked(port) {
            return Err(Error::Setting(format!(
                "port {port} is blocked, as in browsers; blocked ports can be allowed"
            )));
        }
        // Each name is a token, once (RFC 6455 4.1, item 10).
        let is_wrong = |at: usize, name: &String| !is_token(name.as_bytes()) || self.protocols[..at].contains(name);
        if let Some((_, name)) = self.protocols.iter().enumerate().find(|(at, name)| is_wrong(*at, name)) {
            return Err(Error::Setting(format!("{name:?} is not a subprotocol: use a token such as chinwag.v1, once")));
        }
        if let Some((name, _)) = self.headers.iter().find(|(name, value)| !is_additional_field(name, value)) {
            return Err(Error::Setting(format!("the header field {name:?} cannot be sent")));
        }
        if target.is_secure() {
            #[cfg(not(feature = "tls"))]
            return Err(Error::Tls("wss:// needs TLS: build with the feature `tls`".into()));
            #[cfg(feature = "tls")]
            if self.tls.is_none() {
                self.tls = Some(Connector::system().map_err(|why| Error::Tls(why.to_string()))?);
            }
        }
        self.config = self.config.clone().sensible();
        Ok(target)
    }
}

/// Without header fields, which may have secrets.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("protocols", &self.protocols).finish_non_exhaustive()
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
            let mut builder = Builder::new("ws://localhost/").protocols(protocols.iter().copied());
            assert_eq!(builder.check().is_ok(), valid, "{protocols:?}");
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
            let mut builder = Builder::new("ws://localhost/").header(name, value);
            assert_eq!(builder.check().is_ok(), valid, "{name}");
        }
        let mut builder = Builder::new("ws://localhost/").header("X", "secret\n");
        let error = builder.check().expect_err("a line feed").to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn blocked_ports_must_be_allowed() {
        let mut builder = Builder::new("ws://host:22/");
        assert!(builder.check().expect_err("a blocked port").to_string().contains("22"));
        assert!(builder.allow_blocked_ports(true).check().is_ok());
    }
}
