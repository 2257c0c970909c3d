//! A WebSocket's life: `Connected` first, then its messages, `Disconnected` once and last, a panic included.
//!
//! Owns what belongs to it, so that another thread than that of the handshake can go on with it: its own one,
//! which waits for the socket, and while it is busy the relay, which does not. Starts no threads, and knows no protocol.

use super::{
    Event, Shared,
    ledger::Kind,
    opening::Opened,
    relay::Busy,
    seats::Seat,
    visits::{SILENCE, WHOLE},
};
use crate::{
    ws::connection::{
        Came, Connection, Digest, DisconnectReason, Ending, FarEnd, Message, Parts, Reader, Role, SPACE, Space,
    },
    ws::http::Request,
    ws::peer::Peer,
};
use log::{debug, error, trace};
use std::{
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Instant,
};

/// After so many messages somebody else may have a turn: ten thousand of the smallest fit into what is read at once.
const ENOUGH: usize = 64;

/// One that has begun, and has to be [`run`](Life::run).
pub(super) struct Life {
    peer: Peer,
    reader: Reader,
    shared: Arc<Shared>,
    seat: Seat,
}

/// Why there are no more messages on this thread.
enum Pumped {
    Over,
    /// It may be lent.
    Busy,
}

/// What a turn on the relay comes to.
pub(super) enum Turn {
    /// All that was there has been read.
    Quiet,
    /// There may be more.
    More,
    /// The rest is its own thread's affair.
    Back(Left),
}

/// In what state a life comes back to its thread.
pub(super) enum Left {
    /// To be waited for.
    Quiet,
    /// To be concluded.
    Over(Box<Ending>),
    /// Nothing more comes, or nobody wants it any more.
    Gone,
    Panicked,
}

impl Left {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Quiet => "given back, quiet",
            Self::Over(_) => "given back, over",
            Self::Gone => "given back, gone",
            Self::Panicked => "given back, panicked",
        }
    }
}

impl Life {
    /// From the end of the handshake on. Its answer is still to be [sent](Life::answer).
    #[expect(clippy::boxed_local, reason = "unboxed by the caller, it would lie in the caller's frame as well")]
    #[inline(never)]
    pub(super) fn begin(
        id: u64,
        stream: Arc<TcpStream>,
        opened: Box<Opened>,
        seat: Seat,
        shared: &Arc<Shared>,
    ) -> Box<Self> {
        let Opened { addr, request, protocol, answer, input, session } = *opened;
        let (config, drain) = (Arc::clone(&shared.config), Arc::clone(&shared.drain));
        let far_end = FarEnd { id, addr, protocol };
        let (connection, reader) =
            Connection::new(Parts { far_end, role: Role::Server, stream, session, input, config, drain });
        connection.owe(&answer);
        if !shared.guests.open(id, &connection) {
            connection.close(1001, "the server is shutting down");
        }
        let peer = Peer::new(connection);
        report_open(&peer);
        let shared = Arc::clone(shared);
        let life = Box::new(Self { peer, reader, shared, seat });
        life.connected(request);
        life
    }

    #[inline(never)]
    fn connected(&self, request: Box<Request>) {
        // When nobody receives events any more, there is no server any more: its end closes this connection, too.
        let _ = self.shared.send(Event::Connected(self.peer.clone(), request));
    }

    /// Sends the answer of the handshake, unless it went along with a message: behind `Connected`, so that whoever comes
    /// because this client was told that it is in comes behind it in the channel, too. `None`: it panicked, and is over.
    pub(super) fn answer(self: Box<Self>) -> Option<Box<Self>> {
        let sent = catch_unwind(AssertUnwindSafe(|| self.peer.flush()));
        if sent.is_ok() {
            return Some(self);
        }
        self.end(true);
        None
    }

    /// The first messages, for a moment. `None`: that was all, it is gone.
    pub(super) fn visit(mut self: Box<Self>) -> Option<Box<Self>> {
        self.reader.visit(SILENCE, WHOLE);
        let pumped = self.pump(Left::Quiet);
        let stays = self.reader.stays();
        match pumped {
            Ok(Pumped::Busy) => return Some(self),
            Ok(Pumped::Over) if stays => return Some(self),
            _ => self.end(pumped.is_err()),
        }
        None
    }

