//! The answer of a program that accepts handshakes itself.

use crate::ws::deflate::Agreement;
use crate::ws::http::{Request, Response, date_line, is_additional_field, list_elements};
use std::{any::Any, borrow::Cow, sync::Arc};
use tungstenite::http::{HeaderMap, header::SEC_WEBSOCKET_PROTOCOL};

/// Decides about a handshake that has passed all other checks: accepts it, or refuses it with any response.
pub type AcceptHook = Arc<dyn Fn(&Request) -> Result<Accept, Response> + Send + Sync>;

/// What a program attaches to a connection.
pub type Data = Box<dyn Any + Send + Sync>;

/// A handshake that succeeded, or a stream that begins.
#[derive(Debug, Default)]
pub struct Upgrade {
    /// The whole 101 response, ready to send. Empty for a stream, whose head the program sends.
    pub response: Vec<u8>,
    /// The selected subprotocol, which the response names.
    pub protocol: Option<Arc<str>>,
    /// For a stream in place of a WebSocket ([`Route::Stream`](crate::http::Route::Stream)): what keeps it alive.
    pub keepalive: Option<&'static [u8]>,
    /// What the program attached ([`Accept::data`]).
    pub data: Option<Data>,
    /// The compression that the response names.
    pub(crate) deflate: Option<Agreement>,
}

/// How a handshake is accepted. [`Builder::accept`](crate::Builder::accept) has an example.
#[derive(Debug, Default)]
#[must_use]
pub struct Accept {
    protocol: Option<Arc<str>>,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    data: Option<Data>,
}

impl Accept {
    /// Accepts without additions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects this subprotocol, which the client must have offered. Default: the choice by
    /// [`Builder::protocols`](crate::Builder::protocols).
    pub fn protocol(mut self, name: &str) -> Self {
        self.protocol = Some(name.into());
        self
    }

    /// Adds a header field to the 101 response, such as `Set-Cookie`.
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Attaches a value to the connection, for [`Peer::data`](crate::Peer::data). It replaces an earlier one.
    pub fn data(mut self, data: impl Any + Send + Sync) -> Self {
        self.data = Some(Box::new(data));
        self
    }

    /// The outcome, with the value of `Sec-WebSocket-Accept` and the subprotocol that the server would choose.
    ///
    /// # Errors
    /// What the program did wrong.
    #[inline(never)] // See `apply_rules`.
    pub(super) fn into_upgrade(
        self,
        request: &HeaderMap,
        key: &str,
        default: Option<Arc<str>>,
        deflate: Option<Agreement>,
    ) -> Result<Upgrade, String> {
        let Self { protocol, headers, data } = self;
        let is_offered =
            |name: &str| list_elements(request, &SEC_WEBSOCKET_PROTOCOL).any(|offer| offer == name.as_bytes());
        if let Some(name) = protocol.as_ref().filter(|name| !is_offered(name)) {
            return Err(format!("the subprotocol {name:?} was not offered"));
        }
        if let Some((name, _)) = headers.iter().find(|(name, value)| !is_additional_field(name, value)) {
            return Err(format!("the header field {name:?} cannot be sent"));
        }
        let protocol = protocol.or(default);
        let named = protocol.as_ref().map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
        let extensions = deflate.map(|deflate| format!("Sec-WebSocket-Extensions: {deflate}\r\n")).unwrap_or_default();
        let more: String = headers.iter().flat_map(|(name, value)| [*name, ": ", value, "\r\n"]).collect();
        // Spelled as in RFC 6455 1.2: some small clients expect exactly these letter cases.
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {key}\r\n{named}{extensions}{more}{}\r\n",
            date_line()
        );
        Ok(Upgrade { response: response.into_bytes(), protocol, keepalive: None, data, deflate })
    }
}
