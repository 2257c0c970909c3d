//! The half that reads: it blocks, holding no lock, and turns bytes into messages.
//!
//! Owns the sense of time of one connection (silence, Pings, and what no answer means), and the read buffer of those who
//! send a lot. For the others the caller's [`Space`] is enough.

mod ready;

pub(crate) use ready::Came;

use super::{Connection, Digest, Ending, Message};
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use std::{
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

/// Room for what is read from peers that send little: on the caller's stack, where the page it lies in is touched anyhow,
/// it costs nothing. The same one, with the same content, for each call of one [`Reader`].
pub(crate) type Space = [u8; SPACE];

/// Its bytes.
pub(crate) const SPACE: usize = 1024;

/// The most that is read at once, from a client that sends a lot.
const LARGEST_READ: usize = 64 * 1024;

/// Bytes that may come without making a message: so many times the largest message, and a little for control frames.
/// Fragments may be short, but not so short that a peer keeps us busy with nothing.
const OVERHEAD: usize = 8;
const LITTLE: usize = 64 * 1024;

/// What even the shortest message may cost an eighth of.
const SHORTEST: usize = 64;

/// The time over which those bytes are counted: a peer that only ever answers Pings may do so for years.
const COUNTED: Duration = Duration::from_secs(60);

/// The one reader of a connection, for the thread that owns it.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Arc<Connection>,
    stream: Arc<TcpStream>,
    /// In place of the space, when that is too small.
    large: Vec<u8>,
    /// The part of the buffer that has not been digested.
    unread: std::ops::Range<usize>,
    awaiting_pong: bool,
    /// How long the socket shall wait, where that has not been said to it yet.
    timeout: Option<Duration>,
    visit: Visit,
    /// Bytes without a message, and since when they are counted.
    fruitless: usize,
    since: Instant,
}

/// The first moments, which a connection may live elsewhere than the rest: see [`Reader::visit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    /// At the first silence, or the first wait after that, the visit ends.
    Until(Instant),
    /// It has ended so, and the connection goes on.
    Ended,
    /// There is none.
    None,
}

impl Reader {
    /// `input`: bytes that were read already, behind the request's head.
    pub(super) fn new(connection: Arc<Connection>, stream: Arc<TcpStream>, input: Vec<u8>) -> Self {
        let (unread, small) = (0..input.len(), connection.config.read_buffer);
        let mut large = if input.is_empty() { vec![0; smallest(small)] } else { input };
        if !large.is_empty() {
            large.resize(large.len().max(small), 0);
        }
        let (timeout, visit, since) = (Some(connection.config.ping_after), Visit::None, Instant::now());
        Self { connection, stream, large, unread, awaiting_pong: false, timeout, visit, fruitless: 0, since }
    }

    /// From now on [`Reader::next`] ends, too, when nothing came for a moment, or when it would have to wait after the
    /// visit's whole time: [`Reader::stays`] tells that from the end of the connection.
    pub(crate) fn visit(&mut self, moment: Duration, whole: Duration) {
        self.visit = Visit::Until(Instant::now() + whole);
        self.timeout = Some(moment);
    }

    /// Whether it was the visit that ended, and not the connection, which waits as ever from now on. Nothing is left in
    /// the [`Space`] then: it may be another one.
    pub(crate) fn stays(&mut self) -> bool {
        self.timeout = Some(self.connection.config.ping_after);
        std::mem::replace(&mut self.visit, Visit::None) == Visit::Ended
    }

    /// Waits for the next message. `None`: the connection is over, [`Connection::end`] says why.
    pub(crate) fn next(&mut self, space: &mut Space) -> Option<Message> {
        loop {
            match self.digest(space) {
                Digest::Message(message) => return Some(message),
                Digest::Hungry if self.receive(space) => {}
                Digest::Hungry => return None,
                Digest::Over(ending) => {
                    self.conclude(ending, space);
                    return None;
                }
            }
        }
    }

    /// Takes one message out of what was read.
    pub(crate) fn digest(&mut self, space: &mut Space) -> Digest {
        let buffer = buffer(&mut self.large, space, self.connection.config.read_buffer);
        let mut input = &buffer[self.unread.clone()];
        let digest = self.connection.digest(&mut input);
        self.unread.start = self.unread.end - input.len();
        if let Digest::Message(message) = &digest {
            // It pays for as many bytes as it may have cost, and not for more.
            let paid = message.len().saturating_add(SHORTEST).saturating_mul(OVERHEAD);
            self.fruitless = self.fruitless.saturating_sub(paid);
        }
        digest
    }

