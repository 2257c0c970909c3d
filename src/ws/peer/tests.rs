//! A server's connection whose client does not read, or only slowly.

use super::*;
use crate::ws::tcp::tcp;
use crate::ws::{
    config::Config,
    connection::{BufferedStream, DisconnectReason, PeerInfo, Reader, WriteReactor},
};
use std::{
    io::Read,
    net::{TcpListener, TcpStream},
};

/// Bytes of which a socket takes only a part.
const MANY: usize = 16 * 1024 * 1024;

/// A batch of the chat.
const BATCH: usize = 64 * 1024;

/// A server's connection whose send buffer may have that many bytes, and the client's end of the socket.
fn server(max_send_buffer: usize) -> (Peer, Reader, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    client.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    let (stream, _) = listener.accept().expect("a connection");
    let stream = BufferedStream::new(tcp(stream).expect("a socket"), None, Vec::new());
    let (config, reactor) = (Config { max_send_buffer, ..Config::default() }, WriteReactor::of_process());
    let info = PeerInfo { id: next_id(), ..PeerInfo::default() };
    let (connection, reader) =
        Connection::new(info, Role::Server, stream, Arc::new(config), reactor.expect("a thread"));
    (Peer { connection }, reader, client)
}

fn frames(bytes: &[u8]) -> Frames {
    let mut frames = Frames::new();
    frames.raw(bytes);
    frames
}

/// The chat has a log, from which a slow peer gets the rest. What else it is sent is bounded, too.
#[test]
fn chat_may_exceed_the_send_buffer() {
    let (peer, _reader, _client) = server(1000);
    assert!(!peer.send_from(&frames(b"short"), 0, BATCH), "the socket takes this");
    // The system takes some megabytes.
    let is_behind = (0..MANY / 500).any(|_| peer.send_from(&frames(&[0; 500]), 0, BATCH));
    assert!(is_behind && peer.connection.is_open(), "more waits than the limit");
    let more = (0..BATCH / 1000).take_while(|_| peer.send_from(&frames(&[0; 500]), 0, BATCH)).count();
    assert!(more == BATCH / 1000 && peer.connection.is_open());
    assert!((0..MANY / 500).any(|_| !peer.send_from(&frames(&[0; 500]), 0, BATCH)), "it is bounded");
    assert!(!peer.connection.is_open() && !peer.send_frames(&frames(b"more")));
    assert_eq!(peer.connection.end(), DisconnectReason::SlowReader);
}

/// Its Close frame has the code that was asked for.
#[test]
fn slow_peer_can_be_closed() {
    let (peer, _reader, _client) = server(1000);
    peer.send_frames(&frames(&vec![0; MANY]));
    assert!(peer.buffered_amount() > 1000 && peer.close(4000, "").is_ok());
    assert_eq!(peer.connection.end(), DisconnectReason::ClosedLocally { code: 4000 });
}

#[test]
fn stalled_connection_knows_since_when() {
    let (peer, _reader, mut client) = server(MANY);
    peer.send_from(&frames(b"sho"), 0, BATCH);
    peer.connection.lock().as_mut().expect("it is open").stream.queue(b"rt");
    peer.connection.flush_pending();
    assert_eq!((peer.stalled_for(), peer.connection.has_progressed_within(Duration::MAX)), (None, false));
    let begin = Instant::now();
    peer.send_from(&frames(&vec![0; MANY]), 0, BATCH);
    loop {
        let (waiting, stalled) = (peer.buffered_amount(), peer.stalled_for());
        peer.connection.flush_pending();
        if peer.buffered_amount() == waiting {
            assert!(peer.stalled_for() >= stalled, "an attempt is no progress");
            break;
        }
    }
    std::thread::sleep(Duration::from_millis(20));
    let stalled = peer.stalled_for().expect("bytes wait");
    assert!(stalled >= Duration::from_millis(20) && stalled <= begin.elapsed(), "{stalled:?}");
    let (mut buffer, before) = (vec![0; MANY], Instant::now());
    client.read_exact(&mut buffer[..MANY / 2]).expect("the first half");
    // The system may need a moment to make room.
    while peer.stalled_for().is_some_and(|stalled| stalled >= before.elapsed()) {
        peer.connection.flush_pending();
        assert!(before.elapsed() < Duration::from_secs(30), "the socket took nothing");
    }
    client.read_exact(&mut buffer[..MANY / 2 + 5]).expect("the rest");
    peer.connection.flush_pending();
    assert_eq!((peer.stalled_for(), peer.connection.has_progressed_within(begin.elapsed())), (None, true));
    assert!(!peer.connection.has_progressed_within(Duration::ZERO));
    assert!(peer.send_frames(&frames(&vec![0; MANY])) && peer.connection.is_open());
    // The system may take more than once that much.
    let sent = (0..10).take_while(|_| peer.send_frames(&frames(&vec![0; MANY]))).count();
    assert!(sent < 10, "it is bounded");
    assert_eq!(peer.connection.end(), DisconnectReason::SlowReader);
}

