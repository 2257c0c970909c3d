//! Deadlines and waiting bytes of connections that share a reactor, over real sockets.

use super::*;
use crate::ws::tcp::tcp;
use crate::ws::{
    config::Config,
    connection::{BufferedStream, PeerInfo, Reader, Role},
};
use std::{io::Read, net::TcpListener};

const LONG: Duration = Duration::from_secs(60);

/// A server's connection, its reader, and the client's end of the socket.
fn connection(
    reactor: &'static WriteReactor,
    id: u64,
    close_timeout: Duration,
) -> (Arc<Connection>, Reader, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    client.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let (stream, _) = listener.accept().expect("a connection");
    let stream = BufferedStream::new(tcp(stream).expect("a socket"), None, Vec::new());
    let config = Config { close_timeout, max_send_buffer: usize::MAX, ..Config::default() };
    let info = PeerInfo { id, ..PeerInfo::default() };
    let (connection, reader) = Connection::new(info, Role::Server, stream, Arc::new(config), reactor);
    (connection, reader, client)
}

/// What arrives until the connection ends. `None` if that takes too long.
fn rest(mut client: &TcpStream) -> Option<usize> {
    client.read_to_end(&mut Vec::new()).ok()
}

/// A Close frame without a reason.
const CLOSE: usize = 4;

#[test]
fn connections_are_cut_at_their_deadlines() {
    let reactor = WriteReactor::start().expect("a thread");
    let late = connection(reactor, 1, LONG);
    let soon = connection(reactor, 2, Duration::from_millis(50));
    let sooner = connection(reactor, 3, Duration::from_millis(20));
    for (connection, ..) in [&late, &soon, &sooner] {
        connection.close(1000, "");
    }
    let begin = Instant::now();
    assert_eq!((rest(&sooner.2), rest(&soon.2)), (Some(CLOSE), Some(CLOSE)));
    assert!(begin.elapsed() < LONG / 2);
    let deadlines: Vec<Instant> = lock(&reactor.entries).iter().filter_map(|(_, entry)| entry.deadline).collect();
    assert!(deadlines.len() == 1 && deadlines[0] > begin + LONG / 2, "those that were cut have none: {deadlines:?}");
    let (due, next) = reactor.take_due();
    assert!(due.is_empty() && next.is_some_and(|next| next > LONG / 2 && next <= LONG), "{next:?}");
    assert_eq!(late.0.end(), crate::ws::connection::DisconnectReason::ClosedLocally { code: 1000 });
    assert_eq!(lock(&reactor.entries).iter().count(), 2, "an ended connection is forgotten");
}

#[test]
fn bytes_that_wait_are_sent_when_they_are_read() {
    const MANY: usize = 16 * 1024 * 1024;
    let reactor = WriteReactor::start().expect("a thread");
    let pairs = [1, 2].map(|id| connection(reactor, id, LONG));
    for (connection, ..) in &pairs {
        assert!(connection.if_open(|state| state.send(&vec![0; MANY])));
    }
    assert_eq!(lock(&reactor.entries).iter().count(), 2);
    for (connection, _, client) in &pairs {
        (&mut &*client).read_exact(&mut vec![0; MANY]).expect("everything");
        connection.end();
    }
    assert_eq!(lock(&reactor.entries).iter().count(), 0, "an ended connection is not watched");
}

#[test]
fn the_process_has_one_reactor() {
    let first = WriteReactor::of_process().expect("a thread");
    assert!(std::ptr::eq(first, WriteReactor::of_process().expect("the same one")));
}
