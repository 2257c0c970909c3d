//! The chat's thread as a node of a cluster: what clients do goes into the stream, and what comes out of it is applied.

use super::{ChatServer, connect, http, millis};
use crate::{
    chat::cluster::{Cluster, Entry, FromLog, Logged, NodeId, Snapshot, Waiting, shared_rules},
    chat::protocol::{ClientMessage, Dialect, ErrorReason, ProtocolError, ServerMessage, UserId},
    chat::rules::{Input, Output, Verdict},
    ws::http::accepts,
    ws::id_map::IdMap,
    ws::peer::Peer,
    ws::server::{Event, HttpRequest},
    ws::{DisconnectReason, Message},
};
use crossbeam_channel::{RecvTimeoutError, Select, TryRecvError};
use log::{error, info};
use std::{mem, time::Instant};

/// The most chunks of the stream in one batch.
const MAX_CHUNKS: usize = 4;

/// The longest message that may be a `ping`. Longer ones go through the stream.
const MAX_PING: usize = 64;

/// 1012 is "service restart": clients connect again.
const RESTART: (u16, &str) = (1012, "this server lost the others; connect again");

const AWAY: (u16, &str) = (1013, "this server does not reach the others; try again later");

const FULL: &str = "This server does not reach the others, and too many messages wait. Wait a moment.";

impl ChatServer {
    /// Makes this server a node of a cluster. It must not have an archive.
    #[must_use]
    pub fn cluster(mut self, mut cluster: Cluster) -> Self {
        self.rules = shared_rules(self.rules);
        if let Some(start) = cluster.start.take() {
            self.chat = start.chat.with_rules(self.rules);
        }
        self.cluster = Some(Box::new(cluster));
        self
    }

    /// Waits for an event of a connection, or until the stream has entries or something is due.
    pub(super) fn wait_clustered(&self, cluster: &Cluster, until: Option<Instant>) -> Result<Event, RecvTimeoutError> {
        let deadline = until.map_or(cluster.next_beat, |until| until.min(cluster.next_beat));
        let mut select = Select::new();
        let events = select.recv(self.server.events());
        select.recv(&cluster.events);
        match select.ready_deadline(deadline) {
            Ok(index) if index == events => self.server.events().try_recv().map_err(|error| match error {
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
                TryRecvError::Empty => RecvTimeoutError::Timeout,
            }),
            _ => Err(RecvTimeoutError::Timeout),
        }
    }

    /// What a client did. It is applied when the stream returns it.
    pub(super) fn receive_clustered(&mut self, event: Event) {
        match event {
            Event::Connected(peer, request) => {
                let (id, dialect) = (peer.id(), self.dialect_of(&peer));
                let now = millis(self.started.elapsed());
                let room = self.room_at(request.uri().path());
                let Some(cluster) = &mut self.cluster else { return };
                if !cluster.owns(id) || cluster.is_full() {
                    return self.refuse(&peer, &[close(id, AWAY)]);
                }
                let client = connect::client_of(&peer, &request);
                cluster.gate.join(id, client.address.filter(|_| !client.is_exempt), now);
                let secret = rand::random();
                let joined = Input::Joined { id, dialect, room: &room, since: None, secret, client };
                cluster.outbox.append_input(&joined);
                cluster.outbox.joining.insert(id, (peer, request));
            }
            Event::Message(peer, message) => self.judge(&peer, &message),
            Event::Request(request) => self.log_post(*request),
            Event::Own(question) => self.answer(question),
            Event::Closing(_, guard) => {
                let Some(cluster) = &mut self.cluster else { return };
                cluster.outbox.wait(Waiting::Close(guard));
            }
            Event::Disconnected(peer, reason) => {
                self.fanout.leave(peer.id());
                self.log_departure(peer.id(), !matches!(reason, DisconnectReason::ClosedByPeer { .. }));
            }
        }
    }

