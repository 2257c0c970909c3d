//! A WebSocket's life: `Connected` first, then its messages, `Disconnected` once and last, a panic included.
//!
//! Owns what belongs to it, so that another thread than that of the handshake can go on with it. Knows no threads.

use super::{
    Event, Shared,
    ledger::Kind,
    opening::Opened,
    seats::Seat,
    visits::{MOMENT, WHOLE},
};
use crate::{
    connection::{Connection, FarEnd, Parts, Reader, Reason, Role, SPACE},
    http::Request,
    peer::Peer,
};
use log::{debug, error, trace};
use std::{
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// One that has begun, and has to be [`run`](Life::run).
pub(super) struct Life {
    peer: Peer,
    reader: Reader,
    shared: Arc<Shared>,
    seat: Seat,
}

impl Life {
    /// From the end of the handshake on.
    #[expect(clippy::boxed_local, reason = "unboxed by the caller, it would lie in the caller's frame as well")]
    #[inline(never)]
    pub(super) fn begin(
        id: u64,
        stream: Arc<TcpStream>,
        opened: Box<Opened>,
        seat: Seat,
        shared: &Arc<Shared>,
    ) -> Box<Self> {
        let Opened { addr, request, protocol, input, session } = *opened;
        let (config, drain) = (Arc::clone(&shared.config), Arc::clone(&shared.drain));
        let far_end = FarEnd { id, addr, protocol };
        let (connection, reader) =
            Connection::new(Parts { far_end, role: Role::Server, stream, session, input, config, drain });
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

    /// The first messages, for a moment. `None`: that was all, it is gone.
    pub(super) fn visit(mut self: Box<Self>) -> Option<Box<Self>> {
        self.reader.visit(MOMENT, WHOLE);
        let panicked = self.pump();
        if !panicked && self.reader.stays() {
            return Some(self);
        }
        self.end(panicked);
        None
    }

    /// Messages, to the end.
    pub(super) fn run(mut self: Box<Self>) {
        let panicked = self.pump();
        self.end(panicked);
    }

    /// Messages, as long as the reader has some. True: it panicked.
    fn pump(&mut self) -> bool {
        catch_unwind(AssertUnwindSafe(|| pump(&self.peer, &mut self.reader, &self.shared))).is_err()
    }

    #[expect(clippy::boxed_local, reason = "unboxed by the caller, it would lie in the caller's frame as well")]
    #[inline(never)]
    fn end(self: Box<Self>, panicked: bool) {
        let Self { peer, reader, shared, seat } = *self;
        let reason = peer.end();
        let reason = if panicked { Reason::Panicked } else { reason };
        shared.guests.leave(peer.id());
        // Nobody who is gone keeps a descriptor and a seat while the channel is full.
        drop((reader, seat));
        // The channel is gone when the server is: then nobody wants to know.
        let _ = shared.send(Event::Disconnected(peer.clone(), reason.clone()));
        report_end(&shared, &peer, &reason);
    }
}

/// Messages, from the socket into the central channel. When the channel is full this waits, thus does not read, thus
/// TCP slows the client down.
#[inline(never)]
fn pump(peer: &Peer, reader: &mut Reader, shared: &Shared) {
    let mut space = [0; SPACE];
    while let Some(message) = reader.next(&mut space) {
        trace!("connection {}: {message:?}", peer.id());
        if !shared.send(Event::Message(peer.with_message(), message)) {
            return;
        }
    }
}

#[inline(never)]
fn report_open(peer: &Peer) {
    debug!("connection {} from {}: open, subprotocol {:?}", peer.id(), peer.addr(), peer.protocol());
}

#[inline(never)]
fn report_end(shared: &Shared, peer: &Peer, reason: &Reason) {
    debug!("connection {} from {}: {reason}", peer.id(), peer.addr());
    let kind = match reason {
        Reason::Panicked => {
            error!("connection {} from {}: its thread panicked; please report this", peer.id(), peer.addr());
            return;
        }
        Reason::TooSlow => Kind::TooSlow,
        Reason::Silent => Kind::Silent,
        Reason::Failed { .. } => Kind::Failed,
        _ => return,
    };
    shared.ledger.note(kind, format_args!("dropped connection {} from {}: {reason}", peer.id(), peer.addr()));
}

#[cfg(test)]
mod tests;
