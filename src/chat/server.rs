//! The dispatch thread: events become inputs of the rules, their outputs become frames for peers.
//!
//! Owns the clocks and the batch. Knows both the server and the chat, which know nothing of each other.

mod archive;
mod arrival;
mod calm;
mod effects;
mod fanout;
mod late;
mod room_list;
use crate::{
    chat::page,
    chat::protocol::{Dialect, Millis, ServerMessage, StoredMessage, UserId},
    chat::rules::{Chat, Input, Now, Output, RoomName, Rules},
    ws::Message,
    ws::http::{HandshakeTranscript, Request, Response},
    ws::peer::Peer,
    ws::server::{CloseGuard, Event, Server},
};
use calm::{Calm, Verdict};
use crossbeam_channel::RecvTimeoutError;
use fanout::Fanout;
use log::info;
use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

pub use archive::Archive;
pub use room_list::RoomList;

/// Events taken in one batch, which ends before that when it is large. More make a delivery cheaper, fewer make the first
/// one earlier.
const BATCH: usize = 256;

/// How long a batch waits for more.
const BATCH_DELAY: Duration = Duration::from_micros(60);

/// How long before it is looked again whether those who are behind have taken what they were told.
const LOOK: Duration = Duration::from_millis(10);

/// A chat on a server.
///
/// The program `chinwag`, less its flags:
///
/// ```no_run
/// use chinwag::{Server, chat::rules::Rules, chat::server::ChatServer, chat::protocol::Dialect};
///
/// fn main() -> Result<(), chinwag::Error> {
///     let server = Server::builder()
///         .protocols(ChatServer::protocols())
///         .endpoint(ChatServer::is_endpoint)
///         .site(ChatServer::site)
///         .listen("127.0.0.1:6502")?
///         .start()?;
///     ChatServer::new(server, Rules::default(), Dialect::Json).run();
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct ChatServer {
    server: Server,
    rules: Rules,
    chat: Chat,
    archive: Option<Box<dyn Archive>>,
    /// What was said in this batch and the archive does not have yet.
    unsaved: Vec<StoredMessage>,
    /// While rooms have begun without the past that the archive has: when it is asked again.
    look_again_at: Option<Instant>,
    rooms: Option<RoomList>,
    /// Whether the list of rooms is not what it was.
    rooms_changed: bool,
    /// When somebody was not let in last, and how many were not since that was logged.
    refused: (Option<Instant>, u64),
    /// When it began: from here on its uptime counts.
    began: Instant,
    fanout: Fanout,
    default_dialect: Dialect,
    outputs: Vec<Output>,
    /// Who signed in, as long as that may wait.
    calm: Calm,
    /// Whether somebody who is behind was just told a part of it, and may have taken it already.
    hurry: bool,
    /// The archive did not answer what was asked for somebody who is behind.
    unanswered: bool,
    /// What connections may ask to see.
    handshakes: HashMap<UserId, ServerMessage>,
    /// Peers that close: the reply to their Close frame follows the batch.
    closing: Vec<CloseGuard>,
}

