//! The dispatch thread: events become inputs of the rules, their outputs become frames for peers.
//!
//! Owns the clocks and the batch. Knows both the server and the chat, which know nothing of each other.

mod fanout;
mod patience;

use crate::{
    chat::{Chat, Input, Now, Output, Rules},
    connection::Message,
    http::{Exchange, Request},
    peer::Peer,
    protocol::{Dialect, Millis, Notice, UserId},
    server::{Event, Server},
};
use crossbeam_channel::RecvTimeoutError;
use fanout::Fanout;
use log::{debug, info};
use patience::{MOMENT, Patience};
use std::{
    collections::HashMap,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Events taken in one batch, which ends before that when it is large. More make a delivery cheaper, fewer make the first
/// one earlier.
const BATCH: usize = 256;

/// A chat on a server.
///
/// The program `chinwag`, less its flags:
///
/// ```no_run
/// use chinwag::{Server, chat::Rules, chat_server::ChatServer, pages, protocol::Dialect};
///
/// fn main() -> Result<(), chinwag::Error> {
///     let server = Server::builder()
///         .protocols(ChatServer::protocols())
///         .endpoint(|path| path == "/")
///         .site(pages::respond)
///         .listen("127.0.0.1:6502")?
///         .start()?;
///     ChatServer::new(server, Rules::default(), Dialect::Json).run();
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct ChatServer {
    server: Server,
    chat: Chat,
    /// When it began: from here on its uptime counts.
    began: Instant,
    fanout: Fanout,
    default_dialect: Dialect,
    outputs: Vec<Output>,
    patience: Patience,
    /// What connections may ask to see.
    handshakes: HashMap<UserId, Notice>,
    /// Whose messages are in this batch: they are dealt with when it has been sent.
    heard: Vec<Peer>,
}

impl ChatServer {
    /// The subprotocols that a chat's server must know: give them to [`Builder::protocols`](crate::Builder::protocols).
    pub fn protocols() -> impl Iterator<Item = &'static str> {
        Dialect::ALL.into_iter().map(Dialect::name)
    }

    /// A chat with these rules. Clients that name no subprotocol speak `default_dialect`.
    pub fn new(server: Server, rules: Rules, default_dialect: Dialect) -> Self {
        Self {
            server,
            chat: Chat::new(rules),
            began: Instant::now(),
            fanout: Fanout::default(),
            default_dialect,
            outputs: Vec::new(),
            patience: Patience::default(),
            handshakes: HashMap::new(),
            heard: Vec::new(),
        }
    }

    /// Runs the chat on this thread, until the server is shut down and everybody has left.
    pub fn run(mut self) {
        while self.batch() {}
        info!("everybody has left");
    }

    /// Waits for an event, takes all that came meanwhile, and sends what follows. False: there will be no more.
    fn batch(&mut self) -> bool {
        match self.wait() {
            Ok(event) => self.take(event),
            Err(RecvTimeoutError::Timeout) => self.apply(Input::Tick),
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        self.gather();
        self.fanout.flush();
        self.heard.clear();
        true
    }

    fn wait(&self) -> Result<Event, RecvTimeoutError> {
        match self.chat.next_tick() {
            None => self.server.events().recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(tick) => {
                let wait = Duration::from_millis(tick.saturating_sub(self.now().uptime));
                self.server.events().recv_timeout(wait)
            }
        }
    }

    /// Makes the batch as large as it gets at once, and larger while a moment's wait is likely to pay.
    fn gather(&mut self) {
        let mut size = 1 + self.take_waiting(BATCH);
        let mut more = size;
        while more > 0 && self.would_gain(size) {
            thread::sleep(MOMENT);
            more = self.take_waiting(BATCH - size);
            self.patience.learn(more > 0);
            size += more;
        }
        self.patience.sent(size);
    }

    /// Would a batch of that size cost less, for each delivery, if it were larger, and is it likely to become so?
    fn would_gain(&mut self, size: usize) -> bool {
        size < BATCH && !self.fanout.is_full() && self.fanout.len() > 1 && self.patience.try_it(size)
    }

    /// Takes what waits, and says how much it was. When nothing does, lets others run once before it believes that:
    /// readers that are about to say something make this batch larger, and thus every delivery cheaper.
    fn take_waiting(&mut self, most: usize) -> usize {
        let mut asked = false;
        let mut taken = 0;
        while taken < most && !self.fanout.is_full() {
            match self.server.events().try_recv() {
                Ok(event) => {
                    asked = false;
                    taken += 1;
                    self.take(event);
                }
                Err(_) if asked => break,
                Err(_) => {
                    asked = true;
                    thread::yield_now();
                }
            }
        }
        taken
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Connected(peer, request) => self.joined(peer, &request),
            Event::Message(peer, message) => self.heard(peer, &message),
            Event::Disconnected(peer, _) => {
                self.handshakes.remove(&peer.id());
                self.fanout.leave(peer.id());
                self.apply(Input::Left { id: peer.id() });
            }
        }
    }

    fn joined(&mut self, peer: Peer, request: &Request) {
        let dialect = match peer.protocol() {
            Some(name) => Dialect::from_name(name).unwrap_or(self.default_dialect),
            None => self.default_dialect,
        };
        let id = peer.id();
        debug!("connection {id} speaks {}", dialect.name());
        self.fanout.join(peer, dialect);
        if dialect == Dialect::Chinwag {
            self.handshakes.extend(request.extensions().get().map(|seen| (id, handshake(seen))));
        }
        self.apply(Input::Joined { id, dialect });
    }

    fn heard(&mut self, peer: Peer, message: &Message) {
        let id = peer.id();
        self.heard.push(peer);
        match message {
            Message::Text(text) => self.apply(Input::Text { id, text: text.as_str() }),
            Message::Binary(_) => self.apply(Input::Binary { id }),
        }
    }

    /// Dates are by the clock that people set; whatever they do to it, nothing else goes by it.
    fn now(&self) -> Now {
        let date = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { uptime: millis(self.began.elapsed()), date: millis(date) }
    }

    fn apply(&mut self, input: Input<'_>) {
        self.chat.apply(self.now(), input, &mut self.outputs);
        for output in self.outputs.drain(..) {
            match output {
                Output::ShowHandshake { to } => {
                    if let Some(notice) = self.handshakes.get(&to) {
                        self.fanout.send(to, notice);
                    }
                }
                Output::Drop { who } => self.fanout.cut(who),
                Output::Send { to, notice } => self.fanout.send(to, &notice),
                Output::Broadcast { room: _, notice } => self.fanout.broadcast(&notice),
                Output::Close { to, code, reason } => self.fanout.close(to, code, reason),
            }
        }
    }
}

fn handshake(seen: &Exchange) -> Notice {
    Notice::Handshake { request: seen.request.as_str().into(), response: seen.response.as_str().into() }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}
