//! `wss://` and `https://`: what holds in plain holds with TLS, and what only TLS has.

// A crate of its own, which exports nothing.
#![allow(unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod busy;
mod certificates;
mod client;
mod endings;
mod flags;
mod full_duplex;
mod hostile;
mod pages;
mod programs;
mod reload;
mod wss_client;

use std::net::SocketAddr;

use certificates::Certificates;
use chinwag::{Config, Peer, Server};
use client::{Client, VERSIONS};
use support::serving::connected;

/// A server with these bounds that speaks TLS on a port of its own.
fn serve(config: Config, certificates: &Certificates) -> (Server, SocketAddr) {
    let builder = Server::builder().config(config).listen_tls("127.0.0.1:0", &certificates.acceptor());
    let server = builder.expect("a free port").start().expect("threads and descriptors enough");
    let addr = server.local_addrs()[0];
    (server, addr)
}

/// A server, and in each version of TLS a client of its own that is connected to it.
fn in_each_version(test: impl Fn(&Server, Client, Peer)) {
    let certificates = Certificates::new();
    let (server, addr) = serve(Config::default(), &certificates);
    for version in VERSIONS {
        let mut client = Client::connect(addr, &certificates.current(), version);
        client.upgrade(addr, b"");
        let peer = connected(&server);
        test(&server, client, peer);
    }
}
