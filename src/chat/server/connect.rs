//! New connections: their dialect and their room, as the request says, and the last message that they received.

use super::ChatServer;
use crate::chat::protocol::{Dialect, ServerMessage, UserId};
use crate::chat::rules::{ClientInfo, Input, Output, RoomName, Since};
use crate::ws::http::{HandshakeTranscript, Request, Response, ShowedAdminToken};
use crate::{ws::Frames, ws::handshake::try_later, ws::peer::Peer};
use log::debug;
use std::time::Duration;

/// Of connections with `?slow=`.
const MAX_DELAY: Duration = Duration::from_secs(3);

impl ChatServer {
    /// For learners, a connection with `?slow=MILLISECONDS` opens and closes slowly. For
    /// [`Builder::delay`](crate::Builder::delay).
    #[must_use]
    pub fn delay(request: &Request) -> Duration {
        let asked = field(request, "slow").and_then(|delay| delay.parse().ok());
        Duration::from_millis(asked.unwrap_or(0)).min(MAX_DELAY)
    }

    pub(super) fn connect(&mut self, peer: Peer, request: &Request) {
        let room = self.room_at(request.uri().path());
        if !self.restore(&room) {
            return self.refuse(&peer, (1013, "the history does not answer; try again later"));
        }
        let client = client_of(&peer, self.dialect_of(&peer), request);
        let outputs = self.chat.apply(self.now(), Input::Joined(client, &room, since(request)));
        self.admit(peer, request, outputs);
    }

    pub(super) fn dialect_of(&self, peer: &Peer) -> Dialect {
        peer.protocol().and_then(Dialect::from_name).unwrap_or(self.default_dialect)
    }

    /// A connection has joined the chat, or the rules did not let it in.
    pub(super) fn admit(&mut self, peer: Peer, request: &Request, mut outputs: Vec<Output>) {
        let (id, dialect) = (peer.id(), self.dialect_of(&peer));
        if let [Output::Close(_, code, reason)] = outputs[..] {
            return self.refuse(&peer, (code, reason));
        }
        let Some(room) = self.chat.room_of(id) else { return };
        debug!("connection {id} uses the dialect {} and enters {:?}", dialect.name(), request.uri().path());
        if dialect.is_stream() {
            send_raw(&peer, &stream_head(dialect));
        }
        let transcript = Some(request).filter(|_| dialect == Dialect::Chinwag).and_then(HandshakeTranscript::of);
        let handshake = transcript.map(|it| (it.request.into(), it.response.into()));
        self.fanout.join(id, peer, dialect, room, handshake);
        if dialect == Dialect::Chinwag && self.chat.catching_up().all(|other| other != id) {
            // The page shows who is here before its user has a name. A client that catches up gets the list after that.
            outputs.extend(self.chat.user_list(room).map(|message| Output::Send(id, message)));
        }
        self.apply_outputs(outputs);
    }

    /// Sends a connection its own handshake, and the bytes that arrived since it was last asked for. It reads the bytes
    /// `play` as if they had arrived.
    pub(super) fn send_handshake(&mut self, id: UserId, play: &[u8]) {
        let Some((peer, Some((request, response)))) = self.fanout.peer(id) else { return };
        let (request, response, received) = (request.clone(), response.clone(), peer.inspect(play));
        self.fanout.send(id, &ServerMessage::Handshake { request, response, received });
    }

    /// Closes a connection that the rules did not let in.
    pub(super) fn refuse(&mut self, peer: &Peer, (code, reason): (u16, &str)) {
        if peer.protocol().and_then(Dialect::from_name).is_some_and(Dialect::is_stream) {
            send_raw(peer, &if code == 1013 { try_later(503, reason, 10) } else { Response::text(403, reason) });
        }
        let _ = peer.close(code, reason);
        self.metrics.refused_joins += 1;
        debug!("connection {} was not let in: {reason}", peer.id());
    }
}

