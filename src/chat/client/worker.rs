//! The thread of a chat client, which serves one connection after the other.

use super::Event;
use super::session::{self, Session, TOO_FAST};
use crate::ws::client::{self, Backoff, Error, WebSocket};
use crate::ws::{DisconnectReason, Message};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, at, never, select};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::{Duration, Instant};

/// Messages in flight. Few, because a server that finds them too fast refuses all of them.
const WINDOW: usize = 8;

/// After [`Request::Finish`], how long the server may send nothing before messages count as not delivered.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(30);

/// How long to be silent after a refusal as too fast. The server then accepts messages again.
const PAUSE: Duration = Duration::from_secs(2);

/// The server closes the connection with this code if a message is larger than it reads (RFC 6455 7.4.1).
const TOO_BIG: u16 = 1009;

/// What the program asks for.
pub(super) enum Request {
    /// A text, and the user for whom it is.
    Send(String, Option<String>),
    Rename(String),
    Command(String),
    Finish,
}

pub(super) struct Worker {
    pub(super) builder: client::Builder,
    pub(super) session: Session,
    pub(super) retry_for: Duration,
    pub(super) backoff: Backoff,
    /// When the last open connection ended.
    pub(super) lost_at: Option<Instant>,
    pub(super) requests: Receiver<Request>,
    /// A message on this channel, or its end, stops the client.
    pub(super) close: Receiver<()>,
    pub(super) events: Sender<Event>,
    /// When the current connection was opened.
    pub(super) open_since: Option<Instant>,
    /// Nothing is sent before this.
    pub(super) paused_until: Option<Instant>,
    /// The server has refused a message as too fast. A client does not know the limits of its server: it sends at full speed
    /// until the first refusal, and then one message at a time.
    pub(super) was_too_fast: bool,
    /// Close as soon as all messages are delivered.
    pub(super) is_finishing: bool,
    /// `close` was received, or the server is silent.
    pub(super) is_stopped: bool,
    /// Tells senders that the client does not receive their requests any more.
    pub(super) has_ended: Arc<AtomicBool>,
}

impl Worker {
    pub(super) fn run(mut self, mut socket: WebSocket) {
        let end = loop {
            let end = self.serve(&socket);
            let open_for = self.open_since.map(|opened| opened.elapsed());
            self.lost_at = open_for.map(|_| Instant::now()).or(self.lost_at);
            let pause = pause_within(self.retry_for, self.lost_at, self.backoff.next(open_for));
            let refused = if is_closed_with(&end, TOO_BIG) { self.session.refuse_largest() } else { None };
            let may_retry = refused.is_some() || may_retry(&end);
            refused.into_iter().for_each(|event| self.emit(event));
            let Some(retry_in) = pause.filter(|_| !self.is_done() && may_retry) else { break end };
            self.emit(Event::Disconnected { reason: end.to_string(), retry_in });
            self.session.connection_lost().into_iter().for_each(|event| self.emit(event));
            if self.is_stopped || self.close.recv_timeout(retry_in) != Err(RecvTimeoutError::Timeout) {
                self.is_stopped = true;
                break end;
            }
            let builder = self.builder.clone();
            let next = self.session.query().map_or(builder.clone(), |query| builder.query(&query));
            match next.connect() {
                Ok(next) => socket = next,
                Err(error) => break error,
            }
        };
        let is_orderly = self.is_done() || is_closed_with(&end, 1000);
        let error = (!is_orderly).then_some(end);
        let undelivered = self.take_undelivered();
        let events = self.events.clone();
        // No request is accepted any more once the program knows that the client is closed.
        drop(self);
        let _ = events.send(Event::Closed { error, undelivered });
    }

    /// All messages that were not delivered. A request that is not among them comes too late, and its sender notices that.
    fn take_undelivered(&mut self) -> Vec<String> {
        self.has_ended.swap(true, Ordering::SeqCst);
        for request in self.requests.try_iter() {
            if let Request::Send(text, target) = request {
                self.session.send(text, target);
            }
        }
        self.session.pending.drain(..).map(|pending| pending.text).collect()
    }

    /// Whether the client closes its connection, and does not connect again.
    fn is_done(&self) -> bool {
        self.is_stopped || self.is_finishing && self.session.pending.is_empty()
    }