    /// A request that posts a message. Its response comes when the stream returns the message.
    fn log_post(&mut self, request: HttpRequest) {
        let HttpRequest { id, addr, is_exempt, head, body, responder } = request;
        let (room, as_json) = (self.room_at(head.uri().path()), accepts(&head, "application/json"));
        let (bytes, now) = (self.chat.price_of_post(&room, body.len()), millis(self.started.elapsed()));
        let Some(cluster) = &mut self.cluster else { return };
        let is_allowed = cluster.gate.allow_address((!is_exempt).then(|| addr.ip()), bytes, now);
        let error = match http::parse(&head, &body) {
            Ok(post) if !is_allowed => ProtocolError::from(ErrorReason::TooFast).with_nonce(post.nonce),
            Ok(post) if !cluster.owns(id) || cluster.is_full() => full().with_nonce(post.nonce),
            Ok(post) => {
                cluster.outbox.append(Logged::Post { id, address: Some(addr.ip()), room, post });
                cluster.outbox.posts.insert(id, (responder, as_json));
                return;
            }
            Err(error) => error,
        };
        self.responses.push((responder, http::response(Err(error), as_json)));
    }

    /// A command for all nodes. The answer of those that only read comes from this one.
    pub(super) fn log_command(&mut self, line: &str) -> Option<Result<String, String>> {
        let verb = line.split_whitespace().next().unwrap_or_default();
        let cluster = self.cluster.as_mut().filter(|_| !["who", "rooms", "stats", "bans"].contains(&verb))?;
        cluster.outbox.append_input(&Input::Command(line));
        Some(Ok("All servers execute this now.".to_owned()))
    }

    /// Judges what must not enter the stream: too many messages, and those that would wait for too long. A `ping` asks for
    /// this server.
    fn judge(&mut self, peer: &Peer, message: &Message) {
        let (id, dialect, now) = (peer.id(), self.dialect_of(peer), millis(self.started.elapsed()));
        let Some(cluster) = &mut self.cluster else { return };
        let Some(verdict) = cluster.gate.judge(id, message.len(), now) else { return };
        let Message::Text(text) = message else { return cluster.outbox.append_input(&Input::Binary { id }) };
        let text = text.as_str();
        let error = match verdict {
            Verdict::Close => {
                self.fanout.close(id, 1008, "flooding");
                let _ = peer.close(1008, "flooding");
                return self.log_departure(id, true);
            }
            Verdict::Reject => ErrorReason::TooFast.into(),
            Verdict::Accept if is_ping(dialect, text) => return cluster.outbox.wait(Waiting::Pong(id)),
            Verdict::Accept if cluster.is_full() => full(),
            Verdict::Accept => return cluster.outbox.append_input(&Input::Text { id, text }),
        };
        let error = ServerMessage::Error(error.with_nonce(dialect.nonce(text)));
        if let Some(text) = dialect.encode(&error) {
            peer.send(text);
        }
    }

    fn log_departure(&mut self, id: UserId, is_lost: bool) {
        let Some(cluster) = &mut self.cluster else { return };
        cluster.outbox.joining.remove(id);
        if cluster.gate.leave(id) {
            cluster.outbox.append_input(&Input::Left { id, is_lost });
        }
    }

    /// Applies what the stream returned, and appends what this batch adds to it.
    pub(super) fn exchange(&mut self) {
        for _ in 0..MAX_CHUNKS {
            let Some(Ok(event)) = self.cluster.as_ref().map(|cluster| cluster.events.try_recv()) else { break };
            self.receive_from_log(event);
        }
        while let Some(due) = self.cluster.as_mut().and_then(|cluster| cluster.take_due()) {
            match due {
                Waiting::Pong(id) => self.fanout.send(id, &ServerMessage::Pong),
                Waiting::Close(guard) => self.close_guards.push(guard),
            }
        }
        let Some(cluster) = &mut self.cluster else { return };
        if cluster.wants_snapshot() {
            cluster.store(cluster.snapshot(&self.chat));
        }
        cluster.beat();
        cluster.flush();
    }

    fn receive_from_log(&mut self, event: FromLog) {
        let Some(cluster) = &mut self.cluster else { return };
        match event {
            FromLog::Entries(entries) => entries.iter().for_each(|entry| self.apply_entry(entry)),
            FromLog::Away => cluster.set_away(true),
            FromLog::Back => cluster.set_away(false),
            FromLog::State(sender) => drop(sender.send(Box::new(cluster.snapshot(&self.chat)))),
            FromLog::Reset(snapshot) => self.reset(*snapshot),
            FromLog::Node(node) => {
                cluster.begin(node);
                if self.stale.is_some() {
                    cluster.outbox.append(Logged::Renumber { prefix: rand::random() });
                }
            }
        }
    }

