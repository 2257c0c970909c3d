//! The chat's thread as a node of a cluster: what clients do goes into the stream, and what comes out of it is applied.

use super::{ChatServer, connect, http, millis};
use crate::chat::cluster::{Cluster, Entry, FromLog, Logged, Snapshot, shared_rules};
use crate::chat::protocol::{ClientMessage, Dialect, ErrorReason, ProtocolError, ServerMessage, UserId};
use crate::chat::rules::{Input, Output, Verdict};
use crate::ws::http::{Request, accepts};
use crate::ws::server::{Event, HttpRequest};
use crate::ws::{DisconnectReason, Message};
use crate::{ws::id_map::IdMap, ws::peer::Peer};
use crossbeam_channel::{RecvTimeoutError, Select, TryRecvError};
use log::{error, info};
use std::{mem, sync::Arc, time::Instant};
use tungstenite::http::header::ACCEPT;

/// The most chunks of the stream in one batch.
const MAX_CHUNKS: usize = 4;

/// 1012 is "service restart": clients connect again.
const RESTART: (u16, &str) = (1012, "this server lost the others; connect again");

const AWAY: (u16, &str) = (1013, "this server does not reach the others; try again later");

const FULL: &str = "This server does not reach the others, and too many messages wait. Wait a moment.";

