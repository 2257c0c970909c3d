//! Connects a socket, within a deadline.
//!
//! The system's name resolution has no deadline. So it runs on a thread of its own, which is abandoned at the deadline.

use super::{Error, url::Target};
use crate::ws::spawn::spawn;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};
use std::{io, sync::mpsc};

/// Bytes of the stack of that thread. The name resolution of the system needs more than other threads do.
const STACK_SIZE: usize = 2 * 1024 * 1024;

/// A socket that is connected to the first address of the host that accepts.
///
/// # Errors
/// [`Error::Connect`] or [`Error::Timeout`].
pub(super) fn dial(target: &Target, timeout: Duration) -> Result<TcpStream, Error> {
    let deadline = Instant::now() + timeout;
    let (sender, connected) = mpsc::channel();
    // Few systems resolve the names below `localhost`.
    let name = if target.host.is_localhost() { "localhost".to_owned() } else { target.host.name.clone() };
    let port = target.port();
    let connect = move || {
        let addresses = (name.as_str(), port).to_socket_addrs();
        let not_found = |error| io::Error::other(format!("the host {name} was not found: {error}"));
        connect_to_any(addresses.map_err(not_found)?.as_slice(), deadline)
    };
    // If nothing receives the socket any more, it is closed.
    let job = move || drop(sender.send(connect()));
    spawn("websocket-dial", STACK_SIZE, Box::new(job)).map_err(Error::Connect)?;
    let stream = connected.recv_timeout(timeout).map_err(|_| Error::Timeout(timeout))?;
    stream.map_err(Error::Connect)
}

/// Each address gets an equal share of the time that is left, so one that never responds does not use all of it.
fn connect_to_any(addresses: &[SocketAddr], deadline: Instant) -> io::Result<TcpStream> {
    let mut failure = io::Error::other("the host has no address");
    for (shares, address) in (1..=addresses.len()).rev().zip(addresses) {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(shares).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = named(address, error),
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
        let deadline = Instant::now() + Duration::from_secs(5);
        let stream = connect_to_any(&[closed, open], deadline).expect("the second address accepts");
        assert_eq!(stream.peer_addr().expect("an address"), open);
        let error = connect_to_any(&[closed], deadline).expect_err("nothing listens");
        assert!(error.to_string().contains(&closed.to_string()), "{error}");
        assert!(connect_to_any(&[], deadline).is_err());
    }
}
