//! Newcomers: where their requests say that they want to go, and the way in.
//!
//! Owns the path and the query of the chat. What the path may be was settled in the handshake.

use super::{ChatServer, handshake};
use crate::{
    chat::protocol::Dialect,
    chat::rules::{Input, Output, RoomName, Since},
    ws::http::Request,
    ws::peer::Peer,
};
use log::{debug, warn};
use std::time::{Duration, Instant};

impl ChatServer {
    pub(super) fn joined(&mut self, peer: Peer, request: &Request) {
        let dialect = match peer.protocol() {
            Some(name) => Dialect::from_name(name).unwrap_or(self.default_dialect),
            None => self.default_dialect,
        };
        let (id, room) = (peer.id(), room(request));
        debug!("connection {id} speaks {}, and enters {:?}", dialect.name(), room.shown());
        self.restore(&room);
        let joined = Input::Joined { id, dialect, room: &room, since: since(request) };
        self.chat.apply(self.now(), joined, &mut self.outputs);
        if self.chat.room_of(id).is_none() {
            return self.turn_away(&peer);
        }
        self.fanout.join(peer, dialect);
        if dialect == Dialect::Chinwag {
            self.handshakes.extend(request.extensions().get().map(|seen| (id, handshake(seen))));
        }
        self.rooms_changed = true;
        self.perform();
    }

    /// The rules did not let it in.
    fn turn_away(&mut self, peer: &Peer) {
        for output in self.outputs.drain(..) {
            if let Output::Close { code, reason, .. } = output {
                peer.close(code, reason);
                self.refused.1 += 1;
                let (last, count) = self.refused;
                if last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1)) {
                    warn!("connection {} was not let in: {reason} ({count} since this was said last)", peer.id());
                    self.refused = (Some(Instant::now()), 0);
                }
            }
        }
    }
}

/// The room at the request's path. A program that lets clients in at other paths has one room there, the lobby.
fn room(request: &Request) -> RoomName {
    RoomName::from_path(request.uri().path()).unwrap_or_else(RoomName::lobby)
}

/// `?since=SEQ` and, beside it, `log=TOKEN`. What is no number is not there.
fn since(request: &Request) -> Option<Since<'_>> {
    let query = request.uri().query()?;
    let seq = field(query, "since")?.parse().ok()?;
    Some(Since { seq, log: field(query, "log") })
}

/// Given twice, the last one counts.
fn field<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = query.split('&').filter_map(|field| field.split_once('='));
    fields.rfind(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_and_log_are_found() {
        let both = |seq, log| Some(Since { seq, log });
        let rows = [
            ("/", None),
            ("/?", None),
            ("/?since=5", both(5, None)),
            ("/room/x?since=0&log=ab1", both(0, Some("ab1"))),
            ("/?log=ab1&token=y&since=7", both(7, Some("ab1"))),
            ("/?since=1&since=2", both(2, None)),
            ("/?log=ab1", None),
            ("/?since=", None),
            ("/?since=-1", None),
            ("/?since=x&log=a", None),
            ("/?since=18446744073709551615", both(u64::MAX, None)),
            ("/?since=18446744073709551616", None),
            ("/?xsince=1", None),
        ];
        for (target, expected) in rows {
            let mut request = Request::new(());
            *request.uri_mut() = target.parse().expect("a target");
            assert_eq!(since(&request), expected, "{target}");
        }
    }
}