impl ChatServer {
    /// Makes this server a node of a cluster. Call it after [`ChatServer::archive`]. Default: it is a chat of its own.
    ///
    /// ```no_run
    /// # use chinwag::{Server, chat::{cluster::Cluster, protocol::Dialect, rules::Rules, server::ChatServer}};
    /// let cluster = Cluster::open("redis://127.0.0.1:6379/", "node-1", Rules::default())?;
    /// let builder = ChatServer::mount(Server::builder().first_id(cluster.first_id()), "/");
    /// let server = builder.listen("127.0.0.1:6502")?.start()?;
    /// ChatServer::new(server, Rules::default(), Dialect::Json).cluster(cluster).run();
    /// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
    /// ```
    #[must_use]
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.chat.rules = shared_rules(self.chat.rules);
        self.cluster = Some(Box::new(cluster));
        // Takes the state that the cluster has.
        self.exchange();
        self
    }

    /// Waits for an event of a connection, or until the stream has entries or something is due.
    pub(super) fn wait_clustered(&self, cluster: &Cluster, until: Option<Instant>) -> Result<Event, RecvTimeoutError> {
        let mut select = Select::new();
        select.recv(self.server.events());
        select.recv(&cluster.events);
        let _ = select.ready_deadline(until.map_or(cluster.next_beat, |until| until.min(cluster.next_beat)));
        self.server.events().try_recv().map_err(|error| match error {
            TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            TryRecvError::Empty => RecvTimeoutError::Timeout,
        })
    }

    /// Appends what a client did to the stream. It is applied when the stream returns it. Returns other events, and all events
    /// if there is no cluster.
    pub(super) fn log_event(&mut self, event: Event) -> Option<Event> {
        if self.cluster.is_none() {
            return Some(event);
        }
        match event {
            Event::Connected(peer, request) => self.log_connection(peer, request),
            Event::Message(peer, message) => self.judge(&peer, &message),
            Event::Request(request) => self.log_post(*request),
            Event::Disconnected(peer, reason) => {
                self.fanout.leave(peer.id());
                self.log_departure(peer.id(), !matches!(reason, DisconnectReason::ClosedByPeer { .. }));
            }
            other => return Some(other),
        }
        None
    }

    fn log_connection(&mut self, peer: Peer, request: Box<Request>) {
        let (id, room, now) = (peer.id(), self.room_at(request.uri().path()), millis(self.started.elapsed()));
        let client = connect::client_of(&peer, self.dialect_of(&peer), &request);
        let Some(cluster) = &mut self.cluster else { return };
        if !cluster.has_place(id) {
            return self.refuse(&peer, AWAY);
        }
        cluster.gate.join(&client, now);
        cluster.queue.push(&Logged::Joined(client, room));
        cluster.joining.insert(id, (peer, request));
    }

    /// A request that posts a message. Its response comes when the stream returns the message.
    fn log_post(&mut self, request: HttpRequest) {
        let HttpRequest { id, addr, is_exempt, head, body, responder } = request;
        let room = self.room_at(head.uri().path());
        self.posts.insert(id, (responder, accepts(&head, &ACCEPT, "application/json")));
        let (bytes, now) = (self.chat.price_of_post(&room, body.len()), millis(self.started.elapsed()));
        let Some(cluster) = &mut self.cluster else { return };
        let wait = cluster.gate.charge_address((!is_exempt).then(|| addr.ip()), bytes, now);
        let error = match http::parse(&head, &body) {
            Ok(post) if wait > 0 => ProtocolError::too_fast(wait).with_nonce(post.nonce),
            Ok(post) if !cluster.has_place(id) => full().with_nonce(post.nonce),
            Ok(post) => return cluster.queue.push(&Logged::Post { id, address: Some(addr.ip()), room, post }),
            Err(error) => error,
        };
        self.posted(id, Err(error));
    }

    /// A command for all nodes. The answer of those that only read comes from this one.
    pub(super) fn log_command(&mut self, line: &str) -> Option<Result<String, String>> {
        let verb = line.split_whitespace().next().unwrap_or_default();
        self.cluster.as_ref().filter(|_| !["who", "rooms", "stats", "bans"].contains(&verb))?;
        // A copy knows whether the command is possible.
        let mut copy = self.chat.clone();
        copy.rules.archive = false;
        let outputs = copy.apply(self.now(), Input::Command(line));
        let answers =
            outputs.into_iter().filter_map(|output| if let Output::Answer(it) = output { Some(it) } else { None });
        let answer = answers.collect::<Result<String, _>>().map(|text| text + " All servers execute this now.");
        self.cluster.iter().filter(|_| answer.is_ok()).for_each(|it| it.queue.push(&Logged::Command(line.to_owned())));
        Some(answer)
    }

    /// Judges what must not enter the stream: too many messages, and those that would wait for too long. A `ping` asks for
    /// this server, which answers at once.
    fn judge(&mut self, peer: &Peer, message: &Message) {
        let (id, dialect, now) = (peer.id(), self.dialect_of(peer), millis(self.started.elapsed()));
        let Some(cluster) = &mut self.cluster else { return };
        let Some(verdict) = cluster.gate.judge(id, message.len(), now) else { return };
        let Message::Text(text) = message else { return cluster.queue.push(&Logged::Binary(id)) };
        let text = text.as_str();
        let error = match verdict {
            Verdict::Close => {
                self.fanout.close(id, 1008, "flooding");
                let _ = peer.close(1008, "flooding");
                return self.log_departure(id, true);
            }
            Verdict::Reject => ErrorReason::TooFast.into(),
            Verdict::Accept if is_ping(dialect, text) && cluster.joining.get(id).is_none() => {
                return self.fanout.send(id, &ServerMessage::Pong);
            }
            Verdict::Accept if cluster.queue.is_full() => full(),
            Verdict::Accept => return cluster.queue.push(&Logged::Text(id, text.to_owned())),
        };
        let error = ServerMessage::Error(error.with_nonce(dialect.nonce(text)));
        if cluster.joining.get(id).is_none() {
            self.fanout.send(id, &error);
        } else if let Some(text) = dialect.encode(&error) {
            peer.send(text);
        }
    }

    fn log_departure(&mut self, id: UserId, is_lost: bool) {
        let Some(cluster) = &mut self.cluster else { return };
        cluster.joining.remove(id);
        if cluster.gate.leave(id) {
            cluster.queue.push(&Logged::Left(id, is_lost));
        }
    }

    /// Applies what the stream returned, and does what is due for the other nodes.
    pub(super) fn exchange(&mut self) {
        for _ in 0..MAX_CHUNKS {
            let Some(Ok(event)) = self.cluster.as_ref().map(|cluster| cluster.events.try_recv()) else { break };
            self.receive_from_log(event);
        }
        if let Some(cluster) = &mut self.cluster {
            cluster.beat();
        }
    }

    fn receive_from_log(&mut self, event: FromLog) {
        let Some(cluster) = &mut self.cluster else { return };
        match event {
            FromLog::Entries(entries) => entries.iter().for_each(|entry| self.apply_entry(entry)),
            FromLog::State(sender) => drop(sender.send(Box::new(cluster.snapshot(&self.chat)))),
            FromLog::Restart(node, snapshot) => {
                let joining = mem::take(&mut cluster.joining);
                cluster.begin(node);
                if let Some(Snapshot { replica, chat, .. }) = snapshot.map(|snapshot| *snapshot) {
                    cluster.replica = replica;
                    self.chat = chat.with_rules(self.chat.rules);
                    self.store_memory();
                }
                self.posts = IdMap::default();
                self.fanout.close_all(RESTART);
                joining.iter().for_each(|(_, (peer, _))| self.refuse(peer, RESTART));
                self.save_restrictions();
            }
        }
    }

    fn apply_entry(&mut self, entry: &Entry) {
        let Some(cluster) = self.cluster.as_mut() else { return };
        if !cluster.accept(entry) {
            return;
        }
        let joined = match &entry.input {
            Logged::Joined(client, _) => cluster.joining.remove(client.id),
            _ => None,
        };
        let since = joined.as_ref().and_then(|(_, request)| connect::since(request));
        self.answers.clear();
        let outputs = cluster.replica.apply(&mut self.chat, entry, since);
        match &entry.input {
            Logged::Hello(_) if entry.at.node == cluster.node => {
                info!("cluster: this node has read the whole stream");
                cluster.is_current = true;
                // Some may have been deleted meanwhile.
                self.store_memory();
            }
            Logged::Renumber(_) => self.store_memory(),
            Logged::Hello(name) if entry.at.node > cluster.node && *name == cluster.name => {
                error!("another node has the name {name:?}: this one ends; give each node a --node of its own");
                self.server.handle().shut_down();
            }
            _ => {}
        }
        match joined {
            Some((peer, request)) => self.admit(peer, &request, outputs),
            None => self.apply_outputs(outputs),
        }
        if self.fanout.is_full() {
            self.flush();
        }
    }

    /// Lets the archive store what the chat has in memory.
    fn store_memory(&mut self) {
        if self.archive.is_some() {
            let messages: Vec<_> = self.chat.messages().cloned().collect();
            // First, so that all rooms are one batch.
            messages.iter().for_each(|message| self.name_log(&message.room));
            self.unstored.extend(messages);
        }
    }

    /// Tells the archive which numbering a room has, if it does not know that.
    pub(super) fn name_log(&mut self, room: &Arc<str>) {
        if let Some(log) = self.cluster.as_ref().and_then(|_| self.chat.unknown_log(room)) {
            self.store();
            self.archive.iter_mut().for_each(|archive| archive.begin(room.clone(), log.clone()));
        }
    }
}

fn full() -> ProtocolError {
    ProtocolError::new(ErrorReason::Unavailable, FULL)
}

fn is_ping(dialect: Dialect, text: &str) -> bool {
    text.contains("\"ping\"") && matches!(dialect.decode(text), Ok(ClientMessage::Ping))
}