pub(super) fn client_of(peer: &Peer, dialect: Dialect, request: &Request) -> ClientInfo {
    ClientInfo {
        id: peer.id(),
        dialect,
        secret: rand::random(),
        address: Some(peer.addr().ip()),
        is_exempt: peer.connection.config.is_exempt(peer.addr().ip()),
        is_admin: request.extensions().get::<ShowedAdminToken>().is_some(),
    }
}

/// The head of a stream. nginx must not buffer what follows.
pub(super) fn stream_head(dialect: Dialect) -> Response {
    Response::empty(200)
        .with("Content-Type", dialect.name())
        .with("Cache-Control", "no-store")
        .with("X-Accel-Buffering", "no")
        .with("X-Content-Type-Options", "nosniff")
}

/// Sends a response, or the head of a stream, which has no body yet.
fn send_raw(peer: &Peer, response: &Response) {
    let mut frames = Frames::new();
    frames.raw(&response.to_bytes(response.body.is_empty()));
    peer.send_frames(&frames);
}

/// The room at a path, which may have one more `/` at its end.
pub(super) fn room_at(path: &str) -> Option<RoomName> {
    RoomName::from_path(path).or_else(|| room_before_slash(path))
}

fn room_before_slash(path: &str) -> Option<RoomName> {
    RoomName::from_path(path.strip_suffix('/')?).filter(|room| *room != RoomName::lobby())
}

/// Redirects the path of a room with one more `/` to the path without it, on which the page relies. WebSocket clients do not
/// follow redirects: they enter the room.
pub(super) fn redirect(request: &Request) -> Option<Response> {
    let room = room_before_slash(request.uri().path())?;
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    // Relative, because a proxy may have removed the first part of the path.
    let path = room.to_path();
    let location = format!("../{}{query}", path.rsplit('/').next().unwrap_or_default());
    Some(Response::text(308, format!("This room is at {location}")).with("Location", location))
}

/// `Last-Event-ID`, which readers of a stream send when they reconnect, or else `?since=SEQ`, with or without `log=TOKEN`. If
/// SEQ is not a number, it is ignored.
pub(super) fn since(request: &Request) -> Option<Since<'_>> {
    let last = request.headers().get("Last-Event-ID").and_then(|value| value.to_str().ok()?.parse().ok());
    if let Some(seq) = last {
        return Some(Since { seq, log: None });
    }
    Some(Since { seq: field(request, "since")?.parse().ok()?, log: field(request, "log") })
}

/// The value of a field of the query; the last one counts if it is given twice.
pub(super) fn field<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut fields = request.uri().query()?.split('&').filter_map(|field| field.split_once('='));
    fields.rfind(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slash_after_a_room_is_redirected_and_accepted() {
        let rows = [
            ("/", Some(""), None),
            ("/room/a", Some("a"), None),
            ("/room/a/", Some("a"), Some("../a")),
            ("/room/A%20b/?since=1&x=%2F", Some("a b"), Some("../A%20b?since=1&x=%2F")),
            ("/room/a%2F/", Some("a/"), Some("../a%2F")),
            ("/room/a//", None, None),
            ("/room/", None, None),
            ("/rooms/", None, None),
            ("//", None, None),
            ("//evil.example/", None, None),
        ];
        for (target, room, location) in rows {
            let mut request = Request::new(());
            *request.uri_mut() = target.parse().expect("a target");
            let found = room_at(request.uri().path());
            assert_eq!(found.as_ref().map(|room| &**room.key()), room, "{target}");
            let response = redirect(&request);
            assert_eq!(response.as_ref().and_then(|response| response.header("Location")), location, "{target}");
        }
    }

    #[test]
    fn slow_connections_have_a_limit() {
        for (target, expected) in
            [("/", 0), ("/?slow=", 0), ("/?slow=-1", 0), ("/?slow=250", 250), ("/room/x?slow=99999", 3000)]
        {
            let mut request = Request::new(());
            *request.uri_mut() = target.parse().expect("a target");
            assert_eq!(ChatServer::delay(&request), Duration::from_millis(expected), "{target}");
        }
    }

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
