//! The answer of a program that accepts handshakes itself.

use super::{Negotiated, agreement, upgrade};
use crate::ws::http::{Request, Response, is_additional_field};
use log::error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{any::Any, borrow::Cow, sync::Arc};

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
    pub(super) fn into_upgrade(
        self,
        request: &Request,
        key: &str,
        default: Option<Arc<str>>,
    ) -> Result<Upgrade, String> {
        let Self { protocol, headers, data } = self;
        if let Some(name) = protocol.as_ref().filter(|name| !upgrade::offers_protocol(request.headers(), name)) {
            return Err(format!("the subprotocol {name:?} was not offered"));
        }
        if let Some((name, _)) = headers.iter().find(|(name, value)| !is_additional_field(name, value)) {
            return Err(format!("the header field {name:?} cannot be sent"));
        }
        let protocol = protocol.or(default);
        Ok(Upgrade {
            response: upgrade::response(key, protocol.as_deref(), agreement(request), &headers),
            protocol,
            keepalive: None,
            data,
        })
    }
}

/// Runs the user's code: a panic there fails this request only.
pub(super) fn catch<T>(request: &Request, run: impl FnOnce() -> Result<T, Negotiated>) -> Result<T, Negotiated> {
    let outcome = catch_unwind(AssertUnwindSafe(run));
    outcome.unwrap_or_else(|_| Err(bug(request, "the HTTP handler panicked").into()))
}

/// The response if the user's code fails.
pub(super) fn bug(request: &Request, what: &str) -> Response {
    error!("{what}: {} {:?}", request.method(), request.uri().path());
    Response::text(500, "This server has a bug; its log says more.")
}
