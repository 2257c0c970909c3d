//! TLS with rustls: the certificates of servers and clients, and the sessions of connections. It does no network I/O.

mod acceptor;
mod connector;
mod pem;
mod self_signed;
mod session;

pub use {
    crate::ws::access::Invalid as Error,
    acceptor::Acceptor,
    connector::Connector,
    rustls,
    self_signed::{addresses_of_this_machine, self_signed},
};

/// The only protocol that is spoken over TLS (RFC 7301). There is no HTTP/2.
const HTTP_1_1: &[u8] = b"http/1.1";