    /// Serves one connection to its end, and returns why it ended.
    fn serve(&mut self, socket: &WebSocket) -> Error {
        let mut failure = None;
        self.open_since = None;
        self.paused_until = None;
        loop {
            if self.is_done() {
                // This may be repeated: only the first call has an effect.
                let _ = socket.close(1000, "");
            }
            self.send_pending(socket);
            let requests = if self.accepts_requests() { self.requests.clone() } else { never() };
            let close = if self.is_stopped { never() } else { self.close.clone() };
            let resume = self.paused_until.map_or_else(never, at);
            select! {
                recv(socket.events()) -> event => match event {
                    Ok(client::Event::Close { code, reason, .. }) => {
                        return failure.unwrap_or(Error::Ended(DisconnectReason::ClosedByPeer { code, reason }));
                    }
                    Ok(client::Event::Error(error)) => failure = Some(error),
                    Ok(event) => self.receive(event, socket),
                    Err(_) => return failure.unwrap_or(Error::Ended(DisconnectReason::ConnectionLost)),
                },
                recv(requests) -> request => if let Ok(request) = request {
                    self.execute(request, socket);
                },
                recv(close) -> _ => self.is_stopped = true,
                recv(resume) -> _ => self.paused_until = None,
                default(CONFIRM_TIMEOUT) => self.is_stopped |= self.is_finishing && self.open_since.is_some(),
            }
        }
    }

    /// Sends what waits to be sent, or sent again, as fast as the server accepts it.
    fn send_pending(&mut self, socket: &WebSocket) {
        while self.is_ready() {
            let window = if self.was_too_fast { 1 } else { WINDOW };
            let Some(message) = self.session.next_unsent(window) else { return };
            socket.send(message);
        }
    }

    fn accepts_requests(&self) -> bool {
        self.is_ready() && !self.is_finishing && self.session.pending.len() < WINDOW
    }

    fn is_ready(&self) -> bool {
        self.open_since.is_some() && !self.is_stopped && self.paused_until.is_none()
    }

    fn receive(&mut self, event: client::Event, socket: &WebSocket) {
        match event {
            client::Event::Open => {
                self.open_since = Some(Instant::now());
                socket.send(self.session.sign_in());
                self.emit(Event::Open);
            }
            client::Event::Message(Message::Text(text)) => match self.session.receive(text.as_str()) {
                Some(Event::Refused { reason, .. }) if reason == TOO_FAST => {
                    self.was_too_fast = true;
                    self.paused_until = Some(Instant::now() + PAUSE);
                }
                Some(event) => self.emit(event),
                None => {}
            },
            _ => {}
        }
    }

    fn execute(&mut self, request: Request, socket: &WebSocket) {
        let message = match request {
            Request::Send(text, target) => return self.session.send(text, target),
            Request::Finish => return self.is_finishing = true,
            Request::Command(line) => session::command(&line),
            Request::Rename(name) => self.session.rename(name),
        };
        socket.send(message);
    }

    /// Blocks while the queue of events is full. Once the client is stopped, drops events instead.
    fn emit(&mut self, event: Event) {
        if self.is_stopped {
            let _ = self.events.try_send(event);
            return;
        }
        select! {
            send(self.events, event) -> _ => {}
            recv(self.close) -> _ => self.is_stopped = true,
        }
    }
}

fn is_closed_with(end: &Error, expected: u16) -> bool {
    matches!(end, Error::Ended(DisconnectReason::ClosedByPeer { code, .. }) if *code == expected)
}

/// The pause before the next attempt; `None`: give up. The first connection is tried once.
fn pause_within(retry_for: Duration, lost_at: Option<Instant>, pause: Duration) -> Option<Duration> {
    (lost_at?.elapsed() + pause <= retry_for).then_some(pause)
}

/// Whether another attempt may succeed: not if the server refused this one for good, or closed it in good order.
fn may_retry(end: &Error) -> bool {
    match end {
        Error::Refused { status, .. } => matches!(status, 408 | 429 | 500..=599),
        // Going away, internal error, service restart, try again later, bad gateway (RFC 6455 7.4 and its registry).
        Error::Ended(DisconnectReason::ClosedByPeer { code, .. }) => matches!(code, 1001 | 1006 | 1011..=1014),
        Error::Ended(DisconnectReason::ProtocolViolation { .. }) => false,
        Error::Ended(_) | Error::Connect(_) | Error::Timeout(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_connection_is_tried_once_and_retries_end() {
        assert_eq!(pause_within(Duration::MAX, None, PAUSE), None);
        assert_eq!(pause_within(Duration::ZERO, Some(Instant::now()), PAUSE), None);
        assert_eq!(pause_within(Duration::MAX, Some(Instant::now()), PAUSE), Some(PAUSE));
    }

    #[test]
    fn only_ends_that_may_pass_are_retried() {
        let violation = Error::Ended(DisconnectReason::ProtocolViolation { code: 1002, detail: String::new() });
        let refused = |status| Error::Refused { status, body: String::new() };
        let closed = |code| Error::Ended(DisconnectReason::ClosedByPeer { code, reason: String::new() });
        for (end, expected) in [
            (closed(1000), false),
            (closed(1001), true),
            (closed(1008), false),
            (closed(1013), true),
            (closed(4000), false),
            (Error::Ended(DisconnectReason::ConnectionLost), true),
            (refused(401), false),
            (refused(503), true),
            (Error::Handshake("no"), false),
            (violation, false),
        ] {
            assert_eq!(may_retry(&end), expected, "{end:?}");
        }
    }
}
