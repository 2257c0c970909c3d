//! The numbers of the chat, in the text format of Prometheus. docs/OPERATING.md lists them.

use super::ChatServer;
use crate::{
    chat::protocol::{ErrorReason, ServerMessage},
    chat::rules::Output,
    ws::server::Numbers,
};
use std::{fmt::Write, time::Duration};

/// The upper bounds of the histogram of flush times, in microseconds, and as Prometheus writes them.
const BUCKETS: [(u128, &str); 6] =
    [(100, "0.0001"), (1_000, "0.001"), (10_000, "0.01"), (100_000, "0.1"), (1_000_000, "1"), (u128::MAX, "+Inf")];

/// What the chat thread has counted since the start.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    messages: u64,
    /// Messages that the rules refused.
    refused: Vec<(ErrorReason, u64)>,
    /// How often a connection was behind.
    behind: u64,
    /// Connections that the rules did not let in.
    pub(super) refused_joins: u64,
    /// Flushes by their time; not cumulative.
    flushes: [u64; BUCKETS.len()],
    flush_time: Duration,
}

impl Metrics {
    pub(super) fn count(&mut self, output: &Output) {
        match output {
            Output::Broadcast { message: ServerMessage::Message(_), .. } => self.messages += 1,
            Output::Unsubscribe { .. } => self.behind += 1,
            Output::Send { message: ServerMessage::Error(error), .. } => {
                match self.refused.iter_mut().find(|(reason, _)| *reason == error.reason) {
                    Some((_, count)) => *count += 1,
                    None => self.refused.push((error.reason, 1)),
                }
            }
            _ => {}
        }
    }

    pub(super) fn flushed(&mut self, time: Duration) {
        let bucket = BUCKETS.iter().position(|(most, _)| time.as_micros() <= *most).unwrap_or_default();
        self.flushes[bucket] += 1;
        self.flush_time += time;
    }
}

impl ChatServer {
    /// The numbers of the chat.
    pub(super) fn metrics(&self) -> String {
        let (metrics, users) = (&self.metrics, self.chat.rooms().map(|(_, users)| users).sum::<usize>());
        let mut text = String::new();
        for (name, value) in [
            ("rooms", self.chat.rooms().count() as u64),
            ("users", users as u64),
            ("catching_up", self.chat.catching_up().count() as u64),
            ("messages_total", metrics.messages),
            ("deliveries_total", self.fanout.deliveries),
            ("sent_bytes_total", self.fanout.sent_bytes),
            ("behind_total", metrics.behind),
            ("refused_joins_total", metrics.refused_joins),
        ] {
            append(&mut text, name, value);
        }
        header(&mut text, "refused_messages_total");
        for (reason, count) in &metrics.refused {
            let reason = serde_json::to_string(reason).unwrap_or_default();
            let _ = writeln!(text, "chinwag_refused_messages_total{{reason={reason}}} {count}");
        }
        let _ = writeln!(text, "# TYPE chinwag_flush_seconds histogram");
        let mut sum = 0;
        for ((_, bound), count) in BUCKETS.iter().zip(metrics.flushes) {
            sum += count;
            let _ = writeln!(text, "chinwag_flush_seconds_bucket{{le=\"{bound}\"}} {sum}");
        }
        let seconds = metrics.flush_time.as_secs_f64();
        let _ = writeln!(text, "chinwag_flush_seconds_sum {seconds}\nchinwag_flush_seconds_count {sum}");
        text
    }
}

/// The numbers of the server below the chat, and the messages that wait for the history.
pub(super) fn of_server(numbers: &Numbers, history_queue: Option<usize>) -> String {
    let mut text = String::new();
    append(&mut text, "connections", numbers.connections as u64);
    append(&mut text, "handshakes", numbers.handshakes as u64);
    if let Some(messages) = history_queue {
        append(&mut text, "history_queue", messages as u64);
    }
    header(&mut text, "refused_total");
    for (kind, count) in &numbers.rejections {
        let _ = writeln!(text, "chinwag_refused_total{{kind=\"{kind}\"}} {count}");
    }
    text
}

fn append(text: &mut String, name: &str, value: u64) {
    header(text, name);
    let _ = writeln!(text, "chinwag_{name} {value}");
}

fn header(text: &mut String, name: &str) {
    let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
    let _ = writeln!(text, "# TYPE chinwag_{name} {kind}");
}