    /// Messages, to the end.
    pub(super) fn run(mut self: Box<Self>) {
        let mut left = Left::Quiet;
        loop {
            let pumped = self.pump(left);
            if !matches!(pumped, Ok(Pumped::Busy)) {
                return self.end(pumped.is_err());
            }
            let shared = Arc::clone(&self.shared);
            (self, left) = shared.relay.lend(self);
            if matches!(left, Left::Panicked) {
                return self.end(true);
            }
        }
    }

    /// Messages, as long as the reader has some. Err: it panicked.
    fn pump(&mut self, left: Left) -> thread::Result<Pumped> {
        catch_unwind(AssertUnwindSafe(|| self.pump_on(left)))
    }

    /// Messages, from the socket into the central channel. When the channel is full this waits, thus does not read, thus
    /// TCP slows the client down.
    #[inline(never)]
    fn pump_on(&mut self, left: Left) -> Pumped {
        let mut space = [0; SPACE];
        match left {
            Left::Quiet => {}
            Left::Over(ending) => {
                self.reader.conclude(*ending, &mut space);
                return Pumped::Over;
            }
            Left::Gone | Left::Panicked => return Pumped::Over,
        }
        let mut busy = Busy::new();
        while let Some(message) = self.reader.next(&mut space) {
            if !self.hand_on(message) {
                break;
            }
            if busy.heard(Instant::now()) && self.reader.is_movable() && self.shared.relay.takes(self.peer.id()) {
                return Pumped::Busy;
            }
        }
        Pumped::Over
    }

    /// Reads once, without waiting for the socket, and hands on what that gives; or what is left of the last turn.
    pub(super) fn turn(&mut self, space: &mut Space) -> Turn {
        let came = if self.reader.has_more() { Came::Part } else { self.reader.read_now(space) };
        let mut handed_on = 0;
        loop {
            match self.reader.digest(space) {
                Digest::Message(message) => {
                    if !self.hand_on(message) {
                        return Turn::Back(Left::Gone);
                    }
                }
                Digest::Over(ending) => return Turn::Back(Left::Over(Box::new(ending))),
                Digest::Hungry => break,
            }
            handed_on += 1;
            if handed_on >= ENOUGH && self.reader.is_movable() {
                return Turn::More;
            }
        }
        match came {
            Came::All => Turn::Quiet,
            Came::Part => Turn::More,
            Came::End => Turn::Back(Left::Gone),
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.peer.id()
    }

    pub(super) fn stream(&self) -> &TcpStream {
        self.reader.stream()
    }

    fn hand_on(&self, message: Message) -> bool {
        trace!("connection {}: {message:?}", self.peer.id());
        self.shared.send(Event::Message(self.peer.with_message(), message))
    }

    #[expect(clippy::boxed_local, reason = "unboxed by the caller, it would lie in the caller's frame as well")]
    #[inline(never)]
    fn end(self: Box<Self>, panicked: bool) {
        let Self { peer, reader, shared, seat } = *self;
        let reason = peer.end();
        let reason = if panicked { DisconnectReason::Panicked } else { reason };
        shared.guests.leave(peer.id());
        // Nobody who is gone keeps a descriptor and a seat while the channel is full.
        drop((reader, seat));
        // The channel is gone when the server is: then nobody wants to know.
        let _ = shared.send(Event::Disconnected(peer.clone(), reason.clone()));
        report_end(&shared, &peer, &reason);
    }
}

#[inline(never)]
fn report_open(peer: &Peer) {
    debug!("connection {} from {}: open, subprotocol {:?}", peer.id(), peer.addr(), peer.protocol());
}

#[inline(never)]
fn report_end(shared: &Shared, peer: &Peer, reason: &DisconnectReason) {
    debug!("connection {} from {}: {reason}", peer.id(), peer.addr());
    let kind = match reason {
        DisconnectReason::Panicked => {
            error!("connection {} from {}: its thread panicked; please report this", peer.id(), peer.addr());
            return;
        }
        DisconnectReason::TooSlow => Kind::TooSlow,
        DisconnectReason::Silent => Kind::Silent,
        DisconnectReason::Failed { .. } => Kind::Failed,
        _ => return,
    };
    shared.ledger.note(kind, format_args!("dropped connection {} from {}: {reason}", peer.id(), peer.addr()));
}

#[cfg(test)]
pub(super) mod tests;
