//! The thread of a chat client: one connection after the other.
//!
//! Owns the clock. What is to be said and what was heard is [`Session`]'s.

use super::{
    Event,
    pace::Pace,
    retry::{self, LASTED, Pauses},
    session::Session,
};
use crate::{
    ws::Message,
    ws::client::{self, Error, WebSocket},
};
use crossbeam_channel::{Receiver, Sender, at, never, select};
use serde_json::json;
use std::time::{Duration, Instant};

/// Messages on their way at once. Few: when the server finds them too fast, it refuses them together.
const WINDOW: usize = 8;

/// What the program wants.
pub(super) enum Wish {
    Say(String),
    SayTo(String, String),
    Rename(String),
    Finish,
}

/// What the thread works with.
pub(super) struct Run {
    pub(super) builder: client::Builder,
    pub(super) patience: Duration,
    pub(super) session: Session,
    pub(super) wishes: Receiver<Wish>,
    /// Something in it, or its end: close.
    pub(super) stop: Receiver<()>,
    /// That was heard.
    pub(super) stopped: bool,
    pub(super) events: Sender<Event>,
}

/// How a connection ended.
struct End {
    code: u16,
    reason: String,
    error: Option<Error>,
    /// By our own wish.
    wanted: bool,
    was_open: bool,
}

/// What one connection is waiting for.
#[derive(Default)]
struct Mood {
    open: bool,
    /// Close when all was heard.
    finishing: bool,
    closing: bool,
    pace: Pace,
}

impl Run {
    /// The thread.
    pub(super) fn all(mut self, mut socket: WebSocket) {
        let (mut pauses, mut lost_since) = (Pauses::default(), None);
        let mut mood = Mood::default();
        let end = loop {
            let start = Instant::now();
            let end = self.one(&socket, &mut mood);
            if start.elapsed() > LASTED && end.was_open {
                pauses.reset();
            }
            if end.was_open {
                lost_since = Some(Instant::now());
            }
            let pause = pauses.next();
            let Some(since) = lost_since.filter(|_| self.may_try_again(&end)) else { break end };
            if since.elapsed() + pause > self.patience {
                break end;
            }
            let why = explain(&end);
            self.tell(Event::Lost { why, retry_in: pause });
            if self.stopped || self.is_told_to_close(pause) {
                break End { wanted: true, ..end };
            }
            match self.again() {
                Ok(next) => socket = next,
                Err(error) => break End { error: Some(error), ..end },
            }
        };
        let (closed, events) = (self.closed(end), self.events.clone());
        // Whoever hears that it is over can say nothing any more.
        drop(self);
        // Nobody may want to know.
        let _ = events.send(closed);
    }

    fn may_try_again(&self, end: &End) -> bool {
        !end.wanted && retry::is_worth_it(end.error.as_ref(), end.code)
    }

    fn closed(&self, end: End) -> Event {
        let error = end.error.filter(|_| !end.wanted);
        Event::Closed { code: end.code, reason: end.reason, error, unheard: self.session.unheard() }
    }

    /// Another connection, which asks for what was missed.
    fn again(&self) -> Result<WebSocket, Error> {
        match self.session.query() {
            Some(query) => self.builder.clone().query(&query).connect(),
            None => self.builder.clone().connect(),
        }
    }

    /// Waits, unless it is told to close. What is to be said waits, too.
    fn is_told_to_close(&self, pause: Duration) -> bool {
        select! {
            recv(self.stop) -> _ => true,
            default(pause) => false,
        }
    }

    /// One connection, from its beginning to its end.
    fn one(&mut self, socket: &WebSocket, mood: &mut Mood) -> End {
        let mut end = End { code: 1006, reason: String::new(), error: None, wanted: false, was_open: false };
        mood.open = false;
        mood.pace.connected();
        loop {
            if self.stopped && !mood.closing {
                close(socket, mood);
            }
            let wishes = if self.is_ready(mood) { self.wishes.clone() } else { never() };
            let stop = if self.stopped { never() } else { self.stop.clone() };
            let awake = mood.pace.silent_until().map_or_else(never, at);
            select! {
                recv(socket.events()) -> event => match event {
                    Ok(client::Event::Close { code, reason, .. }) => {
                        (end.code, end.reason, end.was_open, end.wanted) = (code, reason, mood.open, mood.closing);
                        return end;
                    }
                    Ok(client::Event::Error(error)) => end.error = Some(error),
                    Ok(event) => self.hear(event, socket, mood),
                    Err(_) => return end,
                },
                recv(wishes) -> wish => wish.into_iter().for_each(|wish| self.obey(wish, socket, mood)),
                recv(stop) -> _ => self.stopped = true,
                recv(awake) -> _ => send(socket, mood.pace.awake(|nonce| self.session.again(nonce))),
            }
            if mood.finishing && !mood.closing && self.session.unheard() == 0 {
                close(socket, mood);
            }
        }
    }

    /// Whether something new may be said.
    fn is_ready(&self, mood: &Mood) -> bool {
        let may = mood.open && !mood.finishing && !mood.closing;
        may && mood.pace.silent_until().is_none() && self.session.unheard() < mood.pace.window(WINDOW)
    }

    fn hear(&mut self, event: client::Event, socket: &WebSocket, mood: &mut Mood) {
        match event {
            client::Event::Open => {
                mood.open = true;
                send(socket, self.session.greeting());
                self.tell(Event::Open);
            }
            client::Event::Message(Message::Text(text)) => {
                let heard = self.session.hear(text.as_str());
                if heard.too_fast {
                    mood.pace.too_fast(self.session.nonces());
                }
                heard.event.into_iter().for_each(|event| self.tell(event));
            }
            _ => {}
        }
    }

    fn obey(&mut self, wish: Wish, socket: &WebSocket, mood: &mut Mood) {
        let object = match wish {
            Wish::Say(text) => self.session.say(text),
            Wish::SayTo(target, text) => json!({"type": "message", "text": text, "target": target}).to_string(),
            Wish::Rename(name) => self.session.rename(name),
            Wish::Finish => {
                mood.finishing = true;
                return;
            }
        };
        mood.pace.said();
        // What is not sent, because it is closing, is said again on the next connection.
        socket.send(object);
    }

    /// Waits until there is room, or it is told to close: from then on, what finds no room is not told.
    fn tell(&mut self, event: Event) {
        if self.stopped {
            let _ = self.events.try_send(event);
            return;
        }
        select! {
            send(self.events, event) -> _ => {}
            recv(self.stop) -> _ => self.stopped = true,
        }
    }
}

fn send(socket: &WebSocket, objects: impl IntoIterator<Item = String>) {
    for object in objects {
        socket.send(object);
    }
}

fn close(socket: &WebSocket, mood: &mut Mood) {
    mood.closing = true;
    let _ = socket.close(1000, "");
}

/// A sentence for people.
fn explain(end: &End) -> String {
    match &end.error {
        Some(error) => error.to_string(),
        None if end.reason.is_empty() => format!("closed by the server, {}", end.code),
        None => format!("closed by the server, {} ({})", end.code, end.reason.escape_debug()),
    }
}
