//! From a target to a connected socket, within a deadline.
//!
//! Owns name resolution and the order in which addresses are tried. The operating system's resolver knows no
//! deadlines, so all of it happens on a thread of its own, which is left behind when time is up.

use super::{Error, url::Target};
use crossbeam_channel::{Receiver, Sender, bounded, select};
use std::{
    io,
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    thread,
    time::{Duration, Instant},
};

/// A socket, connected to the first of the host's addresses that takes it.
///
/// # Errors
/// [`Error::Resolve`], [`Error::Connect`], [`Error::ConnectTimeout`], [`Error::Start`]; [`Error::Cancelled`] as soon as
/// there is something in `cancelled`, or nobody any more who could put it there.
pub(super) fn dial(target: &Target, within: Duration, cancelled: &Receiver<()>) -> Result<TcpStream, Error> {
    let deadline = Instant::now() + within;
    let (result, connected) = bounded(1);
    let called = target.clone();
    thread::Builder::new()
        .name("websocket-dial".into())
        .spawn(move || call(&called, deadline, &result))
        .map_err(Error::Start)?;
    select! {
        recv(connected) -> stream => stream.unwrap_or_else(|_| Err(Error::Start(io::Error::other("its thread panicked")))),
        recv(cancelled) -> _ => Err(Error::Cancelled),
        default(within) => Err(Error::ConnectTimeout(within)),
    }
}

/// The thread. Nobody may be waiting any more: then the socket is closed as it is dropped.
fn call(target: &Target, deadline: Instant, result: &Sender<Result<TcpStream, Error>>) {
    let _ = result.send(resolve(target).and_then(|addresses| try_each(&addresses, deadline)));
}

fn resolve(target: &Target) -> Result<Vec<SocketAddr>, Error> {
    if let Some(address) = target.address() {
        return Ok(vec![SocketAddr::new(address, target.port)]);
    }
    let found: Vec<_> = (target.host.as_str(), target.port).to_socket_addrs().map_err(Error::Resolve)?.collect();
    match found.is_empty() {
        true => Err(Error::Resolve(io::Error::other("it has no address"))),
        false => Ok(found),
    }
}

/// Each gets an equal share of the time that is left, so that one which never answers does not use it all up.
fn try_each(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, Error> {
    let mut failed = io::ErrorKind::TimedOut.into();
    for (at, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let others = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(address, (left / others).max(Duration::from_millis(1))) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(Error::Connect(failed))
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
        let soon = Instant::now() + Duration::from_secs(5);
        let stream = try_each(&[closed, open], soon).expect("the second one answers");
        assert_eq!(stream.peer_addr().expect("an address"), open);
        assert!(matches!(try_each(&[closed], soon), Err(Error::Connect(_))));
    }

    #[test]
    fn whoever_cancels_is_not_kept_waiting() {
        let target = Target::parse("ws://192.0.2.1/", false).expect("a URL");
        let (cancel, cancelled) = bounded(1);
        cancel.send(()).expect("room for one");
        let start = Instant::now();
        let outcome = dial(&target, Duration::from_secs(60), &cancelled);
        assert!(outcome.is_err() && start.elapsed() < Duration::from_secs(30), "{outcome:?}");
    }
}
