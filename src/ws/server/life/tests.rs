//! A life's first moments, over real sockets, on the test's own thread.

use super::*;
use crate::{ws::config::Config, ws::connection::Message, ws::http::Request, ws::server::Server};
use std::{
    io::Write,
    net::{Shutdown, TcpListener},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_secs(30);

/// "hi", masked with zeros.
const HI: &[u8] = b"\x81\x82\0\0\0\0hi";
const CLOSE: &[u8] = b"\x88\x82\0\0\0\0\x03\xe8";

/// A life that has begun, its client, and the server that hears of it.
pub(in crate::ws::server) fn life(config: Config) -> (Box<Life>, TcpStream, Server) {
    let (life, _, client, server) = life_and_socket(config);
    (life, client, server)
}

fn life_and_socket(config: Config) -> (Box<Life>, Arc<TcpStream>, TcpStream, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let (stream, addr) = listener.accept().expect("a connection");
    let server = Server::builder().config(config).listener(listener).start().expect("threads");
    let shared = server.shutdown.0.upgrade().expect("it runs");
    let seat = shared.seats.take(None, &shared.config).expect("a seat");
    let request = Box::new(Request::new(()));
    let (answer, input) = (Vec::new(), Vec::new());
    let opened = Opened { addr, request, protocol: None, answer, input, session: None };
    let stream = Arc::new(stream);
    let life = Life::begin(1, Arc::clone(&stream), Box::new(opened), seat, &shared);
    assert!(matches!(next(&server), Event::Connected(..)));
    (life, stream, client, server)
}

fn next(server: &Server) -> Event {
    server.events().recv_timeout(DEADLINE).expect("an event in time")
}

#[test]
fn who_is_gone_soon_never_moves() {
    let (life, mut client, server) = life(Config::default());
    client.write_all(&[HI, CLOSE].concat()).expect("somebody who reads");
    let events = thread::scope(|scope| {
        let visit = scope.spawn(|| life.visit().is_none());
        let Event::Message(peer, Message::Text(text)) = next(&server) else { panic!("no message") };
        assert_eq!(text.as_str(), "hi");
        // The Close frame is answered when that has been dealt with.
        drop(peer);
        assert!(visit.join().expect("no panic"), "it shall have ended");
        next(&server)
    });
    assert!(matches!(events, Event::Disconnected(_, DisconnectReason::ByPeer { code: 1000, .. })), "{events:?}");
}

#[test]
fn who_is_silent_for_a_moment_moves_and_waits_as_ever() {
    let ping_after = Duration::from_secs(20);
    let config = Config { ping_interval: ping_after, ..Config::default() };
    let (life, socket, mut client, server) = life_and_socket(config);
    client.write_all(HI).expect("somebody who reads");
    let life = life.visit().expect("it stays");
    assert!(matches!(next(&server), Event::Message(..)));
    client.write_all(HI).expect("somebody who reads");
    client.shutdown(Shutdown::Write).expect("an end");
    life.run();
    assert!(matches!(next(&server), Event::Message(..)));
    assert!(matches!(next(&server), Event::Disconnected(_, DisconnectReason::Lost)));
    assert_eq!(socket.read_timeout().expect("a timeout"), Some(ping_after));
}

/// Nothing is lost or doubled on the way to another thread. That it moves in time, the reader's tests say.
#[test]
fn who_talks_all_the_time_moves_in_the_middle_of_it() {
    const ENOUGH: u32 = 100;
    let (life, mut client, server) = life(Config::default());
    let moved = &AtomicBool::new(false);
    // What is under way is bounded: all of it is heard in the end.
    let (heard, hears) = crossbeam_channel::bounded(64);
    thread::scope(|scope| {
        scope.spawn(move || {
            let until = Instant::now() + DEADLINE;
            for number in (0..u32::MAX).take_while(|_| Instant::now() < until) {
                if heard.send(()).is_err() || client.write_all(&numbered(number)).is_err() {
                    break;
                }
            }
        });
        scope.spawn(move || {
            let (mut expected, mut behind) = (0_u32, 0);
            while let Event::Message(_, Message::Binary(bytes)) = next(&server) {
                assert_eq!(bytes.as_ref(), expected.to_be_bytes());
                expected += 1;
                behind += u32::from(moved.load(Ordering::Relaxed));
                if behind < ENOUGH {
                    hears.recv_timeout(DEADLINE).expect("it talks");
                } else if behind == ENOUGH {
                    break;
                }
            }
            assert!(behind >= ENOUGH, "{behind}");
            drop(hears);
            while !matches!(next(&server), Event::Disconnected(..)) {}
        });
        let life = life.visit().expect("it stays");
        moved.store(true, Ordering::Relaxed);
        life.run();
    });
}

fn numbered(number: u32) -> Vec<u8> {
    [&b"\x82\x84\0\0\0\0"[..], &number.to_be_bytes()].concat()
}

/// Whoever says more than others does not hold them up, and loses nothing by it.
#[test]
fn a_turn_has_an_end_however_much_there_is() {
    const MANY: u32 = 20_000;
    let (mut life, mut client, server) = life(Config { event_capacity: 2 * MANY as usize, ..Config::default() });
    thread::scope(|scope| {
        let all: Vec<u8> = (0..MANY).flat_map(numbered).collect();
        scope.spawn(move || client.write_all(&all).expect("somebody who reads"));
        let (mut space, mut before, begin) = ([0; SPACE], 0, Instant::now());
        while !matches!(life.turn(&mut space), Turn::Back(_)) {
            let heard = server.events().len();
            // What lies in the space that is everybody's is heard in any case.
            assert!(heard - before <= SPACE / numbered(0).len() + ENOUGH, "{} in one turn", heard - before);
            before = heard;
            assert!(begin.elapsed() < DEADLINE, "{heard} of {MANY}");
        }
    });
    for number in 0..MANY {
        let Event::Message(_, Message::Binary(bytes)) = next(&server) else { panic!("no message") };
        assert_eq!(bytes.as_ref(), number.to_be_bytes());
    }
}
