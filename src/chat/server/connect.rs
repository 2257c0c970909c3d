//! New connections: their dialect and their room, as the request says, and the last message that they received.

use super::ChatServer;
use crate::{
    chat::protocol::{Dialect, ServerMessage},
    chat::rules::{Input, Output, RoomName, Since},
    ws::http::{HandshakeTranscript, Request},
    ws::peer::Peer,
    ws::server::network,
};
use log::{debug, warn};
use std::{mem, net::IpAddr};

impl ChatServer {
    pub(super) fn connect(&mut self, peer: Peer, request: &Request) {
        let id = peer.id();
        let dialect = peer.protocol().and_then(Dialect::from_name).unwrap_or(self.default_dialect);
        // An embedding program may accept other paths, which all lead to the lobby.
        let room = RoomName::from_path(request.uri().path()).unwrap_or_else(RoomName::lobby);
        debug!("connection {id} uses the dialect {} and enters the room {:?}", dialect.name(), room.shown());
        self.restore(&room);
        let mut outputs = Vec::new();
        let address = address(&peer);
        let joined = Input::Joined { id, dialect, room: &room, since: since(request), address };
        self.chat.apply(self.now(), joined, &mut outputs);
        match self.chat.room_of(id) {
            Some(room) => {
                self.fanout.join(id, peer, dialect, room);
                let transcript = request.extensions().get().filter(|_| dialect == Dialect::Chinwag);
                if let Some(HandshakeTranscript { request, response }) = transcript {
                    let (request, response) = (request.as_str().into(), response.as_str().into());
                    self.handshakes.insert(id, ServerMessage::Handshake { request, response });
                }
                self.rooms_changed = true;
                self.apply_outputs(outputs);
            }
            None => self.refuse(&peer, &outputs),
        }
    }

    /// Closes a connection that the rules did not let in. The log says so once a second at most.
    fn refuse(&mut self, peer: &Peer, outputs: &[Output]) {
        let Some(Output::Close { code, reason, .. }) = outputs.first() else { return };
        peer.close(*code, reason);
        self.refusals += 1;
        if self.refusal_log.allow(self.now().uptime, 1000, 1) {
            let (id, count) = (peer.id(), mem::take(&mut self.refusals));
            warn!("connection {id} was not let in: {reason} ({count} refused since the last line like this)");
        }
    }
}

/// What the rate per address counts. Loopback has no such rate: a proxy may be there, and all its clients.
fn address(peer: &Peer) -> Option<u128> {
    let network = Some(network(peer.addr().ip())).filter(|network| !network.is_loopback())?;
    Some(match network {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    })
}

/// `?since=SEQ`, with or without `log=TOKEN`. If SEQ is not a number, it is ignored.
fn since(request: &Request) -> Option<Since<'_>> {
    let query = request.uri().query()?;
    let seq = field(query, "since")?.parse().ok()?;
    Some(Since { seq, log: field(query, "log") })
}

/// The value of a field; the last one counts if it is given twice.
fn field<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = query.split('&').filter_map(|field| field.split_once('='));
    fields.rfind(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_and_log_are_parsed() {
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
