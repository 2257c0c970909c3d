//! What was heard, by whom, and how late: the bookkeeping of the load generator. It knows no sockets.

use std::{collections::HashSet, fmt, ops, time::Duration};

/// Who has heard which messages. Message `n` is number `n / senders` of sender `n % senders`, and each client shall
/// hear each sender's in order. (The order of several senders is the server's to decide.)
#[derive(Debug)]
pub(crate) struct Ledger {
    senders: usize,
    accounts: Vec<Account>,
    heard: u64,
}

/// One client's.
#[derive(Debug, Clone)]
struct Account {
    /// For each sender, which of its messages is the next one.
    next: Vec<u64>,
    /// Those that were overtaken and have not come yet.
    missing: HashSet<u64>,
    doubled: u64,
    reordered: u64,
}

/// What went wrong, in messages.
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
    /// For people. What was not heard is lost only where all was waited for: in a run that was stopped it may have been
    /// refused, or still be on its way.
    pub(crate) fn shown(self, stopped: bool) -> impl fmt::Display {
        let missing = if stopped { "refused or not heard yet" } else { "lost" };
        format!("{missing} {}, doubled {}, out of order {}", self.lost, self.doubled, self.reordered)
    }
}

impl Ledger {
    pub(crate) fn new(clients: usize, senders: usize) -> Self {
        let account = Account { next: vec![0; senders], missing: HashSet::new(), doubled: 0, reordered: 0 };
        Self { senders, accounts: vec![account; clients], heard: 0 }
    }

    /// A client heard message `number`.
    pub(crate) fn hear(&mut self, client: usize, number: u64) {
        let senders = self.senders as u64;
        let (sender, turn) = (number % senders, number / senders);
        let account = &mut self.accounts[client];
        let next = &mut account.next[sender as usize];
        if turn >= *next {
            account.missing.extend((*next..turn).map(|missed| missed * senders + sender));
            *next = turn + 1;
        } else if account.missing.remove(&number) {
            account.reordered += 1;
        } else {
            account.doubled += 1;
            return;
        }
        self.heard += 1;
    }

    /// How many deliveries there were, doubles not counted.
    pub(crate) fn heard(&self) -> u64 {
        self.heard
    }

    /// Whether everybody has heard all the first `sent` messages.
    pub(crate) fn is_complete(&self, sent: u64) -> bool {
        self.heard == sent * self.accounts.len() as u64
    }

    /// The clients with whom something went wrong, when `sent` messages were sent.
    pub(crate) fn faults(&self, sent: u64) -> Vec<(usize, Faults)> {
        let each = self.accounts.iter().map(|account| account.faults(sent)).enumerate();
        each.filter(|(_, faults)| *faults != Faults::default()).collect()
    }
}

impl Account {
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

/// How many times there were of each length, to within one percent.
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

    /// The time that so many percent do not exceed.
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

/// Where a time is counted: exact at first, then by its highest bits.
fn place(nanos: u64) -> usize {
    let shift = (nanos | 1).ilog2().saturating_sub(FINE);
    ((shift as usize) << FINE) + (nanos >> shift) as usize
}

/// The longest time that is counted at that place.
fn longest(place: usize) -> u64 {
    let shift = (place >> FINE).saturating_sub(1);
    let top = (place - (shift << FINE)) as u64;
    (((u128::from(top) + 1) << shift) - 1) as u64
}

/// A time for people.
pub(crate) fn shown(time: Duration) -> impl fmt::Display {
    let millis = time.as_secs_f64() * 1e3;
    let digits = if millis < 10.0 { 2 } else { usize::from(millis < 100.0) };
    format!("{millis:.digits$} ms")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_what_it_is() {
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
        for (heard, expected) in cases {
            let mut ledger = Ledger::new(3, 2);
            heard.iter().for_each(|number| ledger.hear(1, *number));
            [0, 2].iter().for_each(|client| (0..6).for_each(|number| ledger.hear(*client, number)));
            let wrong: Vec<_> = (expected != Faults::default()).then_some((1, expected)).into_iter().collect();
            assert_eq!(ledger.faults(6), wrong, "{heard:?}");
            assert_eq!(ledger.is_complete(6), expected.lost == 0, "{heard:?}");
            assert_eq!(ledger.heard(), 18 - expected.lost, "{heard:?}");
        }
    }

    #[test]
    fn percentiles_are_right_within_a_percent() {
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
    fn every_time_has_a_place_of_its_own_size() {
        let times = (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) + 1, (1 << bit) - 1]).chain([u64::MAX]);
        for nanos in times {
            let longest = longest(place(nanos));
            assert!(longest >= nanos && longest - nanos <= nanos >> FINE, "{nanos}: {longest}");
        }
        assert!(place(u64::MAX) < Histogram::new().counts.len());
    }
}