impl ChatServer {
    /// The subprotocols that a chat's server must know: give them to [`Builder::protocols`](crate::Builder::protocols).
    pub fn protocols() -> impl Iterator<Item = &'static str> {
        Dialect::ALL.into_iter().map(Dialect::name)
    }

    /// Whether a WebSocket may be opened at that path: `/` is the lobby, `/room/NAME` another room. Give it to
    /// [`Builder::endpoint`](crate::Builder::endpoint).
    #[must_use]
    pub fn is_endpoint(path: &str) -> bool {
        RoomName::from_path(path).is_some()
    }

    /// The page and its files; the page is at the path of each room. Give it to [`Builder::site`](crate::Builder::site).
    #[must_use]
    pub fn site(request: &Request) -> Option<Response> {
        match Self::is_endpoint(request.uri().path()) {
            true => page::index(request),
            false => page::respond(request),
        }
    }

    /// A chat with these rules. Clients that name no subprotocol speak `default_dialect`.
    #[must_use]
    pub fn new(server: Server, rules: Rules, default_dialect: Dialect) -> Self {
        Self {
            server,
            rules,
            chat: Chat::named(rules, random()),
            archive: None,
            unsaved: Vec::new(),
            look_again_at: None,
            rooms: None,
            rooms_changed: false,
            refused: (None, 0),
            began: Instant::now(),
            fanout: Fanout::default(),
            default_dialect,
            outputs: Vec::new(),
            calm: Calm::default(),
            hurry: false,
            unanswered: false,
            handshakes: HashMap::new(),
            closing: Vec::new(),
        }
    }

    /// The same chat with an archive: nobody is told what is not kept there.
    #[must_use]
    pub fn archive(mut self, archive: Box<dyn Archive>) -> Self {
        self.rules.archive = true;
        self.chat = Chat::named(self.rules, random());
        self.archive = Some(archive);
        self
    }

    /// The same chat, which keeps this list of its rooms up to date.
    #[must_use]
    pub fn list_rooms(mut self, rooms: RoomList) -> Self {
        rooms.set(self.chat.rooms());
        self.rooms = Some(rooms);
        self
    }

    /// Runs the chat on this thread, until the server is shut down and everybody has left.
    pub fn run(mut self) {
        while self.batch() {}
        self.give_up_looking();
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
        self.tick_if_due();
        self.look_again();
        self.hurry = self.catch_up();
        match self.calm.judge(Instant::now()) {
            Verdict::Wait => {}
            Verdict::SendRest => self.send(),
            Verdict::SendAll => {
                let names = self.calm.take_names();
                self.tell(names);
                self.send();
                // Not before: the names were answers, too.
                self.closing.clear();
            }
        }
        true
    }

    /// Whether the batch is large enough.
    fn is_full(&self) -> bool {
        self.fanout.is_full() || self.calm.is_full()
    }

    fn send(&mut self) {
        self.save();
        self.fanout.flush();
        self.tell_rooms();
    }

    /// While there is always something to do, nobody waits for the time of the next tick.
    fn tick_if_due(&mut self) {
        if self.chat.next_tick().is_some_and(|tick| tick <= self.now().uptime) {
            self.apply(Input::Tick);
        }
    }

    fn wait(&self) -> Result<Event, RecvTimeoutError> {
        let tick = self.chat.next_tick().map(|tick| Duration::from_millis(tick.saturating_sub(self.now().uptime)));
        let look = self.chat.behind().next().map(|_| if self.hurry { Duration::ZERO } else { LOOK });
        let at = self.look_again_at.into_iter().chain(self.calm.until()).min();
        let at = at.map(|at| at.saturating_duration_since(Instant::now()));
        match tick.into_iter().chain(look).chain(at).min() {
            None => self.server.events().recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(wait) => self.server.events().recv_timeout(wait),
        }
    }

    /// Makes the batch as large as it gets at once, and larger while a moment's wait is likely to pay.
    fn gather(&mut self) {
        let mut size = 1 + self.take_waiting(BATCH);
        let mut more = size;
        while more > 0 && self.would_gain(size) {
            thread::sleep(BATCH_DELAY);
            more = self.take_waiting(BATCH - size);
            size += more;
        }
    }

    /// Would a batch of that size cost less, for each delivery, if it were larger, and is it likely to become so?
    fn would_gain(&self, size: usize) -> bool {
        size < BATCH && !self.is_full() && self.fanout.len() > 2
    }

    /// Takes what waits, and says how much it was. When nothing does, lets others run once before it believes that:
    /// readers that are about to say something make this batch larger, and thus every delivery cheaper.
    fn take_waiting(&mut self, most: usize) -> usize {
        let mut asked = false;
        let mut taken = 0;
        while taken < most && !self.is_full() {
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
            Event::Message(peer, message) => self.heard(&peer, &message),
            Event::Closing(_, guard) => self.closing.push(guard),
            Event::Disconnected(peer, _) => {
                self.rooms_changed = true;
                self.handshakes.remove(&peer.id());
                self.fanout.leave(peer.id());
                self.apply(Input::Left { id: peer.id() });
            }
        }
    }

    fn heard(&mut self, peer: &Peer, message: &Message) {
        let id = peer.id();
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
        self.perform();
    }
}

/// Another number each time, so that two runs of a program do not name their numberings alike.
fn random() -> u64 {
    RandomState::new().hash_one(SystemTime::now())
}

fn handshake(seen: &HandshakeTranscript) -> ServerMessage {
    ServerMessage::Handshake { request: seen.request.as_str().into(), response: seen.response.as_str().into() }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}
