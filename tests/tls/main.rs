//! `wss://` and `https://`: everything that works without TLS works with it.

// Nothing is exported from a test.
#![allow(unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod busy;
mod certificates;
mod client;
mod duplex;
mod endings;
mod flags;
mod full_duplex;
mod hostile;
mod pages;
mod programs;
mod reload;
mod self_signed;
mod wss_client;

use std::net::SocketAddr;

use certificates::Certificates;
use chinwag::{Config, Peer, Server};
use client::{Client, VERSIONS};
use support::serving::connected;

/// A server that speaks TLS on a free port.
fn serve(config: Config, certificates: &Certificates) -> (Server, SocketAddr) {
    let builder = Server::builder().config(config).listen_tls("127.0.0.1:0", &certificates.acceptor());
    let server = builder.expect("a free port").start().expect("threads and descriptors enough");
    let addr = server.local_addrs()[0];
    (server, addr)
}

/// Runs a test with a connected client in each version of TLS.
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
