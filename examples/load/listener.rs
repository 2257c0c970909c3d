//! Understands what clients hear: messages of this run, who signed in, refusals. Keeps the books; knows no sockets.

use crate::{
    args::Args,
    tally::{Histogram, Ledger},
};
use serde_json::Value;
use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

/// The ears of all clients.
pub(crate) struct Listener {
    /// What all names and texts of this run begin with: other people may be in the chat, too.
    mark: String,
    /// How a message of this run says its text. A quotation mark within a text would be escaped, so nobody else's
    /// text can hold this.
    ours: String,
    rate: u64,
    start: Instant,
    /// How many clients have got their number.
    pub(crate) numbered: usize,
    /// How often somebody heard that a sender signed in.
    pub(crate) signed_in: usize,
    pub(crate) ledger: Ledger,
    pub(crate) latency: Histogram,
    /// Since the last line of progress.
    pub(crate) lately: Histogram,
    pub(crate) last_heard: Instant,
    /// Why the server refused a message, which makes all that follows meaningless.
    pub(crate) refusal: Option<String>,
}

impl Listener {
    pub(crate) fn new(args: &Args) -> Self {
        let mark = format!("load{:08x}", RandomState::new().hash_one(()) as u32);
        Self {
            ours: format!(r#""text":"{mark} "#),
            mark,
            rate: args.rate,
            start: Instant::now(),
            numbered: 0,
            signed_in: 0,
            ledger: Ledger::new(args.clients, args.senders),
            latency: Histogram::new(),
            lately: Histogram::new(),
            last_heard: Instant::now(),
            refusal: None,
        }
    }

    /// A sender's wish for a name.
    pub(crate) fn sign_in(&self, sender: usize) -> String {
        format!(r#"{{"type":"username","name":"{}-{sender}"}}"#, self.mark)
    }

    /// The message of that number, its text so many bytes long.
    pub(crate) fn message(&self, number: u64, bytes: usize) -> String {
        let text = format!("{} {number} ", self.mark);
        format!(r#"{{"type":"message","text":"{text:.<bytes$}"}}"#)
    }

    /// From now on it counts.
    pub(crate) fn begin(&mut self) -> Instant {
        self.start = Instant::now();
        self.last_heard = self.start;
        self.start
    }

    /// A client heard something.
    pub(crate) fn hear(&mut self, client: usize, text: &str) {
        if let Some(number) = self.number(text) {
            self.hear_message(client, number);
        } else if text.starts_with(r#"{"type":"error""#) {
            self.refusal.get_or_insert_with(|| refused(text));
        } else if text.starts_with(r#"{"type":"id""#) {
            self.numbered += 1;
            self.last_heard = Instant::now();
        } else if text.starts_with(r#"{"type":"username""#) && text.contains(&self.mark) {
            self.signed_in += 1;
            self.last_heard = Instant::now();
        }
    }

    /// The number in a message of this run.
    fn number(&self, text: &str) -> Option<u64> {
        let (_, rest) = text.split_once(&self.ours)?;
        rest.split_once(' ')?.0.parse().ok()
    }

    fn hear_message(&mut self, client: usize, number: u64) {
        let now = Instant::now();
        let late = now.saturating_duration_since(due(self.start, self.rate, number));
        self.latency.add(late);
        self.lately.add(late);
        self.ledger.hear(client, number);
        self.last_heard = now;
    }
}

/// When message `number` should be sent.
pub(crate) fn due(start: Instant, rate: u64, number: u64) -> Instant {
    let rest = Duration::from_nanos(number % rate * 1_000_000_000 / rate);
    start + Duration::from_secs(number / rate) + rest
}

/// What to do about a refusal.
fn refused(text: &str) -> String {
    let error: Value = serde_json::from_str(text).unwrap_or_default();
    let hint = match error["reason"].as_str() {
        Some("too-fast") => {
            "run the server with --no-limits, or with --limit rate=0; or let more --senders share the rate"
        }
        Some("too-long") => "run the server with --no-limits, or with --limit text=N",
        _ => "that should not happen",
    };
    let show = |field: &str| error[field].as_str().unwrap_or("?").to_owned();
    format!("the server refused a message, {}: {} ({hint})", show("reason"), show("about"))
}
