//! A reader's sizes and times, over real sockets.

use super::{Came, Reader, SPACE};
use crate::{
    ws::config::Config,
    ws::connection::{Connection, Digest, Drain, FarEnd, Parts, Role},
};
use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

/// The reader of a connection whose peer is the other socket.
fn reader(config: Config, input: usize) -> (Reader, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let stream = listener.accept().expect("a connection").0;
    stream.set_read_timeout(Some(Duration::from_secs(1))).expect("a timeout");
    let (_, reader) = Connection::new(Parts {
        far_end: FarEnd::nameless(1),
        role: Role::Server,
        stream: Arc::new(stream),
        session: None,
        input: vec![0; input],
        config: Arc::new(config),
        drain: Drain::start().expect("a thread"),
    });
    (reader, peer)
}

/// What the handshake leaves behind, a timeout and much input, is not what waiting for messages needs.
#[test]
fn the_times_and_sizes_are_the_readers_own_from_the_start() {
    for (ping_seconds, input, small, large) in
        [(0, 0, 1024, 0), (0, 0, 4096, 4096), (20, 100, 1024, 1024), (0, 7000, 1024, 7000)]
    {
        let ping_after = Duration::from_secs(ping_seconds);
        let (mut reader, _peer) =
            reader(Config { ping_interval: ping_after, read_buffer_size: small, ..Config::default() }, input);
        reader.set_timeout();
        let expected = (ping_seconds > 0).then_some(ping_after);
        assert_eq!(reader.stream.read_timeout().expect("a timeout"), expected);
        assert_eq!((reader.large.len(), reader.unread), (large, 0..input));
    }
}

/// However much comes: who never lets it wait long enough must move, too.
#[test]
fn a_visit_ends_at_the_first_wait_after_its_time_and_leaves_nothing_behind() {
    let (mut reader, mut peer) = reader(Config::default(), 0);
    peer.write_all(b"\x81\x82\0\0\0\0hi").expect("somebody who reads");
    reader.visit(Duration::from_secs(30), Duration::ZERO);
    assert_eq!((reader.next(&mut [0; SPACE]), reader.stays()), (None, true));
    assert_eq!((reader.next(&mut [0; SPACE]), reader.stays()), (Some("hi".into()), false));
}

#[test]
fn a_buffer_that_was_asked_for_stays_however_little_comes() {
    let (mut reader, mut peer) = reader(Config { read_buffer_size: 4096, ..Config::default() }, 0);
    let before = reader.large.as_ptr();
    for _ in 0..2 {
        // "hi", with a mask of zeros.
        peer.write_all(b"\x81\x82\0\0\0\0hi").expect("somebody who reads");
        assert_eq!(reader.next(&mut [0; SPACE]), Some("hi".into()));
        assert_eq!((reader.large.as_ptr(), reader.large.len()), (before, 4096));
    }
}

#[test]
fn reading_without_waiting_says_whether_there_may_be_more() {
    let (mut reader, mut peer) = reader(Config { ping_interval: Duration::ZERO, ..Config::default() }, 0);
    let mut space = [0; SPACE];
    let mut read = || {
        let came = reader.read_now(&mut space);
        while let Digest::Message(_) = reader.digest(&mut space) {}
        came
    };
    assert_eq!(read(), Came::All, "nothing, and no wait for it");
    // The buffer grows behind its first filling.
    for (messages, expected) in [(1, vec![Came::All]), (200, vec![Came::Part, Came::All, Came::All])] {
        peer.write_all(&b"\x81\x82\0\0\0\0hi".repeat(messages)).expect("somebody who reads");
        assert_eq!([(); 3].map(|()| read())[..expected.len()], expected);
    }
    drop(peer);
    assert_eq!(read(), Came::End);
}
