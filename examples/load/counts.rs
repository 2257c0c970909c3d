//! Counts of the load generator: deliveries, faults, latencies.

use std::{collections::HashSet, fmt, ops, time::Duration};

/// Which client received which messages. Message `n` is number `n / senders` of sender `n % senders`. Each client must
/// receive each sender's messages in order; the server chooses the order of several senders.
#[derive(Debug)]
pub(crate) struct Deliveries {
    senders: usize,
    clients: Vec<Client>,
    count: u64,
}

/// The messages of one client.
#[derive(Debug, Clone)]
struct Client {
    /// The number of the next message of each sender.
    next: Vec<u64>,
    /// Messages that were overtaken and have not arrived.
    missing: HashSet<u64>,
    doubled: u64,
    reordered: u64,
}

/// Numbers of faulty messages.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) reordered: u64,
}

impl ops::Add for Faults {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            lost: self.lost + other.lost,
            doubled: self.doubled + other.doubled,
            reordered: self.reordered + other.reordered,
        }
    }
}

impl Faults {
    /// As text. In a run that was stopped, missing messages may be refused or outstanding instead of lost.
    pub(crate) fn shown(self, stopped: bool) -> impl fmt::Display {
        let missing = if stopped { "refused or outstanding" } else { "lost" };
        format!("{missing} {}, doubled {}, out of order {}", self.lost, self.doubled, self.reordered)
    }
}

impl Deliveries {
    pub(crate) fn new(clients: usize, senders: usize) -> Self {
        let client = Client { next: vec![0; senders], missing: HashSet::new(), doubled: 0, reordered: 0 };
        Self { senders, clients: vec![client; clients], count: 0 }
    }

    /// A client received message `number`.
    pub(crate) fn add(&mut self, client: usize, number: u64) {
        let senders = self.senders as u64;
        let (sender, turn) = (number % senders, number / senders);
        let client = &mut self.clients[client];
        let next = &mut client.next[sender as usize];
        if turn >= *next {
            client.missing.extend((*next..turn).map(|missed| missed * senders + sender));
            *next = turn + 1;
        } else if client.missing.remove(&number) {
            client.reordered += 1;
        } else {
            client.doubled += 1;
            return;
        }
        self.count += 1;
    }

    /// The number of deliveries, without doubles.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Whether each client has received the first `sent` messages.
    pub(crate) fn is_complete(&self, sent: u64) -> bool {
        self.count == sent * self.clients.len() as u64
    }

    /// The clients with faults after `sent` messages.
    pub(crate) fn faults(&self, sent: u64) -> Vec<(usize, Faults)> {
        let each = self.clients.iter().map(|client| client.faults(sent)).enumerate();
        each.filter(|(_, faults)| *faults != Faults::default()).collect()
    }
}

impl Client {
    fn faults(&self, sent: u64) -> Faults {
        let senders = self.next.len() as u64;
        let never = self.next.iter().zip(0..).map(|(next, sender)| {
            let turns = (sent + senders - 1 - sender) / senders;
            turns.saturating_sub(*next)
        });
        let lost = self.missing.len() as u64 + never.sum::<u64>();
        Faults { lost, doubled: self.doubled, reordered: self.reordered }
    }
}

/// Counts times, with an error of at most one percent.
#[derive(Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    count: u64,
    max: u64,
}

/// Steps between a power of two and the next, as a power of two.
const FINE: u32 = 7;

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; ((u64::BITS - FINE + 1) as usize) << FINE], count: 0, max: 0 }
    }

    pub(crate) fn add(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.counts[place(nanos)] += 1;
        self.count += 1;
        self.max = self.max.max(nanos);
    }

    /// The time that `percent` of all times do not exceed.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        let rank = (self.count as f64 * percent / 100.0).ceil().max(1.0) as u64;
        let mut below = 0;
        let at = self.counts.iter().position(|count| {
            below += count;
            below >= rank
        });
        Duration::from_nanos(at.map_or(0, longest).min(self.max))
    }

    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }
}

/// The index of a time: exact for small ones, then by the highest bits.
fn place(nanos: u64) -> usize {
    let shift = (nanos | 1).ilog2().saturating_sub(FINE);
    ((shift as usize) << FINE) + (nanos >> shift) as usize
}

/// The longest time with that index.
fn longest(place: usize) -> u64 {
    let shift = (place >> FINE).saturating_sub(1);
    let top = (place - (shift << FINE)) as u64;
    (((u128::from(top) + 1) << shift) - 1) as u64
}

/// A time as text.
pub(crate) fn shown(time: Duration) -> impl fmt::Display {
    let millis = time.as_secs_f64() * 1e3;
    let digits = if millis < 10.0 { 2 } else { usize::from(millis < 100.0) };
    format!("{millis:.digits$} ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_counted() {
        let faults = |lost, doubled, reordered| Faults { lost, doubled, reordered };
        // Two senders: 0, 2, 4 are the first one's messages, 1, 3, 5 the other's.
        let cases: [(&[u64], Faults); 8] = [
            (&[0, 1, 2, 3, 4, 5], faults(0, 0, 0)),
            (&[1, 3, 0, 5, 2, 4], faults(0, 0, 0)),
            (&[0, 1, 2, 3, 4], faults(1, 0, 0)),
            (&[], faults(6, 0, 0)),
            (&[0, 1, 4, 3, 5], faults(1, 0, 0)),
            (&[0, 1, 4, 2, 3, 5], faults(0, 0, 1)),
            (&[0, 1, 2, 2, 3, 4, 5, 5], faults(0, 2, 0)),
            (&[0, 4, 2, 2, 1, 5], faults(1, 1, 1)),
        ];
        for (received, expected) in cases {
            let mut deliveries = Deliveries::new(3, 2);
            received.iter().for_each(|number| deliveries.add(1, *number));
            [0, 2].iter().for_each(|client| (0..6).for_each(|number| deliveries.add(*client, number)));
            let wrong: Vec<_> = (expected != Faults::default()).then_some((1, expected)).into_iter().collect();
            assert_eq!(deliveries.faults(6), wrong, "{received:?}");
            assert_eq!(deliveries.is_complete(6), expected.lost == 0, "{received:?}");
            assert_eq!(deliveries.count(), 18 - expected.lost, "{received:?}");
        }
    }

    #[test]
    fn percentiles_are_exact_within_a_percent() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.percentile(50.0), Duration::ZERO);
        (1..=1000).rev().for_each(|micros| histogram.add(Duration::from_micros(micros)));
        for (percent, micros) in [(0.1, 1), (50.0, 500), (90.0, 900), (99.0, 990), (100.0, 1000)] {
            let (found, exact) = (histogram.percentile(percent).as_nanos(), micros * 1000);
            assert!(found >= exact && found <= exact * 101 / 100, "p{percent}: {found} is not {exact}");
        }
        assert_eq!(histogram.max(), Duration::from_millis(1));
    }

    #[test]
    fn index_of_a_time_is_exact_within_a_percent() {
        let times = (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) + 1, (1 << bit) - 1]).chain([u64::MAX]);
        for nanos in times {
            let longest = longest(place(nanos));
            assert!(longest >= nanos && longest - nanos <= nanos >> FINE, "{nanos}: {longest}");
        }
        assert!(place(u64::MAX) < Histogram::new().counts.len());
    }
}
