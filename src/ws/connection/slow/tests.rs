//! A server's connection whose client does not read, or only slowly.

use crate::ws::{
    config::Config,
    connection::{Connection, DisconnectReason, PeerInfo, Reader, Role, Transport, WriteReactor},
};
use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// Bytes of which a socket takes only a part.
const MANY: usize = 16 * 1024 * 1024;

/// A server's connection whose send buffer may have that many bytes, and the client's end of the socket.
fn server(max_send_buffer: usize) -> (Arc<Connection>, Reader, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    client.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    let (stream, _) = listener.accept().expect("a connection");
    let transport = Transport { stream: Arc::new(stream), session: None, input: Vec::new() };
    let (config, reactor) = (Config { max_send_buffer, ..Config::default() }, WriteReactor::start().expect("a thread"));
    let (connection, reader) =
        Connection::new(PeerInfo { id: 1, ..PeerInfo::default() }, Role::Server, transport, Arc::new(config), reactor);
    (connection, reader, client)
}

#[test]
fn bytes_that_are_not_counted_may_exceed_the_send_buffer() {
    let (connection, _reader, _client) = server(1000);
    assert!(!connection.send_counting(b"short", 5), "the socket takes this");
    for _ in 0..2 {
        assert!(connection.send_counting(&vec![0; MANY], 0), "more waits than the limit");
    }
    for _ in 0..10 {
        assert!(connection.send_counting(&[0; 500], 100));
    }
    assert!(connection.is_open() && connection.buffered_amount() > MANY);
    connection.send_counting(&[0], 1);
    assert!(!connection.is_open() && !connection.send(b"more"));
    assert_eq!(connection.end(), DisconnectReason::SlowReader);
}

/// What is sent in other ways counts always, such as the replies to Pings.
#[test]
fn other_bytes_count_beside_those_that_do_not() {
    let (connection, _reader, _client) = server(1000);
    connection.send_counting(&vec![0; MANY], 0);
    // The kernel may still take some of the bytes before them.
    let sent = (0..MANY / 1000).take_while(|_| connection.send(&[0; 1000]) && connection.is_open()).count();
    assert!((1..MANY / 1000).contains(&sent), "{sent}");
    assert_eq!((connection.is_open(), connection.end()), (false, DisconnectReason::SlowReader));
}

/// Bytes that were not counted are forgotten when the socket has taken them.
#[test]
fn stalled_connection_knows_since_when() {
    let (connection, _reader, mut client) = server(MANY);
    connection.send_counting(b"sho", 0);
    connection.queue(b"rt");
    connection.flush_pending();
    assert_eq!((connection.stalled_for(), connection.has_progressed_within(Duration::MAX)), (None, false));
    let begin = Instant::now();
    connection.send_counting(&vec![0; MANY], 0);
    loop {
        let (waiting, stalled) = (connection.buffered_amount(), connection.stalled_for());
        connection.flush_pending();
        if connection.buffered_amount() == waiting {
            assert!(connection.stalled_for() >= stalled, "an attempt is no progress");
            break;
        }
    }
    std::thread::sleep(Duration::from_millis(20));
    let stalled = connection.stalled_for().expect("bytes wait");
    assert!(stalled >= Duration::from_millis(20) && stalled <= begin.elapsed(), "{stalled:?}");
    let mut buffer = vec![0; MANY];
    client.read_exact(&mut buffer[..MANY / 2]).expect("the first half");
    connection.flush_pending();
    assert!(connection.stalled_for().is_some_and(|now| now < stalled), "the socket took some");
    client.read_exact(&mut buffer[..MANY / 2 + 5]).expect("the rest");
    connection.flush_pending();
    assert_eq!((connection.stalled_for(), connection.has_progressed_within(begin.elapsed())), (None, true));
    assert!(!connection.has_progressed_within(Duration::ZERO));
    assert!(connection.send(&vec![0; MANY]) && connection.is_open());
    connection.send(&vec![0; MANY]);
    assert_eq!(connection.end(), DisconnectReason::SlowReader);
}

#[test]
fn slow_peer_is_dropped_with_1013() {
    let (connection, _reader, mut client) = server(1000);
    connection.drop_slow();
    let mut frame = [0; 4];
    client.read_exact(&mut frame).expect("a Close frame");
    assert_eq!((frame[0], &frame[2..]), (0x88, &1013_u16.to_be_bytes()[..]));
    assert_eq!(connection.end(), DisconnectReason::SlowReader);
}

/// Also if the socket would take the later bytes at once.
#[test]
fn waiting_bytes_are_sent_before_later_ones() {
    let (connection, _reader, mut client) = server(2 * MANY);
    connection.queue(&vec![1; MANY]);
    assert!(connection.send(&[2; 5]) && connection.buffered_amount() > 0);
    let mut buffer = vec![0; MANY / 2];
    client.read_exact(&mut buffer).expect("the first half");
    assert!(connection.send(&[3; 5]));
    let mut rest = vec![0; MANY / 2 + 10];
    client.read_exact(&mut rest).expect("the rest");
    let (ones, later) = rest.split_at(MANY / 2);
    assert!(buffer.iter().chain(ones).all(|byte| *byte == 1));
    assert_eq!(later, [2, 2, 2, 2, 2, 3, 3, 3, 3, 3]);
}

#[test]
fn exactly_the_limit_may_wait() {
    let (connection, _reader, _client) = server(MANY);
    while connection.buffered_amount() < MANY {
        let room = MANY - connection.buffered_amount();
        assert!(!connection.send_counting(&vec![0; room], 0));
    }
    let is_over = connection.send_counting(b"", 0);
    assert_eq!(is_over, connection.buffered_amount() > MANY);
}
