//! Counts what the clients receive: messages of this run, names, refusals.

use crate::{
    args::Args,
    counts::{Deliveries, Histogram},
};
use serde_json::Value;
use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

/// What all clients have received.
pub(crate) struct Received {
    /// All names and texts of this run begin with this, because other people may be in the chat.
    mark: String,
    /// Begins the text of this run's messages. Quotation marks in a text are escaped, so other texts cannot contain this.
    prefix: String,
    rate: u64,
    start: Instant,
    /// Clients that have an id.
    pub(crate) numbered: usize,
    /// How many times a client received a sender's name.
    pub(crate) signed_in: usize,
    pub(crate) deliveries: Deliveries,
    pub(crate) latency: Histogram,
    /// Since the last line of progress.
    pub(crate) recent: Histogram,
    pub(crate) last_received: Instant,
    /// Why the server refused a message. After that, the results are meaningless.
    pub(crate) refusal: Option<String>,
}

impl Received {
    pub(crate) fn new(args: &Args) -> Self {
        let mark = format!("load{:08x}", RandomState::new().hash_one(()) as u32);
        Self {
            prefix: format!(r#""text":"{mark} "#),
            mark,
            rate: args.rate,
            start: Instant::now(),
            numbered: 0,
            signed_in: 0,
            deliveries: Deliveries::new(args.clients, args.senders),
            latency: Histogram::new(),
            recent: Histogram::new(),
            last_received: Instant::now(),
            refusal: None,
        }
    }

    /// A sender's request for a name.
    pub(crate) fn sign_in(&self, sender: usize) -> String {
        format!(r#"{{"type":"username","name":"{}-{sender}"}}"#, self.mark)
    }

    /// The message with that number. Its text has `bytes` bytes.
    pub(crate) fn message(&self, number: u64, bytes: usize) -> String {
        let text = format!("{} {number} ", self.mark);
        format!(r#"{{"type":"message","text":"{text:.<bytes$}"}}"#)
    }

    /// Starts the measurement.
    pub(crate) fn begin(&mut self) -> Instant {
        self.start = Instant::now();
        self.last_received = self.start;
        self.start
    }

    /// A client received a message.
    pub(crate) fn add(&mut self, client: usize, text: &str) {
        if let Some(number) = self.number(text) {
            self.add_message(client, number);
        } else if text.starts_with(r#"{"type":"error""#) {
            self.refusal.get_or_insert_with(|| refusal(text));
        } else if text.starts_with(r#"{"type":"id""#) {
            self.numbered += 1;
            self.last_received = Instant::now();
        } else if text.starts_with(r#"{"type":"username""#) && text.contains(&self.mark) {
            self.signed_in += 1;
            self.last_received = Instant::now();
        }
    }

    /// The number in a message of this run.
    fn number(&self, text: &str) -> Option<u64> {
        let (_, rest) = text.split_once(&self.prefix)?;
        rest.split_once(' ')?.0.parse().ok()
    }

    fn add_message(&mut self, client: usize, number: u64) {
        let now = Instant::now();
        let late = now.saturating_duration_since(due(self.start, self.rate, number));
        self.latency.add(late);
        self.recent.add(late);
        self.deliveries.add(client, number);
        self.last_received = now;
    }
}

/// The time at which message `number` should be sent.
pub(crate) fn due(start: Instant, rate: u64, number: u64) -> Instant {
    let rest = Duration::from_nanos(number % rate * 1_000_000_000 / rate);
    start + Duration::from_secs(number / rate) + rest
}

/// Why a message was refused, and what to do.
fn refusal(text: &str) -> String {
    let error: Value = serde_json::from_str(text).unwrap_or_default();
    let hint = match error["reason"].as_str() {
        Some("too-fast") => {
            "run the server with --no-limits, or with --limit rate=0; or let more --senders share the rate"
        }
        Some("too-long") => "run the server with --no-limits, or with --limit text=N",
        _ => "this is unexpected",
    };
    let show = |field: &str| error[field].as_str().unwrap_or("?").to_owned();
    format!("the server refused a message, {}: {} ({hint})", show("reason"), show("about"))
}