    /// Sees to its end: waits for what is pending, and for the peer.
    pub(crate) fn conclude(&mut self, ending: Ending, space: &mut Space) {
        if !self.connection.conclude(ending) {
            self.throw_away(space);
        }
    }

    /// Blocks until something came, or the connection was given up. False: nothing more will come.
    fn receive(&mut self, space: &mut Space) -> bool {
        self.fit();
        if matches!(self.visit, Visit::Until(end) if Instant::now() >= end) {
            self.visit = Visit::Ended;
            return false;
        }
        self.set_timeout();
        loop {
            let buffer = buffer(&mut self.large, space, self.connection.config.read_buffer);
            match recv(&*self.stream, buffer, RecvFlags::empty()) {
                Ok((_, 0)) => return false,
                Ok((_, count)) => {
                    self.received(count);
                    return true;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if self.visit != Visit::None => {
                    self.visit = Visit::Ended;
                    return false;
                }
                Err(Errno::AGAIN) if self.awaiting_pong => {
                    self.connection.give_up();
                    return true;
                }
                Err(Errno::AGAIN) => self.ask(),
                Err(_) => return false,
            }
        }
    }

    fn received(&mut self, count: usize) {
        self.unread = 0..count;
        self.fruitless += count;
        if self.fruitless == count {
            self.since = Instant::now();
        } else if self.fruitless > self.connection.config.message.saturating_mul(OVERHEAD).saturating_add(LITTLE) {
            self.judge_fruitless();
        }
        if std::mem::take(&mut self.awaiting_pong) {
            self.timeout = Some(self.connection.config.ping_after);
        }
    }

    /// That is much for nothing, if it came quickly.
    fn judge_fruitless(&mut self) {
        if self.since.elapsed() < COUNTED {
            self.connection.fragmented();
        }
        self.fruitless = 0;
    }

    /// A larger buffer for those who fill it; the small one again for those who do not.
    fn fit(&mut self) {
        let small = self.connection.config.read_buffer;
        let size = if self.large.is_empty() { small } else { self.large.len() };
        let last = std::mem::take(&mut self.unread).end;
        if last == size && size < LARGEST_READ {
            self.large.resize((size * 4).min(LARGEST_READ), 0);
        } else if last < size / 8 && self.large.len() > smallest(small) {
            self.large = vec![0; smallest(small)];
        }
    }

    /// Silence for as long as may be: ask whether anybody is there (RFC 6455 5.5.2).
    fn ask(&mut self) {
        self.connection.ping();
        self.awaiting_pong = true;
        self.timeout = Some(self.connection.config.pong_within);
        self.set_timeout();
    }

    /// All is said. Reads until the peer has ended, too, so that nothing unread makes the operating system reset the
    /// connection and destroy the Close frame on its way; but not for ever.
    fn throw_away(&mut self, space: &mut Space) {
        let deadline = Instant::now() + self.connection.config.close_timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stream.set_read_timeout(Some(left)).is_err() {
                return;
            }
            match recv(&*self.stream, space.as_mut_slice(), RecvFlags::empty()) {
                Ok((_, 0)) => return,
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Zero: for as long as it takes.
    fn set_timeout(&mut self) {
        if let Some(time) = self.timeout.take() {
            // It fails for a socket that is gone only; the next read will say so.
            let _ = self.stream.set_read_timeout((!time.is_zero()).then_some(time));
        }
    }
}

/// The buffer that is used: the large one if there is one, else as much of the space as is asked for.
fn buffer<'a>(large: &'a mut [u8], space: &'a mut Space, small: usize) -> &'a mut [u8] {
    match large.is_empty() {
        true => &mut space[..small],
        false => large,
    }
}

/// Bytes of the buffer for those who send little: none, unless more is asked for than the space has.
fn smallest(small: usize) -> usize {
    if small > SPACE { small } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::{Came, Reader, SPACE};
    use crate::{
        config::Config,
        connection::{Connection, Digest, Drain, FarEnd, Parts, Role},
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
            let (mut reader, _peer) = reader(Config { ping_after, read_buffer: small, ..Config::default() }, input);
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
        let (mut reader, mut peer) = reader(Config { read_buffer: 4096, ..Config::default() }, 0);
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
        let (mut reader, mut peer) = reader(Config { ping_after: Duration::ZERO, ..Config::default() }, 0);
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
}
