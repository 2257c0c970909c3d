//! What the log says of an opening.
//!
//! Owns the words, and what is counted and what is for those who look closely. Decides nothing.

use super::{Kind, Newcomer, Request, Response};
use log::debug;
use std::{fmt, io};

impl Newcomer<'_> {
    /// Counted, and logged with the address in front.
    pub(super) fn note(&self, kind: Kind, what: fmt::Arguments<'_>) {
        self.shared.ledger.note(kind, format_args!("{}: {what}", self.addr));
    }

    /// Half of the internet tries old versions and other tricks on each TLS port: that is counted, not shouted.
    pub(super) fn note_failure(&self, why: &io::Error) {
        match why.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                self.note(Kind::Slow, format_args!("the TLS handshake was not done in time"));
            }
            _ => self.note(Kind::Handshake, format_args!("the TLS handshake failed: {why}")),
        }
    }

    /// Who is not let in is counted; the rest is for those who look closely.
    pub(super) fn note_answer(&self, request: &Request, response: &Response) {
        let (addr, status, method, path) = (self.addr, response.status, request.method(), request.uri().path());
        match status {
            401 | 403 | 421 => {
                let why = String::from_utf8_lossy(&response.body);
                self.note(Kind::NotLetIn, format_args!("{status} {}", why.trim_end().escape_debug()));
            }
            _ => debug!("{addr}: {method} {path:?} answered {status}"),
        }
    }

    /// A client that names only subprotocols we do not know gets none (RFC 6455 4.2.2); a browser then ends it.
    pub(super) fn note_unknown_protocols(&self, request: &Request) {
        for names in request.headers().get_all("Sec-WebSocket-Protocol") {
            debug!("{}: no subprotocol that is known here among {names:?}", self.addr);
        }
    }
}
