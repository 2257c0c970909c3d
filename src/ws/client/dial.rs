//! Connects a socket, within a deadline.

use super::url::Target;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A socket that is connected to the first address of the host that accepts within the timeout. The system limits the time of
/// the name resolution.
pub(super) fn dial(target: &Target, timeout: Duration) -> io::Result<TcpStream> {
    // Few systems resolve the names below `localhost`.
    let name = if target.host.is_localhost() { "localhost" } else { &target.host.name };
    let addresses = (name, target.port()).to_socket_addrs();
    let not_found = |error| io::Error::other(format!("the host {name} was not found: {error}"));
    connect_to_any(addresses.map_err(not_found)?, timeout)
}

fn connect_to_any(addresses: impl Iterator<Item = SocketAddr>, timeout: Duration) -> io::Result<TcpStream> {
    let mut failure = io::Error::other("the host has no address");
    for address in addresses {
        match TcpStream::connect_timeout(&address, timeout.max(Duration::from_millis(1))) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = named(&address, error),
        }
    }
    Err(failure)
}

/// Names the address in an error. A URL need not have a port, so that the user may not know it.
fn named(to: &SocketAddr, error: io::Error) -> io::Error {
    let text = match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("nothing listens at {to}; is the server running?"),
        _ => format!("{to}: {error}"),
    };
    io::Error::new(error.kind(), text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn every_address_is_tried() {
        let closed = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let open = listener.local_addr().expect("an address");
        let timeout = Duration::from_secs(5);
        let stream = connect_to_any([closed, open].into_iter(), timeout).expect("the second address accepts");
        assert_eq!(stream.peer_addr().expect("an address"), open);
        let error = connect_to_any([closed].into_iter(), timeout).expect_err("nothing listens");
        assert!(error.to_string().contains(&closed.to_string()), "{error}");
        assert!(connect_to_any([].into_iter(), timeout).is_err());
    }
}
