//! The opening of a connection: request head in; page, upgrade or refusal out.
//!
//! Owns the rules of RFC 6455 4.2 and RFC 9112 on who gets which answer. Knows sockets only as a
//! [`Source`] of bytes, writes nothing, and knows no chat.

mod head;

use std::sync::Arc;

pub use head::{HeadError, Limits, Source, read_head};

use crate::access::Access;
use crate::http::{Request, Response, Site};

/// What a server does with a request: its rules, as data.
#[derive(Clone)]
pub struct Policy {
    /// Who may come in. Default: [`Access::default`].
    pub access: Access,
    /// The subprotocols that this server knows (RFC 6455 1.9). Default: none.
    pub protocols: Vec<Arc<str>>,
    /// The paths at which a WebSocket handshake may arrive; 404 elsewhere. Default: every path.
    pub endpoint: fn(&str) -> bool,
    /// What answers other requests. Default: nothing does, they get 426 or 404.
    pub site: Option<Site>,
}

/// What is to be sent back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The handshake succeeded: send `response`, then frames.
    Upgrade {
        /// The whole 101 answer, ready to send.
        response: Vec<u8>,
        /// The subprotocol chosen, which is named in the answer.
        protocol: Option<Arc<str>>,
    },
    /// A page or a refusal: send [`Response::to_bytes`] (head only if the method was HEAD), then close.
    Answer(Response),
}

/// Decides on a request. It also takes what is secret out of it (the value of `?token=`; `Authorization`
/// and `Cookie` are marked sensitive), so that afterwards it may be logged or shown.
pub fn decide(request: &mut Request, policy: &Policy) -> Decision {
    todo!()
}

/// The answer for a connection that is one too many: 503.
pub fn full() -> Response {
    todo!()
}
