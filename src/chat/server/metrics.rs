//! The numbers of the chat, in the text format of Prometheus. docs/OPERATING.md lists them.

use super::ChatServer;
use crate::chat::protocol::{ErrorReason, ServerMessage};
use crate::{chat::rules::Output, ws::id_map::IdMap};
use std::time::Duration;

/// The upper bounds of the histogram of flush times, in microseconds, and as Prometheus writes them.
const BUCKETS: [(u128, &str); 6] =
    [(100, "0.0001"), (1_000, "0.001"), (10_000, "0.01"), (100_000, "0.1"), (1_000_000, "1"), (u128::MAX, "+Inf")];

/// What the chat thread has counted since the start.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    messages: u64,
    /// Messages and posts that were refused.
    pub(super) refused: IdMap<ErrorReason, u64>,
    /// How often a connection was behind.
    behind: u64,
    /// Connections that the rules did not let in.
    pub(super) refused_joins: u64,
    /// For each bucket, the flushes that took at most its time.
    flushes: [u64; BUCKETS.len()],
    flush_time: Duration,
}

impl Metrics {
    pub(super) fn count(&mut self, output: &Output) {
        match output {
            Output::Broadcast(_, ServerMessage::Message(_), ..) => self.messages += 1,
            Output::Unsubscribe(..) => self.behind += 1,
            Output::Send(_, ServerMessage::Error(error)) => *self.refused.get_or_default(error.reason) += 1,
            _ => {}
        }
    }

    pub(super) fn flushed(&mut self, time: Duration) {
        for (count, (most, _)) in self.flushes.iter_mut().zip(BUCKETS) {
            *count += u64::from(time.as_micros() <= most);
        }
        self.flush_time += time;
    }
}

impl ChatServer {
    /// The numbers of the chat, of its server, and of the messages that wait for the archive.
    pub(super) fn metrics(&self) -> String {
        let (metrics, users) = (&self.metrics, self.chat.rooms().map(|(_, users)| users).sum::<usize>());
        let server = self.server.handle().numbers().unwrap_or_default();
        let queued = self.archive.as_ref().map(|archive| ("gauge", "history_queue", archive.queued() as u64));
        let (mut text, mut last) = (String::new(), "");
        let mut row = |kind: &str, name: &'static str, labels: &str, value: u64| {
            if name != last {
                text.extend(["# TYPE chinwag_", name, " ", kind, "\n"]);
                last = name;
            }
            text.extend(["chinwag_", name, labels, " ", &value.to_string(), "\n"]);
        };
        let rows = [
            ("gauge", "connections", server.connections as u64),
            ("gauge", "handshakes", server.handshakes as u64),
            ("gauge", "rooms", self.chat.rooms().count() as u64),
            ("gauge", "users", users as u64),
            ("gauge", "catching_up", self.chat.catching_up().count() as u64),
            ("counter", "messages_total", metrics.messages),
            ("counter", "deliveries_total", self.fanout.deliveries),
            ("counter", "sent_bytes_total", self.fanout.sent_bytes),
            ("counter", "behind_total", metrics.behind),
            ("counter", "refused_joins_total", metrics.refused_joins),
        ];
        rows.into_iter().chain(queued).for_each(|(kind, name, value)| row(kind, name, "", value));
        for (kind, count) in server.rejections {
            row("counter", "refused_total", &format!("{{kind=\"{kind}\"}}"), count);
        }
        for (reason, count) in metrics.refused.iter() {
            let label = format!("{{reason={}}}", serde_json::to_string(&reason).unwrap_or_default());
            row("counter", "refused_messages_total", &label, *count);
        }
        for ((_, bound), count) in BUCKETS.iter().zip(metrics.flushes) {
            row("histogram", "flush_seconds", &format!("_bucket{{le=\"{bound}\"}}"), count);
        }
        // Without floating-point numbers, whose formatting is large.
        let (seconds, micros) = (metrics.flush_time.as_secs(), metrics.flush_time.subsec_micros());
        let [.., count] = metrics.flushes;
        text + &format!("chinwag_flush_seconds_sum {seconds}.{micros:06}\nchinwag_flush_seconds_count {count}")
    }
}