#[test]
fn slow_peer_is_dropped_with_1013() {
    let (peer, _reader, mut client) = server(1000);
    peer.drop_slow();
    let mut frame = [0; 4];
    client.read_exact(&mut frame).expect("a Close frame");
    assert_eq!((frame[0], &frame[2..]), (0x88, &1013_u16.to_be_bytes()[..]));
    assert_eq!(peer.connection.end(), DisconnectReason::SlowReader);
}

/// Also if the socket would take the later bytes at once.
#[test]
fn waiting_bytes_are_sent_before_later_ones() {
    let (peer, _reader, mut client) = server(2 * MANY);
    peer.connection.lock().as_mut().expect("it is open").stream.queue(&vec![1; MANY]);
    assert!(peer.send_frames(&frames(&[2; 5])) && peer.buffered_amount() > 0);
    let mut buffer = vec![0; MANY / 2];
    client.read_exact(&mut buffer).expect("the first half");
    assert!(peer.send_frames(&frames(&[3; 5])));
    let mut rest = vec![0; MANY / 2 + 10];
    client.read_exact(&mut rest).expect("the rest");
    let (ones, later) = rest.split_at(MANY / 2);
    assert!(buffer.iter().chain(ones).all(|byte| *byte == 1));
    assert_eq!(later, [2, 2, 2, 2, 2, 3, 3, 3, 3, 3]);
}

#[test]
fn exactly_the_limit_may_wait() {
    let (peer, _reader, _client) = server(MANY);
    while peer.buffered_amount() < MANY {
        let room = MANY - peer.buffered_amount();
        assert!(!peer.send_from(&frames(&vec![0; room]), 0, BATCH));
    }
    let is_over = peer.send_from(&frames(b""), 0, BATCH);
    assert_eq!(is_over, peer.buffered_amount() > MANY);
}

/// What the client has not read waits on the server's side, and makes room when it is read.
#[test]
fn room_is_waited_for_until_the_peer_reads_or_the_connection_ends() {
    let (moment, long) = (Duration::from_millis(1), Duration::from_secs(60));
    let (peer, _reader, mut client) = server(usize::MAX);
    assert!(peer.is_open() && peer.wait_for_room(0, Duration::ZERO), "nothing waits");
    assert!(peer.send_frames(&frames(&vec![0; MANY])));
    assert!(!peer.wait_for_room(1000, moment) && peer.wait_for_room(MANY, Duration::ZERO));
    let waiting = std::thread::spawn({
        let peer = peer.clone();
        move || (peer.wait_for_room(1000, long), peer.buffered_amount() <= 1000)
    });
    client.read_exact(&mut vec![0; MANY]).expect("everything");
    assert_eq!(waiting.join().expect("no panic"), (true, true));

    for end in [Peer::cut, |peer: &Peer| _ = peer.connection.end()] {
        let (peer, _reader, client) = server(usize::MAX);
        assert!(peer.send_frames(&frames(&vec![0; MANY])));
        end(&peer);
        assert!(!peer.wait_for_room(0, long) && !peer.send("late") && !peer.is_open());
        drop(client);
    }
}
