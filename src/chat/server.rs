//! The chat on a server: one thread turns events into inputs of the rules, and their outputs into frames for the clients.
//!
//! It works in batches. A batch takes the events that wait, up to a limit, stores what has to be stored, and then makes one write for
//! each client.

mod admin;
mod archive;
#[cfg(feature = "cluster")]
mod clustered;
mod connect;
mod fanout;
mod http;
mod metrics;
mod moderation;
mod mount;

use crate::chat::protocol::{Dialect, Millis, StoredMessage, UserId};
use crate::chat::rules::{Chat, Input, Now, Output, Rules};
use crate::ws::http::Response;
use crate::ws::server::{CloseGuard, Event, Responder, Server};
use crate::ws::{DisconnectReason, Message, id_map::IdMap};
use crossbeam_channel::RecvTimeoutError;
use fanout::Fanout;
use log::{debug, info};
use metrics::Metrics;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

pub use admin::{Admin, Job};
pub use archive::Archive;
pub use moderation::BanFile;

/// The most events that are received before a flush or a wait. A larger batch costs less per delivery; a smaller one has less
/// latency.
const MAX_BATCH_EVENTS: usize = 256;

/// After a flush that took at least this long, the chat waits as long as the flush took. So large rooms get fewer and larger
/// writes under load: 1000 members with 150 messages a second cost 30 % less CPU time. With 1 ms, the pauses would cost a room
/// of 128 members that answer each other 40 % of its throughput.
const MIN_PACED_FLUSH: Duration = Duration::from_millis(3);

/// The longest pause after a slow flush.
const MAX_PAUSE: Duration = Duration::from_millis(100);

/// While several members talk, a batch waits this long for more messages, or until each member has sent one. Without it, a crowd of
/// 32 that answers each other gets two thirds of the throughput.
const BATCH_DELAY: Duration = Duration::from_micros(60);

/// How often the chat checks whether clients that catch up have received their last part.
const CATCH_UP_INTERVAL: Duration = Duration::from_millis(10);

/// A chat on a server.
///
/// The program `chinwag` without its flags:
///
/// ```no_run
/// use chinwag::{Server, chat::rules::Rules, chat::server::ChatServer, chat::protocol::Dialect};
///
/// fn main() -> Result<(), chinwag::Error> {
///     let server = Server::builder()
///         .protocols(ChatServer::protocols())
///         .endpoint(ChatServer::is_endpoint)
///         .route(ChatServer::route)
///         .site(ChatServer::site)
///         .listen("127.0.0.1:6502")?
///         .start()?;
///     ChatServer::new(server, Rules::default(), Dialect::Json).run();
///     Ok(())
/// }
/// ```
///
/// [`Admin`] has an example for operators, and [`ChatServer::mount`] one for a chat beside other services.
#[derive(Debug)]
pub struct ChatServer {
    server: Server,
    /// Where it is mounted.
    path: &'static str,
    chat: Chat,
    fanout: Fanout,
    default_dialect: Dialect,
    /// The start of the uptime.
    started: Instant,
    /// How long the last flush took.
    flush_time: Duration,
    /// Who sent the messages of this batch.
    senders: Vec<UserId>,
    /// Whether the last batch with messages had several senders.
    several_talked: bool,
    /// The guards that delay the replies to Close frames until the batch is sent.
    close_guards: Vec<CloseGuard>,
    /// Requests that post a message which the rules have not answered, and whether they want JSON.
    posts: IdMap<UserId, (Responder, bool)>,
    /// The responses of this batch, which wait until it is stored.
    responses: Vec<(Responder, Response)>,
    archive: Option<Box<dyn Archive>>,
    /// Messages of this batch that the archive does not have yet.
    unstored: Vec<StoredMessage>,
    #[cfg(feature = "cluster")]
    cluster: Option<Box<crate::chat::cluster::Cluster>>,
    bans: Option<BanFile>,
    /// Of the command that is being executed.
    answers: Vec<Result<String, String>>,
    metrics: Metrics,
}

impl ChatServer {
    /// A chat with these rules. Clients that name no subprotocol get `default_dialect`.
    #[must_use]
    pub fn new(server: Server, rules: Rules, default_dialect: Dialect) -> Self {
        Self {
            server,
            path: "/",
            // A random prefix, so that two processes never use the same log ids.
            chat: Chat::new(rules, rand::random()),
            fanout: Fanout::default(),
            default_dialect,
            started: Instant::now(),
            flush_time: Duration::ZERO,
            senders: Vec::new(),
            several_talked: false,
            close_guards: Vec::new(),
            posts: IdMap::default(),
            responses: Vec::new(),
            archive: None,
            unstored: Vec::new(),
            #[cfg(feature = "cluster")]
            cluster: None,
            bans: None,
            answers: Vec::new(),
            metrics: Metrics::default(),
        }
    }

    /// Adds an archive. A message to a room is stored in it before any client receives the message. Default: none; messages end
    /// with the process.
    ///
    /// ```no_run
    /// # #[cfg(feature = "history")] {
    /// # use chinwag::{Server, chat::{history::{History, Settings}, protocol::Dialect, rules::Rules, server::ChatServer}};
    /// let history = History::open(&Settings::new("chat.sqlite"))?;
    /// let builder = ChatServer::mount(Server::builder().first_id(history.first_id()), "/");
    /// let server = builder.listen("127.0.0.1:6502")?.start()?;
    /// ChatServer::new(server, Rules::default(), Dialect::Json).archive(Box::new(history)).run();
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn archive(mut self, archive: Box<dyn Archive>) -> Self {
        self.chat.rules.archive = true;
        self.archive = Some(archive);
        self
    }