    fn apply_entry(&mut self, entry: &Entry) {
        let Some(cluster) = &mut self.cluster else { return };
        let (is_accepted, is_own) = (cluster.replica.accept(entry), entry.at.node == cluster.outbox.node);
        cluster.note_read(entry);
        if is_accepted {
            entry.inputs.iter().for_each(|input| self.apply_logged(entry.at.node, input));
        }
        // Clients that connect again now find the new names of the numberings.
        let is_renumbered = |input: &Logged| matches!(input, Logged::Renumber { .. });
        if is_own && entry.inputs.iter().any(is_renumbered) {
            self.stale.take().iter_mut().for_each(|stale| stale.close_all(RESTART));
        }
        if self.fanout.is_full() {
            self.flush();
        }
    }

    fn apply_logged(&mut self, node: NodeId, input: &Logged) {
        let Some(cluster) = &mut self.cluster else { return };
        let joined = match input {
            Logged::Joined { id, .. } => cluster.outbox.joining.remove(*id),
            _ => None,
        };
        let since = joined.as_ref().and_then(|(_, request)| connect::since(request));
        self.answers.clear();
        let mut outputs = Vec::new();
        let posted = cluster.replica.apply(&mut self.chat, node, input, since, &mut outputs);
        match input {
            Logged::Text { id, .. } => self.senders.push(*id),
            Logged::Post { id, .. } => {
                if let Some((result, (responder, as_json))) = posted.zip(cluster.outbox.posts.remove(id)) {
                    self.responses.push((responder, http::response(result, as_json)));
                }
                self.rooms_changed = true;
            }
            Logged::Snapshot { at } => cluster.note_snapshot(at),
            Logged::Gone { node } if *node == cluster.outbox.node => self.lose_connections(),
            Logged::Hello { name } if cluster.is_replaced(node, name) => {
                error!("another node has the name {name:?}: this one ends; give each node a --node of its own");
                cluster.end();
                self.server.handle().shut_down();
            }
            _ => self.rooms_changed = true,
        }
        match joined {
            Some((peer, request)) => self.admit(peer, &request, outputs),
            None => self.apply_outputs(outputs),
        }
    }

    /// The others have seen nothing of this node for too long: for them its connections are lost.
    fn lose_connections(&mut self) {
        info!("cluster: this node was gone for the others; its clients connect again");
        self.fanout.close_all(RESTART);
        self.refuse_joining();
        self.cluster.iter_mut().for_each(|cluster| cluster.renew());
    }

    /// Continues with another state. The clients are closed when the stream has the new names of the numberings: before that,
    /// another node could continue a numbering for them that is not theirs.
    fn reset(&mut self, snapshot: Snapshot) {
        let stale = mem::take(&mut self.fanout);
        self.stale.replace(stale).iter_mut().for_each(|stale| stale.close_all(RESTART));
        self.refuse_joining();
        let Some(cluster) = &mut self.cluster else { return };
        cluster.end();
        cluster.note_snapshot(&snapshot.replica.position.id);
        cluster.replica = snapshot.replica;
        self.chat = snapshot.chat.with_rules(self.rules);
        self.rooms_changed = true;
    }

    fn refuse_joining(&mut self) {
        let joining = self.cluster.as_mut().map(|cluster| mem::take(&mut cluster.outbox.joining));
        for (peer, _) in joining.into_iter().flat_map(IdMap::into_values) {
            self.refuse(&peer, &[close(peer.id(), RESTART)]);
        }
    }

    /// Leaves the cluster.
    pub(super) fn close_cluster(&mut self) {
        self.cluster.iter_mut().for_each(|cluster| cluster.close());
    }
}

fn full() -> ProtocolError {
    ProtocolError::new(ErrorReason::Unavailable, FULL)
}

fn is_ping(dialect: Dialect, text: &str) -> bool {
    dialect == Dialect::Chinwag && text.len() <= MAX_PING && matches!(dialect.decode(text), Ok(ClientMessage::Ping))
}

fn close(id: UserId, (code, reason): (u16, &'static str)) -> Output {
    Output::Close { id, code, reason }
}