    /// Runs the chat on this thread until the server is shut down and all connections have ended.
    pub fn run(mut self) {
        while self.run_batch() {}
        self.store();
        #[cfg(feature = "cluster")]
        self.cluster.iter().for_each(|cluster| cluster.close());
        info!("all connections have ended");
    }

    /// Returns false if there will be no more events.
    fn run_batch(&mut self) -> bool {
        match self.wait() {
            Ok(event) => self.receive(event),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        self.receive_waiting();
        let deadline = Instant::now() + BATCH_DELAY;
        while self.expects_more() {
            let Ok(event) = self.server.events().recv_deadline(deadline) else { break };
            self.receive(event);
            self.receive_waiting();
        }
        self.tick();
        if self.flush_time >= MIN_PACED_FLUSH {
            thread::sleep(self.flush_time.min(MAX_PAUSE));
        }
        true
    }

    /// Whether other members are likely to send a message as well.
    fn expects_more(&self) -> bool {
        let talk = are_several(&self.senders) || self.several_talked && !self.senders.is_empty();
        talk && self.senders.len() < self.fanout.members() && !self.fanout.is_full()
    }

    /// Waits for an event, or until something else is due.
    fn wait(&self) -> Result<Event, RecvTimeoutError> {
        let deadline = self.next_tick();
        #[cfg(feature = "cluster")]
        if let Some(cluster) = &self.cluster {
            return self.wait_clustered(cluster, deadline);
        }
        match deadline {
            None => self.server.events().recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(deadline) => self.server.events().recv_deadline(deadline),
        }
    }

    /// Takes the events that wait. What arrives during a flush makes the next batch larger.
    fn receive_waiting(&mut self) {
        for _ in 0..MAX_BATCH_EVENTS {
            if self.fanout.is_full() {
                return;
            }
            let Ok(event) = self.server.events().try_recv() else { return };
            self.receive(event);
        }
    }

    fn receive(&mut self, event: Event) {
        #[cfg(feature = "cluster")]
        let Some(event) = self.log_event(event) else { return };
        match event {
            Event::Connected(peer, request) => self.connect(peer, &request),
            Event::Message(peer, message) => {
                self.senders.push(peer.id());
                match &message {
                    Message::Text(text) => self.apply(Input::Text(peer.id(), text.as_str())),
                    Message::Binary(_) => self.apply(Input::Binary(peer.id())),
                }
            }
            Event::Request(request) => self.receive_post(*request),
            Event::Closing(_, guard) => self.close_guards.push(guard),
            Event::Own(question) => self.answer(question),
            Event::Disconnected(peer, reason) => {
                let is_lost = !matches!(reason, DisconnectReason::ClosedByPeer { .. });
                self.fanout.leave(peer.id());
                self.apply(Input::Left(peer.id(), is_lost));
            }
        }
    }

    fn apply(&mut self, input: Input<'_>) {
        let outputs = self.chat.apply(self.now(), input);
        self.apply_outputs(outputs);
    }

    fn apply_outputs(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            self.metrics.count(&output);
            match output {
                Output::Send(to, message) => self.fanout.send(to, &message),
                Output::Broadcast(room, message, except) => self.fanout.broadcast(room, &message, except),
                Output::Subscribe(id) => self.fanout.subscribe(id),
                Output::Unsubscribe(id) => self.fanout.unsubscribe(id),
                Output::Store(message) => self.keep(message),
                Output::Load { id, room, after, up_to, bytes } => self.load(id, &room, after..up_to, bytes),
                Output::Erase(by, erasure) => self.erase(by, erasure),
                Output::Posted(id, result) => self.posted(id, result),
                Output::Answer(answer) => self.answers.push(answer),
                Output::Restricted => self.save_restrictions(),
                Output::Executed(line) => info!("{line}"),
                Output::SendHandshake(to, play) => self.send_handshake(to, &play),
                Output::Cut(id) => self.fanout.peer(id).into_iter().for_each(|(peer, _)| peer.cut()),
                Output::Close(id, code, reason) => {
                    // What was sent to it before leaves with the Close frame, and must be stored before that.
                    self.store();
                    self.fanout.close(id, code, reason);
                }
            }
        }
    }

    fn flush(&mut self) {
        self.store();
        let begin = Instant::now();
        // Everything in the rooms' logs was sent now: from here on, these receive what follows from the logs.
        for id in self.fanout.flush() {
            debug!("connection {id} is behind");
            self.apply(Input::Behind(id));
        }
        if !self.senders.is_empty() {
            self.several_talked = are_several(&self.senders);
            self.senders.clear();
        }
        self.flush_time = begin.elapsed();
        self.metrics.flushed(self.flush_time);
        self.close_guards.clear();
        self.respond();
    }

    fn now(&self) -> Now {
        #[cfg(feature = "cluster")]
        if let Some(cluster) = &self.cluster {
            return Now { uptime: cluster.time(), date: cluster.time() };
        }
        Now { uptime: millis(self.started.elapsed()), date: wall_clock() }
    }
}

fn are_several(senders: &[UserId]) -> bool {
    senders.iter().any(|id| *id != senders[0])
}

/// Milliseconds since 1970, by the system's clock, which may be wrong.
pub(in crate::chat) fn wall_clock() -> Millis {
    millis(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default())
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}
